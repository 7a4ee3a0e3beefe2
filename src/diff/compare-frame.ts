import { canonicalJson, type DocumentPath, parseDuration, parseInstant } from '../core/index.ts';
import type { Policy } from '../policy/index.ts';
import { listed, quoted, sayLength, shortened } from './say.ts';
import type { Change, PlainWitness } from './types.ts';

/*
 * Everything of a policy that decides nothing by itself: whose it is, whether it is in force, when people look at it again, and the
 * texts. No evaluator reads it, so its examples are plain sentences.
 */

type Compare = (old: Policy, next: Policy) => readonly Change[];
type Metadata = Policy['metadata'];
type Review = Policy['review'];

const METADATA = {
  // Two policies of different ids are not compared at all.
  id: () => [],
  title: text('policy', ['metadata', 'title']),
  version: text('policy', ['metadata', 'version']),
  status: status,
  effectiveFrom: effectiveFrom,
  owner: owner,
  audience: text('policy', ['metadata', 'audience']),
  summary: text('policy', ['metadata', 'summary']),
} as const satisfies Record<keyof Metadata, Compare>;

const REVIEW = {
  source: text('review', ['review', 'source']),
  every: cadence,
  alsoOn: occasions,
  reviewers: reviewers,
} as const satisfies Record<keyof Review, Compare>;

export const compareMetadata: Compare = (old, next) =>
  Object.values(METADATA).flatMap((compare) => compare(old, next));

export const compareReview: Compare = (old, next) =>
  Object.values(REVIEW).flatMap((compare) => compare(old, next));

export const compareSources: Compare = text('policy', ['sources']);

/**
 * Statements decide nothing: they say which source text is carried by what. One that is gone is named, since somebody relied on it.
 *
 * @param renamed - controls that have another id in the new policy: to mention one by it is no change
 */
export function compareStatements(
  old: Policy,
  next: Policy,
  renamed: Readonly<Record<string, string>> = {},
): readonly Change[] {
  const mentioned = old.statements.map((each) => ({
    ...each,
    carriedBy: each.carriedBy.map((carrier) => renamed[carrier] ?? carrier),
  }));
  if (canonicalJson(mentioned) === canonicalJson(next.statements)) return [];
  const before = byId(mentioned);
  const after = byId(next.statements);
  const gone = [...before.keys()].filter((id) => !after.has(id));
  const fresh = [...after.keys()].filter((id) => !before.has(id));
  const changed = [...after].filter(
    ([id, each]) => before.has(id) && canonicalJson(before.get(id)) !== canonicalJson(each),
  );
  const parts = [
    ...(gone.length === 0
      ? []
      : [`${listed(gone)} of the source policy ${gone.length === 1 ? 'is' : 'are'} no longer listed`]),
    ...(fresh.length === 0 ? [] : [`${listed(fresh)} ${fresh.length === 1 ? 'is' : 'are'} new`]),
    ...changed.map(([id, each]) => {
      const was = before.get(id)?.carriedBy ?? [];
      return was.join() === each.carriedBy.join()
        ? `${id} reads differently`
        : `${id} is now carried by ${listed(each.carriedBy)}; it was ${listed(was)}`;
    }),
  ];
  const first = next.statements.findIndex(({ id }) => changed[0]?.[0] === id || fresh[0] === id);
  return [
    {
      area: 'policy',
      direction: 'text',
      isDecided: true,
      path: 'statements',
      at: { old: ['statements'], new: first === -1 ? ['statements'] : ['statements', first] },
      says: parts.length === 0 ? 'the statements stand in another order' : parts.join('; '),
    },
  ];
}

const byId = (list: Policy['statements']): ReadonlyMap<string, Policy['statements'][number]> =>
  new Map(list.map((each) => [each.id, each]));

const frameChange = (change: Omit<Change, 'isDecided'> & { isDecided?: boolean }): Change => ({
  isDecided: true,
  ...change,
});

