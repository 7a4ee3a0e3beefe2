import { describe, expect, test } from 'vitest';
import { region } from '../../src/core/index.ts';
import { type Direction, isLoosening, replays, type Witness } from '../../src/diff/index.ts';
import { MODALITIES, type Policy } from '../../src/policy/index.ts';
import { dice } from './corpus.ts';
import { diffOf, SHIPPED } from './policies.ts';

/*
 * Edits of everything but conditions, with the direction that each has by construction: a limit raised, a set widened, a demand
 * dropped. Every policy made here keeps the rules of the loader (limits that hang together).
 */

type Exceptions = Policy['exceptions'];

interface FieldEdit {
  readonly name: string;
  readonly old: Policy;
  readonly new: Policy;
  readonly direction: Direction;
}

const ROOMY: Policy = withExceptions(SHIPPED, {
  limits: {
    ...SHIPPED.exceptions.limits,
    retention: '90d',
    enablement: '10d',
    leasedTime: { atMost: '14d', within: '30d' },
  },
});

function withExceptions(policy: Policy, exceptions: Partial<Exceptions>): Policy {
  return { ...policy, exceptions: { ...policy.exceptions, ...exceptions } };
}

const roll = dice(7);
const whole = (from: number, to: number): number => from + Math.floor(roll() * (to - from + 1));

/** Two different numbers, the smaller first. */
function pair(from: number, to: number): readonly [number, number] {
  const low = whole(from, to - 1);
  return [low, whole(low + 1, to)];
}

type LimitEdit = readonly [
  name: string,
  bounds: readonly [number, number],
  make: (amount: number) => Policy,
  withMore: 'loosening' | 'tightening',
];

const LIMITS: readonly LimitEdit[] = [
  [
    'retention',
    [14, 90],
    (n) => withExceptions(ROOMY, { limits: { ...ROOMY.exceptions.limits, retention: `${n}d` } }),
    'loosening',
  ],
  [
    'enablement',
    [1, 12],
    (n) => withExceptions(ROOMY, { limits: { ...ROOMY.exceptions.limits, enablement: `${n}d` } }),
    'loosening',
  ],
  [
    'starts within',
    [1, 90],
    (n) => withExceptions(ROOMY, { limits: { ...ROOMY.exceptions.limits, startsWithin: `${n}d` } }),
    'loosening',
  ],
  [
    'enable within',
    [1, 48],
    (n) => withExceptions(ROOMY, { limits: { ...ROOMY.exceptions.limits, enableWithin: `${n}h` } }),
    'loosening',
  ],
  [
    'leased time',
    [10, 29],
    (n) =>
      withExceptions(ROOMY, {
        limits: { ...ROOMY.exceptions.limits, leasedTime: { atMost: `${n}d`, within: '30d' } },
      }),
    'loosening',
  ],
  [
    'window of leased time',
    [30, 400],
    (n) =>
      withExceptions(ROOMY, {
        limits: { ...ROOMY.exceptions.limits, leasedTime: { atMost: '14d', within: `${n}d` } },
      }),
    'tightening',
  ],
  [
    'drain',
    [1, 48],
    (n) => withExceptions(ROOMY, { purge: { ...ROOMY.exceptions.purge, drain: `${n}h` } }),
    'tightening',
  ],
  [
    'second listing',
    [24, 96],
    (n) => withExceptions(ROOMY, { purge: { ...ROOMY.exceptions.purge, secondListingAfter: `${n}h` } }),
    'tightening',
  ],
  [
    'approvals expire',
    [1, 30],
    (n) => withExceptions(ROOMY, { approvals: { ...ROOMY.exceptions.approvals, expireAfter: `${n}d` } }),
    'loosening',
  ],
  [
    'subjects',
    [1, 499],
    (n) => withExceptions(ROOMY, { scope: { ...ROOMY.exceptions.scope, maxSubjects: n } }),
    'loosening',
  ],
  [
    'review of an exception',
    [1, 10],
    (n) => withExceptions(ROOMY, { review: { every: `${n}d` } }),
    'loosening',
  ],
  [
    'review of the policy',
    [30, 900],
    (n) => ({ ...ROOMY, review: { ...ROOMY.review, every: `${n}d` } }),
    'loosening',
  ],
];

