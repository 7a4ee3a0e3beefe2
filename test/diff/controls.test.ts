import { describe, expect, test } from 'vitest';
import { hashOf } from '../../src/core/index.ts';
import { comparePolicies, type Direction, replays } from '../../src/diff/index.ts';
import {
  type Condition,
  type Control,
  type Policy,
  type PolicyCases,
  parsePolicyCases,
} from '../../src/policy/index.ts';
import { controlOf, diffOf, withControls } from './policies.ts';

const isNone: Condition = { fact: 'dataRetention.mode', op: 'equal', value: 'none' };
const isInherit: Condition = { fact: 'dataRetention.mode', op: 'equal', value: 'inherit' };
const isOff: Condition = { fact: 'invocationLogging.isConfigured', op: 'equal', value: false };
const always: Condition = { any: [isNone, { not: isNone }] };

const control = (require: Condition, rest: Partial<Control> = {}) =>
  controlOf('account-region', require, rest);

interface Row {
  readonly name: string;
  readonly old: readonly Control[];
  readonly new: readonly Control[];
  /** Path and direction of every change. */
  readonly changes: readonly (readonly [string, Direction])[];
}

const ROWS: readonly Row[] = [
  {
    name: 'a higher severity',
    old: [control(isNone, { severity: 'low' })],
    new: [control(isNone)],
    changes: [['controls.CP-90.severity', 'tightening']],
  },
  {
    name: 'a lower severity',
    old: [control(isNone)],
    new: [control(isNone, { severity: 'low' })],
    changes: [['controls.CP-90.severity', 'loosening']],
  },
  {
    name: 'the severity of a control that nothing violates',
    old: [control(always)],
    new: [control(always, { severity: 'low' })],
    changes: [['controls.CP-90.severity', 'neutral']],
  },
  {
    name: 'an exception may cover it',
    old: [control(isNone)],
    new: [control(isNone, { coverableByException: true })],
    changes: [['controls.CP-90.coverableByException', 'loosening']],
  },
  {
    name: 'no exception may cover it',
    old: [control(isNone, { coverableByException: true })],
    new: [control(isNone)],
    changes: [['controls.CP-90.coverableByException', 'tightening']],
  },
  {
    name: 'severity and condition at once',
    old: [control(isNone)],
    new: [control({ any: [isNone, isOff] }, { severity: 'critical' })],
    changes: [
      ['controls.CP-90.require', 'loosening'],
      ['controls.CP-90.severity', 'tightening'],
    ],
  },
  { name: 'a deleted control', old: [control(isNone)], new: [], changes: [['controls.CP-90', 'loosening']] },
  { name: 'a new control', old: [], new: [control(isNone)], changes: [['controls.CP-90', 'tightening']] },
  {
    name: 'a deleted control that only ever was indeterminate',
    old: [control(always)],
    new: [],
    changes: [['controls.CP-90', 'loosening']],
  },
  {
    name: 'a deleted control that never applied',
    old: [control(isOff, { when: { all: [isNone, isInherit] } })],
    new: [],
    changes: [['controls.CP-90', 'loosening']],
  },
  {
    name: 'another id, the same conditions',
    old: [control(isNone)],
    new: [control(isNone, { id: 'CP-91', title: 'Another title' })],
    changes: [
      ['controls.CP-91.id', 'neutral'],
      ['controls.CP-91.title', 'text'],
    ],
  },
  {
    name: 'another id, conditions that mean the same',
    old: [control({ all: [isNone, isOff] })],
    new: [
      control({ not: { any: [{ not: isOff }, { not: isNone }] } }, { id: 'CP-91', title: 'Another title' }),
    ],
    changes: [
      ['controls.CP-91.id', 'neutral'],
      ['controls.CP-91.require', 'neutral'],
      ['controls.CP-91.title', 'text'],
    ],
  },
  {
    name: 'another id, the same title, another condition',
    old: [control(isNone)],
    new: [control({ any: [isNone, isOff] }, { id: 'CP-91' })],
    changes: [
      ['controls.CP-91.require', 'loosening'],
      ['controls.CP-91.id', 'neutral'],
    ],
  },
  {
    name: 'another id, another title, another condition: two controls',
    old: [control(isNone)],
    new: [control(isOff, { id: 'CP-91', title: 'Another title' })],
    changes: [
      ['controls.CP-90', 'loosening'],
      ['controls.CP-91', 'tightening'],
    ],
  },
  {
    name: 'another subject: two controls',
    old: [controlOf('account-region', { fact: 'account.state', op: 'equal', value: 'ACTIVE' })],
    new: [controlOf('principal', { fact: 'account.state', op: 'equal', value: 'ACTIVE' })],
    changes: [
      ['controls.CP-90', 'loosening'],
      ['controls.CP-90', 'tightening'],
    ],
  },
  {
    name: 'ids exchanged: each is still its own, and says something else',
    old: [control(isNone), control(isOff, { id: 'CP-91' })],
    new: [control(isOff), control(isNone, { id: 'CP-91' })],
    changes: [
      ['controls.CP-90.require', 'both'],
      ['controls.CP-91.require', 'both'],
    ],
  },
  {
    name: 'another order',
    old: [control(isNone), control(isOff, { id: 'CP-91', title: 'B' })],
    new: [control(isOff, { id: 'CP-91', title: 'B' }), control(isNone)],
    changes: [['controls', 'neutral']],
  },
  {
    name: 'a text',
    old: [control(isNone)],
    new: [control(isNone, { message: 'x', remedy: 'y' })],
    changes: [['controls.CP-90.message', 'text']],
  },
  {
    name: 'compliant becomes not applicable, and nothing else',
    old: [control({ any: [isOff, always] }, { when: always })],
    new: [control({ any: [isOff, always] }, { when: { all: [always, always] } })],
    changes: [['controls.CP-90.when', 'neutral']],
  },
];