/** A field that is for people only. */
function text(area: Change['area'], path: readonly string[]): Compare {
  return (old, next) => {
    const [before, after] = [valueAt(old, path), valueAt(next, path)];
    if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
    const name = quoted(path.join('.'));
    const isShort =
      typeof before === 'string' && typeof after === 'string' && before.length + after.length < 80;
    return [
      frameChange({
        area,
        direction: 'text',
        path: path.join('.'),
        at: { old: path, new: path },
        says: isShort
          ? `${name} reads ${quoted(after)}; it was ${quoted(before)}`
          : `${name} reads differently`,
      }),
    ];
  };
}

function valueAt(policy: Policy, path: readonly string[]): unknown {
  let value: unknown = policy;
  for (const step of path) value = (value as Readonly<Record<string, unknown>>)[step];
  return value;
}

/** A change that goes one way; the sentence before and after is the example. */
function oneWay(
  isLooser: boolean,
  area: Change['area'],
  path: DocumentPath,
  says: string,
  example: Omit<PlainWitness, 'kind'>,
): Change {
  const witness: PlainWitness = { kind: 'plain', ...example };
  return frameChange({
    area,
    direction: isLooser ? 'loosening' : 'tightening',
    path: path.join('.'),
    at: { old: path, new: path },
    says,
    ...(isLooser ? { loosens: witness } : { tightens: witness }),
  });
}

const STATUS_WORDS = {
  draft: 'nobody has to follow it yet',
  'in-force': 'it has to be followed',
  retired: 'nobody has to follow it any more',
} as const satisfies Record<Metadata['status'], string>;

function status(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.metadata.status, next.metadata.status];
  if (before === after) return [];
  const path = ['metadata', 'status'];
  const says = `the policy is \`${after}\`; it was \`${before}\``;
  if (before !== 'in-force' && after !== 'in-force')
    return [
      frameChange({
        area: 'policy',
        direction: 'neutral',
        path: path.join('.'),
        at: { old: path, new: path },
        says,
        remark: 'neither has to be followed',
      }),
    ];
  return [
    oneWay(after !== 'in-force', 'policy', path, says, {
      given: ['the policy as a whole'],
      old: STATUS_WORDS[before],
      new: STATUS_WORDS[after],
    }),
  ];
}

/** Without a date a policy holds from whenever it is adopted, which is the earliest it can be. */
function effectiveFrom(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.metadata.effectiveFrom, next.metadata.effectiveFrom];
  if (before === after) return [];
  const at = (instant: string | undefined): number => {
    const read = instant === undefined ? undefined : parseInstant(instant);
    return read?.ok === true ? read.value : Number.NEGATIVE_INFINITY;
  };
  const words = (instant: string | undefined): string => (instant === undefined ? 'its adoption' : instant);
  const path = ['metadata', 'effectiveFrom'];
  const says = `the policy takes effect from ${words(after)}; it was ${words(before)}`;
  if (at(before) === at(after))
    return [
      frameChange({
        area: 'policy',
        direction: 'text',
        path: path.join('.'),
        at: { old: path, new: path },
        says,
      }),
    ];
  const isLater = at(after) > at(before);
  return [
    oneWay(isLater, 'policy', path, says, {
      given: [
        `a violation after ${words(isLater ? before : after)} and before ${words(isLater ? after : before)}`,
      ],
      old: isLater ? 'against the policy' : 'before the policy takes effect',
      new: isLater ? 'before the policy takes effect' : 'against the policy',
    }),
  ];
}

/** Who answers for the policy is nothing a machine can rank. */
function owner(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.metadata.owner, next.metadata.owner];
  if (before === after) return [];
  return [
    frameChange({
      area: 'policy',
      direction: 'loosening',
      isDecided: false,
      path: 'metadata.owner',
      at: { old: ['metadata', 'owner'], new: ['metadata', 'owner'] },
      says: `the policy is owned by ${quoted(shortened(after))}; it was ${quoted(shortened(before))}: whether that is stricter, people must say`,
    }),
  ];
}