const limitEdits = LIMITS.flatMap(([name, [from, to], make, withMore]): readonly FieldEdit[] =>
  Array.from({ length: 12 }, () => {
    const [low, high] = pair(from, to);
    return { name: `${name}: ${low} to ${high}`, old: make(low), new: make(high), direction: withMore };
  }),
);

const REGIONS = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1', 'ap-southeast-2'].map(region);
const ROLES = ['legal', 'security', 'executive', 'privacy', 'works-council'].map((role) => ({
  role,
  title: role,
  source: [{ document: 'policy', section: '7' }],
}));
const BODIES = ['cloud-architecture', 'security', 'legal', 'ai-governance'].map((body) => ({
  body,
  title: body,
}));
const KINDS = ['s3', 'cloudwatch-logs'] as const;

/** How many of the first members a list keeps; fewer roles or reviewers are fewer demands. */
const SETS: readonly (readonly [string, readonly [number, number], (count: number) => Policy, Direction])[] =
  [
    [
      'modalities',
      [1, 5],
      (n) =>
        withExceptions(ROOMY, { scope: { ...ROOMY.exceptions.scope, modalities: MODALITIES.slice(0, n) } }),
      'loosening',
    ],
    [
      'destinations',
      [1, 2],
      (n) =>
        withExceptions(ROOMY, { destination: { ...ROOMY.exceptions.destination, kinds: KINDS.slice(0, n) } }),
      'loosening',
    ],
    [
      'roles',
      [2, 5],
      (n) =>
        withExceptions(ROOMY, { approvals: { ...ROOMY.exceptions.approvals, roles: ROLES.slice(0, n) } }),
      'tightening',
    ],
    [
      'reviewers',
      [1, 4],
      (n) => ({ ...ROOMY, review: { ...ROOMY.review, reviewers: BODIES.slice(0, n) } }),
      'tightening',
    ],
    [
      'occasions',
      [0, 3],
      (n) => ({ ...ROOMY, review: { ...ROOMY.review, alsoOn: ['a', 'b', 'c'].slice(0, n) } }),
      'tightening',
    ],
    [
      'Regions',
      [1, 5],
      (n) => ({ ...ROOMY, storage: { ...ROOMY.storage, scope: { regions: REGIONS.slice(0, n) } } }),
      'both',
    ],
    [
      'administrators',
      [0, 4],
      (n) => ({
        ...ROOMY,
        storage: { ...ROOMY.storage, administrators: SHIPPED.storage.administrators.slice(0, n) },
      }),
      'loosening',
    ],
    ['controls', [1, 7], (n) => ({ ...ROOMY, controls: SHIPPED.controls.slice(0, n) }), 'tightening'],
  ];

const setEdits = SETS.flatMap(([name, [from, to], make, withMore]): readonly FieldEdit[] =>
  Array.from({ length: to - from }, (_, low) =>
    Array.from({ length: to - from - low }, (__, more) => ({
      name: `${name}: ${from + low} to ${from + low + more + 1}`,
      old: make(from + low),
      new: make(from + low + more + 1),
      direction: withMore,
    })),
  ).flat(),
);

const unit = (name: string) => `ou-exam-${name}0000000`;
const override = (name: string, rest: Partial<Policy['storage']['overrides'][number]>) => ({
  organizationalUnit: unit(name),
  reason: 'stricter',
  ...rest,
});
const withStorage = (storage: Partial<Policy['storage']>): Policy => ({
  ...ROOMY,
  storage: { ...ROOMY.storage, baseline: 'metadata-only', ...storage },
});