describe('controls of two policies', () => {
  test.each(ROWS.map((row) => [row.name, row] as const))('%s', (_name, row) => {
    const [old, next] = [withControls(...row.old), withControls(...row.new)];
    const { changes } = diffOf(old, next);
    expect(changes.map(({ path, direction }) => [path, direction])).toEqual(row.changes);
    for (const { loosens, tightens } of changes)
      for (const witness of [loosens, tightens])
        if (witness !== undefined) expect(replays(witness, old, next)).toBe(true);
  });

  test('a step between compliant and not applicable is neutral, and says where', () => {
    const require: Condition = { any: [isOff, { not: isOff }] };
    const [change] = diffOf(
      withControls(control(require)),
      withControls(
        control(require, { when: { fact: 'invocationLogging.isConfigured', op: 'equal', value: true } }),
      ),
    ).changes;
    expect(change?.direction).toBe('neutral');
    expect(change?.remark).toContain('what was compliant may now be not-applicable');
  });

  test('a deleted control names the others that would still report its example', () => {
    const [change] = diffOf(
      withControls(control(isNone), control({ all: [isNone, isOff] }, { id: 'CP-91', title: 'B' })),
      withControls(control({ all: [isNone, isOff] }, { id: 'CP-91', title: 'B' })),
    ).changes;
    expect(change?.remark).toBe('CP-91 would still report this example, not all of them');
  });
});

describe('cases of two policies', () => {
  const policy = withControls(control(isNone), control(isOff, { id: 'CP-91', title: 'B' }));
  const renamed = withControls(control(isNone, { id: 'CP-99' }), control(isOff, { id: 'CP-91', title: 'B' }));
  const without = withControls(control(isOff, { id: 'CP-91', title: 'B' }));
  const text = (...cases: readonly (readonly [name: string, control: string, mode: string])[]): string =>
    `kind: PolicyCases\nschemaVersion: 1\npolicy: prompt-storage\nnow: 2026-11-21T09:00:00Z\ncases:\n${cases
      .map(
        ([name, id, mode]) =>
          `  - { name: ${name}, control: ${id}, facts: { dataRetention.mode: ${mode} }, expect: { outcome: ${mode === 'none' ? 'compliant' : 'non-compliant'}, clause: require } }`,
      )
      .join('\n')}\n`;
  const casesOf = (of: Policy, source: string): PolicyCases => {
    const parsed = parsePolicyCases(source, 'x.cases.yaml', of);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return parsed.value;
  };
  const changed = (old: Policy, oldCases: string, next: Policy, newCases: string): readonly string[] => {
    const side = (of: Policy, source: string) => ({
      policy: { policy: of, hash: hashOf(of), file: 'x.yaml' },
      cases: casesOf(of, source),
    });
    const compared = comparePolicies(side(old, oldCases), side(next, newCases));
    if (!compared.ok) throw new Error(compared.error.message);
    return compared.value.changes
      .filter(({ area }) => area === 'case')
      .map(({ direction, says }) => `${direction}: ${says}`);
  };
  const both = text(['one', 'CP-90', 'none'], ['two', 'CP-90', 'default']);

  test.each([
    ['the same', both, []],
    ['another order', text(['two', 'CP-90', 'default'], ['one', 'CP-90', 'none']), []],
    ['one deleted', text(['one', 'CP-90', 'none']), ['loosening: the case “two” is deleted']],
    [
      'one more',
      text(['one', 'CP-90', 'none'], ['two', 'CP-90', 'default'], ['three', 'CP-90', 'inherit']),
      ['tightening: the case “three” is new'],
    ],
    [
      'one that says something else',
      text(['one', 'CP-90', 'none'], ['two', 'CP-90', 'inherit']),
      ['both: the case “two” says something else'],
    ],
    [
      'another name',
      text(['one', 'CP-90', 'none'], ['too', 'CP-90', 'default']),
      ['text: one case has another name and the same content'],
    ],
  ] as const)('%s', (_name, cases, expected) => {
    expect(changed(policy, both, policy, cases)).toEqual(expected);
  });

  test('of a renamed control are the same cases', () => {
    expect(changed(policy, both, renamed, both.replaceAll('CP-90', 'CP-99'))).toEqual([]);
  });

  test('of a deleted control go with it', () => {
    const rest =
      '  - { name: rest, control: CP-91, facts: {}, expect: { outcome: indeterminate, clause: require } }\n';
    expect(changed(policy, both + rest, without, both.slice(0, both.indexOf('  - ')) + rest)).toEqual([]);
  });
});