function cadence(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.review.every, next.review.every];
  if (before === after) return [];
  const length = (value: string): number => {
    const read = parseDuration(value);
    return read.ok ? read.value : 0;
  };
  const path = ['review', 'every'];
  const says = `the policy is reviewed every ${sayLength(after)}; it was every ${sayLength(before)}`;
  if (length(before) === length(after))
    return [
      frameChange({
        area: 'review',
        direction: 'neutral',
        path: path.join('.'),
        at: { old: path, new: path },
        says,
      }),
    ];
  const shorter = length(before) < length(after) ? before : after;
  const isLater = length(after) > length(before);
  return [
    oneWay(isLater, 'review', path, says, {
      given: [`the policy, a little more than ${sayLength(shorter)} after its last review`],
      old: isLater ? 'its review is overdue' : 'its review is not due',
      new: isLater ? 'its review is not due' : 'its review is overdue',
    }),
  ];
}

function occasions(old: Policy, next: Policy): readonly Change[] {
  return members(
    old.review.alsoOn.map((each) => ({ key: each, name: quoted(shortened(each)), words: each })),
    next.review.alsoOn.map((each) => ({ key: each, name: quoted(shortened(each)), words: each })),
    ['review', 'alsoOn'],
    {
      added: (names) => `the policy is now reviewed also on ${names}`,
      removed: (names) => `the policy is no longer reviewed on ${names}`,
      reordered: 'the occasions of a review stand in another order',
      given: (name) => `${name} happens`,
      yes: 'the policy is reviewed',
      no: 'nobody has to review the policy',
    },
  );
}

function reviewers(old: Policy, next: Policy): readonly Change[] {
  const of = (policy: Policy) =>
    policy.review.reviewers.map(({ body, title }) => ({
      key: body,
      name: `${title} (${quoted(body)})`,
      words: title,
    }));
  return members(of(old), of(next), ['review', 'reviewers'], {
    added: (names) => `a review now needs ${names} too`,
    removed: (names) => `a review no longer needs ${names}`,
    reordered: 'the reviewers stand in another order, or their titles read differently',
    given: (name) => `a review signed by all others, without ${name}`,
    yes: 'not complete',
    no: 'complete',
  });
}

interface Member {
  readonly key: string;
  readonly name: string;
  readonly words: string;
}

/** A list of which every member is one demand more. */
function members(
  before: readonly Member[],
  after: readonly Member[],
  path: readonly string[],
  words: {
    readonly added: (names: string) => string;
    readonly removed: (names: string) => string;
    readonly reordered: string;
    readonly given: (name: string) => string;
    /** What is said of the example where the list has the member, and where not. */
    readonly yes: string;
    readonly no: string;
  },
): readonly Change[] {
  if (canonicalJson(before) === canonicalJson(after)) return [];
  const lacking = (mine: readonly Member[], theirs: readonly Member[]): readonly Member[] =>
    mine.filter(({ key }) => !theirs.some((each) => each.key === key));
  const [added, removed] = [lacking(after, before), lacking(before, after)];
  const place = { area: 'review' as const, path: path.join('.'), at: { old: path, new: path } };
  if (added.length === 0 && removed.length === 0)
    return [frameChange({ ...place, direction: 'neutral', says: words.reordered })];
  const example = (member: Member, isAdded: boolean): PlainWitness => ({
    kind: 'plain',
    given: [words.given(member.words)],
    old: isAdded ? words.no : words.yes,
    new: isAdded ? words.yes : words.no,
  });
  const names = (list: readonly Member[]): string => listed(list.map(({ name }) => name));
  return [
    frameChange({
      ...place,
      direction: added.length === 0 ? 'loosening' : removed.length === 0 ? 'tightening' : 'both',
      says: [
        ...(removed.length === 0 ? [] : [words.removed(names(removed))]),
        ...(added.length === 0 ? [] : [words.added(names(added))]),
      ].join('; '),
      ...(removed[0] === undefined ? {} : { loosens: example(removed[0], false) }),
      ...(added[0] === undefined ? {} : { tightens: example(added[0], true) }),
    }),
  ];
}