const OTHERS: readonly FieldEdit[] = [
  {
    name: 'an OU that enforced only observes',
    old: withStorage({ overrides: [override('a', { enforcement: 'enforce' })] }),
    new: withStorage({}),
    direction: 'loosening',
  },
  {
    name: 'an OU without metadata gets it',
    old: withStorage({ overrides: [override('a', { baseline: 'none' })] }),
    new: withStorage({}),
    direction: 'loosening',
  },
  {
    name: 'one override instead of another',
    old: withStorage({ overrides: [override('a', { baseline: 'none' })] }),
    new: withStorage({ overrides: [override('b', { baseline: 'none' })] }),
    direction: 'both',
  },
  {
    name: 'an override becomes the rule for all',
    old: withStorage({ overrides: [override('a', { baseline: 'none' })] }),
    new: withStorage({ baseline: 'none' }),
    direction: 'tightening',
  },
  {
    name: 'overrides in another order',
    old: withStorage({
      overrides: [override('a', { baseline: 'none' }), override('b', { baseline: 'none' })],
    }),
    new: withStorage({
      overrides: [override('b', { baseline: 'none' }), override('a', { baseline: 'none' })],
    }),
    direction: 'neutral',
  },
  {
    name: 'enforce to observe everywhere',
    old: withStorage({ enforcement: 'enforce' }),
    new: withStorage({}),
    direction: 'loosening',
  },
  {
    name: 'no versions in a bucket',
    old: ROOMY,
    new: withExceptions(ROOMY, { destination: { ...ROOMY.exceptions.destination, versioning: 'refused' } }),
    direction: 'tightening',
  },
  {
    name: 'no notice',
    old: ROOMY,
    new: withExceptions(ROOMY, { notice: { required: false, withheldBy: [] } }),
    direction: 'loosening',
  },
  {
    name: 'break-glass is made longer while it is off',
    old: withExceptions(ROOMY, { breakGlass: { enabled: false, atMost: '12h' } }),
    new: ROOMY,
    direction: 'neutral',
  },
  {
    name: 'break-glass is switched on',
    old: ROOMY,
    new: withExceptions(ROOMY, { breakGlass: { enabled: true, atMost: '12h' } }),
    direction: 'loosening',
  },
  {
    name: 'a role instead of another',
    old: withExceptions(ROOMY, {
      approvals: { ...ROOMY.exceptions.approvals, roles: ROLES.slice(0, 3) },
    }),
    new: withExceptions(ROOMY, {
      approvals: { ...ROOMY.exceptions.approvals, roles: [...ROLES.slice(0, 2), ...ROLES.slice(3, 4)] },
    }),
    direction: 'both',
  },
  {
    name: 'an in-force policy becomes a draft',
    old: {
      ...ROOMY,
      metadata: { ...ROOMY.metadata, status: 'in-force', effectiveFrom: '2026-01-01T00:00:00Z' },
    },
    new: {
      ...ROOMY,
      metadata: { ...ROOMY.metadata, status: 'draft', effectiveFrom: '2026-01-01T00:00:00Z' },
    },
    direction: 'loosening',
  },
  {
    name: 'it takes effect later',
    old: { ...ROOMY, metadata: { ...ROOMY.metadata, effectiveFrom: '2026-01-01T00:00:00Z' } },
    new: { ...ROOMY, metadata: { ...ROOMY.metadata, effectiveFrom: '2027-01-01T00:00:00Z' } },
    direction: 'loosening',
  },
  {
    name: '14d written as 336h',
    old: withExceptions(ROOMY, {
      limits: { ...ROOMY.exceptions.limits, retention: '14d', enablement: '12d' },
    }),
    new: withExceptions(ROOMY, {
      limits: { ...ROOMY.exceptions.limits, retention: '336h', enablement: '12d' },
    }),
    direction: 'neutral',
  },
  {
    name: 'another title',
    old: ROOMY,
    new: { ...ROOMY, metadata: { ...ROOMY.metadata, title: 'Another title' } },
    direction: 'text',
  },
  {
    name: 'a statement less',
    old: ROOMY,
    new: { ...ROOMY, statements: ROOMY.statements.slice(1) },
    direction: 'text',
  },
];

const CORPUS: readonly FieldEdit[] = [...limitEdits, ...setEdits, ...OTHERS];
const OPPOSITE: Readonly<Record<Direction, Direction>> = {
  loosening: 'tightening',
  tightening: 'loosening',
  both: 'both',
  neutral: 'neutral',
  text: 'text',
};

/** What all the changes of a diff come to. */
function overall(old: Policy, next: Policy): Direction {
  const { changes } = diffOf(old, next);
  const is = (direction: Direction): boolean => changes.some((change) => change.direction === direction);
  if (is('both') || (is('loosening') && is('tightening'))) return 'both';
  return (['loosening', 'tightening', 'neutral'] as const).find(is) ?? 'text';
}

const witnesses = (old: Policy, next: Policy): readonly Witness[] =>
  diffOf(old, next).changes.flatMap(({ loosens, tightens }) => [loosens ?? [], tightens ?? []].flat());

describe('edits of everything but conditions', () => {
  test.each(CORPUS.map((edit) => [edit.name, edit] as const))('%s', (_name, edit) => {
    expect(overall(edit.old, edit.new)).toBe(edit.direction);
    expect(overall(edit.new, edit.old)).toBe(OPPOSITE[edit.direction]);
    for (const [old, next] of [
      [edit.old, edit.new],
      [edit.new, edit.old],
    ] as const)
      for (const witness of witnesses(old, next)) {
        expect(replays(witness, old, next), JSON.stringify(witness)).toBe(true);
        expect(witness.old).not.toBe(witness.new);
      }
  });

  test('a policy differs from itself in nothing', () => {
    for (const { old, new: next } of CORPUS) {
      expect(diffOf(old, structuredClone(old)).changes).toEqual([]);
      expect(diffOf(next, structuredClone(next)).changes).toEqual([]);
    }
  });

  test('another owner is for people to judge, and counts as a loosening until they have', () => {
    const next = { ...ROOMY, metadata: { ...ROOMY.metadata, owner: 'Somebody else' } };
    const { changes, counts } = diffOf(ROOMY, next);
    expect(changes).toMatchObject([{ path: 'metadata.owner', isDecided: false }]);
    expect(changes.every(isLoosening)).toBe(true);
    expect(counts.notDecided).toBe(1);
  });

  test('conditions over the budget are not decided, and count as a loosening', () => {
    const next = {
      ...ROOMY,
      controls: ROOMY.controls.map((control) => ({
        ...control,
        require: { all: [control.require, control.require] },
      })),
    };
    const { changes } = diffOf(ROOMY, next, 20);
    expect(changes.filter(({ isDecided }) => !isDecided).length).toBeGreaterThan(0);
    expect(changes.filter(({ isDecided }) => !isDecided).every(isLoosening)).toBe(true);
    expect(diffOf(ROOMY, next).changes.map(({ direction }) => direction)).toEqual(
      ROOMY.controls.map(() => 'neutral'),
    );
  });
});

describe('every leaf of a policy', () => {
  /** Every text, number and boolean of a policy with its path. */
  function* leaves(
    value: unknown,
    path: readonly (string | number)[] = [],
  ): Generator<readonly (string | number)[]> {
    if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value))
        yield* leaves(inner, [...path, Array.isArray(value) ? Number(key) : key]);
    else yield path;
  }
  function changedAt(policy: Policy, path: readonly (string | number)[]): Policy {
    const copy = structuredClone(policy) as unknown as Record<string | number, unknown>;
    let parent = copy;
    for (const step of path.slice(0, -1)) parent = parent[step] as Record<string | number, unknown>;
    const last = path.at(-1) ?? '';
    const value = parent[last];
    parent[last] =
      typeof value === 'boolean'
        ? !value
        : typeof value === 'number'
          ? value + 1
          : /^[0-9]+[smhd]$/.test(String(value))
            ? `${Number.parseInt(String(value), 10) + 1}${String(value).slice(-1)}`
            : `${String(value)}x`;
    return copy as unknown as Policy;
  }

  /** Fixed by the language or the identity of the policy, or of a form that an `x` breaks: other tests change them. */
  const SKIPPED =
    /^(kind|schemaVersion|metadata\.(id|status|effectiveFrom)|storage\.(baseline|dataRetentionMode|enforcement|scope\.regions.*)|exceptions\.(destination|scope\.(topologies|modalities)).*|controls\.[0-9]+\.(subject|severity)|.*\.(fact|op))$/;

  test('makes a difference that is reported', () => {
    const paths = [...leaves(SHIPPED)].filter((path) => !SKIPPED.test(path.join('.')));
    expect(paths.length).toBeGreaterThan(250);
    const silent = paths.filter((path) => diffOf(SHIPPED, changedAt(SHIPPED, path)).changes.length === 0);
    expect(silent).toEqual([]);
  });
});
