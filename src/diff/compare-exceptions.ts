import { canonicalJson, type DocumentPath, parseDuration } from '../core/index.ts';
import type { Policy } from '../policy/index.ts';
import { type RequestClause, requestChanges } from './compare-requests.ts';
import { approvalsSuffice } from './request-example.ts';
import { listed, quoted, sayLength } from './say.ts';
import type { ApprovalsWitness, Change, PlainWitness, Witness } from './types.ts';

type Exceptions = Policy['exceptions'];
type Compare = (old: Policy, next: Policy) => readonly Change[];

/** What a field of `exceptions` says, and what follows from each of two values, in words. */
interface Limit {
  readonly path: readonly ['exceptions', ...string[]];
  /** With `more` the limit is looser, as most are; with `less` it is tighter. */
  readonly looserWith: 'more' | 'less';
  readonly says: (now: string, before: string) => string;
  /** The condition of `judge` that reads it. Absent: it counts after a request was admitted. */
  readonly clause?: RequestClause;
  /** An example for a change that no request shows. */
  readonly example: { readonly given: string; readonly with: (value: string) => string };
}

const limit =
  (of: Limit): Compare =>
  (old, next) => {
    const [before, after] = [textAt(old, of.path), textAt(next, of.path)];
    const [from, to] = [lengthOf(before), lengthOf(after)];
    const place = { path: of.path.join('.'), at: { old: of.path, new: of.path } };
    if (from === to)
      return before === after
        ? []
        : [
            exceptionChange({
              ...place,
              direction: 'neutral',
              says: `${quoted(of.path.slice(1).join('.'))} is written \`${after}\`; it was \`${before}\`, which is as long`,
            }),
          ];
    const direction = to > from === (of.looserWith === 'more') ? 'loosening' : 'tightening';
    const requests: { readonly loosens?: Witness; readonly tightens?: Witness } =
      of.clause === undefined ? {} : requestChanges(old, next, of.clause);
    const plain: PlainWitness = {
      kind: 'plain',
      given: [of.example.given],
      old: of.example.with(sayLength(before)),
      new: of.example.with(sayLength(after)),
    };
    return [
      exceptionChange({
        ...place,
        direction,
        says: of.says(sayLength(after), sayLength(before)),
        ...(direction === 'loosening'
          ? { loosens: requests.loosens ?? plain }
          : { tightens: requests.tightens ?? plain }),
      }),
    ];
  };

const limits = {
  retention: limit({
    path: ['exceptions', 'limits', 'retention'],
    looserWith: 'more',
    clause: 'exceptions.limits.retention',
    says: (now, before) =>
      `content may exist for ${now} from switching on to the proven purge, the longest total storage; it was ${before}`,
    example: { given: 'content of an exception', with: (value) => `gone within ${value}` },
  }),
  enablement: limit({
    path: ['exceptions', 'limits', 'enablement'],
    looserWith: 'more',
    clause: 'exceptions.limits.enablement',
    says: (now, before) => `content storage may be on for ${now}; it was ${before}`,
    example: { given: 'an exception', with: (value) => `on for at most ${value}` },
  }),
  leasedTime: leasedTime,
  startsWithin: limit({
    path: ['exceptions', 'limits', 'startsWithin'],
    looserWith: 'more',
    clause: 'exceptions.limits.startsWithin',
    says: (now, before) => `an exception may be asked for ${now} ahead; it was ${before}`,
    example: { given: 'a request', with: (value) => `starts at most ${value} ahead` },
  }),
  enableWithin: limit({
    path: ['exceptions', 'limits', 'enableWithin'],
    looserWith: 'more',
    says: (now, before) => `an exception may still be switched on ${now} after its start; it was ${before}`,
    example: {
      given: 'an approved exception that is not on yet at its start',
      with: (value) => `expires ${value} after its start`,
    },
  }),
} as const satisfies Record<keyof Exceptions['limits'], Compare>;

const purge = {
  drain: limit({
    path: ['exceptions', 'purge', 'drain'],
    looserWith: 'less',
    clause: 'exceptions.purge',
    says: (now, before) => `late deliveries are waited for during ${now} before the purge; it was ${before}`,
    example: {
      given: 'an exception that was switched off',
      with: (value) => `purged after ${value} of quiet`,
    },
  }),
  secondListingAfter: limit({
    path: ['exceptions', 'purge', 'secondListingAfter'],
    looserWith: 'less',
    clause: 'exceptions.purge',
    says: (now, before) => `the two empty listings that prove a purge are ${now} apart; it was ${before}`,
    example: {
      given: 'content that was purged',
      with: (value) => `proven gone by a second look after ${value}`,
    },
  }),
} as const satisfies Record<keyof Exceptions['purge'], Compare>;

const scope = {
  topologies: set(
    ['exceptions', 'scope', 'topologies'],
    'exceptions.scope.topologies',
    'way to keep an exception to its subjects',
    'ways to keep an exception to its subjects',
  ),
  modalities: set(
    ['exceptions', 'scope', 'modalities'],
    'exceptions.scope.modalities',
    'kind of content',
    'kinds of content',
  ),
  onlySubjectsInvoke: onlySubjectsInvoke,
  maxSubjects: maxSubjects,
} as const satisfies Record<keyof Exceptions['scope'], Compare>;

const destination = {
  kinds: set(
    ['exceptions', 'destination', 'kinds'],
    'exceptions.destination.kinds',
    'kind of destination',
    'kinds of destination',
  ),
  // The language has one value; the schema refuses any other.
  encryption: () => [],
  versioning: versioning,
} as const satisfies Record<keyof Exceptions['destination'], Compare>;

const approvals = {
  roles: roles,
  expireAfter: limit({
    path: ['exceptions', 'approvals', 'expireAfter'],
    looserWith: 'more',
    says: (now, before) => `approvals are collected for ${now} after a request; it was ${before}`,
    example: {
      given: 'a request that still lacks an approval',
      with: (value) => `expires ${value} after it was submitted`,
    },
  }),
  validFor: limit({
    path: ['exceptions', 'approvals', 'validFor'],
    looserWith: 'more',
    says: (now, before) => `an approval counts for ${now}, up to the start; it was ${before}`,
    example: { given: 'an approval', with: (value) => `no longer counts at a start ${value} later` },
  }),
  remindBefore: told(['exceptions', 'approvals', 'remindBefore'], 'whoever has not decided is reminded'),
  escalateBefore: told(['exceptions', 'approvals', 'escalateBefore'], 'others are told'),
  escalateTo: escalateTo,
} as const satisfies Record<keyof Exceptions['approvals'], Compare>;

const notice = {
  required: noticeRequired,
  withheldBy: withheldBy,
} as const satisfies Record<keyof Exceptions['notice'], Compare>;

/** How each part of `exceptions` is compared. A part that the language gains does not compile until it has a line here. */
const PARTS = {
  source: sourceText,
  approvals: all(approvals),
  limits: all(limits),
  scope: all(scope),
  destination: all(destination),
  purge: all(purge),
  review: limit({
    path: ['exceptions', 'review', 'every'],
    looserWith: 'more',
    says: (now, before) => `a live exception is looked at every ${now}; it was every ${before}`,
    example: { given: 'a live exception', with: (value) => `looked at again every ${value}` },
  }),
  request: dataProtectionAssessment,
  notice: all(notice),
  breakGlass: breakGlass,
} as const satisfies Record<keyof Exceptions, Compare>;

export const compareExceptions: Compare = (old, next) => all(PARTS)(old, next);

function all(parts: Readonly<Record<string, Compare>>): Compare {
  return (old, next) => Object.values(parts).flatMap((compare) => compare(old, next));
}

const exceptionChange = (change: Omit<Change, 'area' | 'isDecided'> & { isDecided?: boolean }): Change => ({
  area: 'exception',
  isDecided: true,
  ...change,
});

const bothAt = (...path: DocumentPath): Change['at'] => ({ old: path, new: path });

function textAt(policy: Policy, path: readonly string[]): string {
  let value: unknown = policy;
  for (const step of path) value = (value as Readonly<Record<string, unknown>>)[step];
  return String(value);
}

function lengthOf(text: string): number {
  const read = parseDuration(text);
  if (!read.ok) throw new TypeError(read.error);
  return read.value;
}

function leasedTime(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.exceptions.limits.leasedTime, next.exceptions.limits.leasedTime];
  if (canonicalJson(before) === canonicalJson(after)) return [];
  const place = { path: 'exceptions.limits.leasedTime', at: bothAt('exceptions', 'limits', 'leasedTime') };
  const words = ({ atMost, within }: typeof before): string =>
    `${sayLength(atMost)} in any ${sayLength(within)}`;
  const { loosens, tightens } = requestChanges(old, next, 'exceptions.limits.leasedTime');
  const [a, b] = [before, after].map(({ atMost, within }) => [lengthOf(atMost), lengthOf(within)] as const);
  const isSame = a?.[0] === b?.[0] && a?.[1] === b?.[1];
  const says = `content storage may be on for ${words(after)} per account and Region; it was ${words(before)}`;
  if (isSame) return [exceptionChange({ ...place, direction: 'neutral', says })];
  if (loosens === undefined && tightens === undefined)
    return [exceptionChange({ ...place, direction: 'loosening', isDecided: false, says })];
  return [
    exceptionChange({
      ...place,
      direction: tightens === undefined ? 'loosening' : loosens === undefined ? 'tightening' : 'both',
      says,
      ...(loosens === undefined ? {} : { loosens }),
      ...(tightens === undefined ? {} : { tightens }),
    }),
  ];
}

function set(
  path: readonly ['exceptions', string, string],
  clause: RequestClause,
  one: string,
  many: string,
): Compare {
  return (old, next) => {
    const [before, after] = [listAt(old, path), listAt(next, path)];
    const added = after.filter((each) => !before.includes(each));
    const removed = before.filter((each) => !after.includes(each));
    const place = { path: path.join('.'), at: { old: path, new: path } };
    if (added.length === 0 && removed.length === 0)
      return before.join() === after.join()
        ? []
        : [exceptionChange({ ...place, direction: 'neutral', says: `the ${many} stand in another order` })];
    const { loosens, tightens } = requestChanges(old, next, clause);
    const noun = (list: readonly string[]): string =>
      `${list.length === 1 ? one : many} ${listed(list.map(quoted))}`;
    return [
      exceptionChange({
        ...place,
        direction: removed.length === 0 ? 'loosening' : added.length === 0 ? 'tightening' : 'both',
        says: [
          ...(added.length === 0 ? [] : [`an exception may now have the ${noun(added)}`]),
          ...(removed.length === 0 ? [] : [`no exception may have the ${noun(removed)} any more`]),
        ].join('; '),
        ...(added.length > 0 && loosens !== undefined ? { loosens } : {}),
        ...(removed.length > 0 && tightens !== undefined ? { tightens } : {}),
      }),
    ];
  };
}

function listAt(policy: Policy, path: readonly string[]): readonly string[] {
  let value: unknown = policy;
  for (const step of path) value = (value as Readonly<Record<string, unknown>>)[step];
  return Array.isArray(value) ? value.map(String) : [];
}

/** A change that `judge` reads and that goes one way only. */
function judged(
  old: Policy,
  next: Policy,
  clause: RequestClause,
  place: Pick<Change, 'path' | 'at' | 'says'> & { readonly isLooser: boolean },
): Change {
  const { isLooser, ...rest } = place;
  const { loosens, tightens } = requestChanges(old, next, clause);
  const found = isLooser ? loosens : tightens;
  if (found === undefined)
    return exceptionChange({ ...rest, direction: 'neutral', remark: 'no request is judged otherwise' });
  return exceptionChange({
    ...rest,
    ...(isLooser ? { direction: 'loosening', loosens: found } : { direction: 'tightening', tightens: found }),
  });
}

function onlySubjectsInvoke(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.exceptions.scope.onlySubjectsInvoke, next.exceptions.scope.onlySubjectsInvoke];
  if (before === after) return [];
  return [
    judged(old, next, 'exceptions.scope.onlySubjectsInvoke', {
      isLooser: after === 'not-required',
      path: 'exceptions.scope.onlySubjectsInvoke',
      at: bothAt('exceptions', 'scope', 'onlySubjectsInvoke'),
      says:
        after === 'required'
          ? 'a dedicated exception now needs it decided that nobody but its subjects can invoke a model there'
          : 'a dedicated exception may be where others than its subjects can invoke a model, and captures them',
    }),
  ];
}

function maxSubjects(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.exceptions.scope.maxSubjects, next.exceptions.scope.maxSubjects];
  if (before === after) return [];
  return [
    judged(old, next, 'exceptions.scope.maxSubjects', {
      isLooser: after > before,
      path: 'exceptions.scope.maxSubjects',
      at: bothAt('exceptions', 'scope', 'maxSubjects'),
      says: `one exception may name ${after} subjects; it was ${before}`,
    }),
  ];
}

function versioning(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.exceptions.destination.versioning, next.exceptions.destination.versioning];
  if (before === after) return [];
  return [
    judged(old, next, 'exceptions.destination.versioning', {
      isLooser: after === 'allowed',
      path: 'exceptions.destination.versioning',
      at: bothAt('exceptions', 'destination', 'versioning'),
      says:
        after === 'allowed'
          ? 'content may be written to a bucket that keeps versions'
          : 'content may not be written to a bucket that keeps versions any more',
    }),
  ];
}

function noticeRequired(old: Policy, next: Policy): readonly Change[] {
  const after = next.exceptions.notice.required;
  if (old.exceptions.notice.required === after) return [];
  return [
    judged(old, next, 'exceptions.notice', {
      isLooser: !after,
      path: 'exceptions.notice.required',
      at: bothAt('exceptions', 'notice', 'required'),
      says: after
        ? 'the people concerned must be told, or somebody must have decided not to'
        : 'the people concerned need not be told any more, and nobody has to have decided that',
    }),
  ];
}

/** An empty list lets anybody decide, so it is the loosest, not the tightest. */
function withheldBy(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.exceptions.notice.withheldBy, next.exceptions.notice.withheldBy];
  if (before.join() === after.join()) return [];
  const place = { path: 'exceptions.notice.withheldBy', at: bothAt('exceptions', 'notice', 'withheldBy') };
  const words = (roles: readonly string[]): string =>
    roles.length === 0 ? 'anybody' : `a person with the role ${listed(roles.map(quoted), 'or')}`;
  const { loosens, tightens } = requestChanges(old, next, 'exceptions.notice.withheldBy');
  const says = `${words(after)} may decide that the people concerned are not told; it was ${words(before)}`;
  if (loosens === undefined && tightens === undefined)
    return [
      exceptionChange({ ...place, direction: 'neutral', says, remark: 'no request is judged otherwise' }),
    ];
  return [
    exceptionChange({
      ...place,
      direction: tightens === undefined ? 'loosening' : loosens === undefined ? 'tightening' : 'both',
      says,
      ...(loosens === undefined ? {} : { loosens }),
      ...(tightens === undefined ? {} : { tightens }),
    }),
  ];
}

function dataProtectionAssessment(old: Policy, next: Policy): readonly Change[] {
  const after = next.exceptions.request.dataProtectionAssessment;
  if (old.exceptions.request.dataProtectionAssessment === after) return [];
  return [
    judged(old, next, 'exceptions.request.dataProtectionAssessment', {
      isLooser: after === 'optional',
      path: 'exceptions.request.dataProtectionAssessment',
      at: bothAt('exceptions', 'request', 'dataProtectionAssessment'),
      says:
        after === 'optional'
          ? 'a request need not name its data-protection assessment any more'
          : 'a request must name its data-protection assessment, or who decided that none is needed',
    }),
  ];
}

/** When people are told decides nothing: neither looser nor tighter. */
function told(path: readonly ['exceptions', ...string[]], what: string): Compare {
  return (old, next) => {
    const [before, after] = [textAt(old, path), textAt(next, path)];
    return before === after
      ? []
      : [
          exceptionChange({
            path: path.join('.'),
            at: { old: path, new: path },
            direction: 'neutral',
            says: `${what} ${sayLength(after)} before the deadline of approvals; it was ${sayLength(before)}`,
          }),
        ];
  };
}

function escalateTo(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old, next].map(({ exceptions }) => exceptions.approvals.escalateTo);
  if (before?.join() === after?.join()) return [];
  const words = (roles: readonly string[] = []): string =>
    roles.length === 0 ? 'the requester alone' : `the requester and ${listed(roles.map(quoted))}`;
  return [
    exceptionChange({
      path: 'exceptions.approvals.escalateTo',
      at: bothAt('exceptions', 'approvals', 'escalateTo'),
      direction: 'neutral',
      says: `a decision that is still missing is told to ${words(after)}; it was ${words(before)}`,
    }),
  ];
}

function breakGlass(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.exceptions.breakGlass, next.exceptions.breakGlass];
  if (canonicalJson(before) === canonicalJson(after)) return [];
  const place = { path: 'exceptions.breakGlass', at: bothAt('exceptions', 'breakGlass') };
  const words = ({ enabled, atMost }: typeof before): string =>
    enabled
      ? `Legal or Security alone may open an exception of ${sayLength(atMost)}`
      : 'nobody may open an exception alone';
  const isSame = before.enabled === after.enabled && lengthOf(before.atMost) === lengthOf(after.atMost);
  if (isSame || (!before.enabled && !after.enabled))
    return [
      exceptionChange({
        ...place,
        direction: 'neutral',
        says: `a break-glass exception would last ${sayLength(after.atMost)}; it was ${sayLength(before.atMost)}`,
        remark: isSame ? 'that is as long' : 'there is none while it is not enabled',
      }),
    ];
  const isLooser = after.enabled && (!before.enabled || lengthOf(after.atMost) > lengthOf(before.atMost));
  const witness: PlainWitness = {
    kind: 'plain',
    given: ['an emergency'],
    old: words(before),
    new: words(after),
  };
  return [
    exceptionChange({
      ...place,
      direction: isLooser ? 'loosening' : 'tightening',
      says: words(after),
      ...(isLooser ? { loosens: witness } : { tightens: witness }),
    }),
  ];
}

/** One approval of each role is needed, so a set of approvals suffices exactly if it holds every role. */
function roles(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.exceptions.approvals.roles, next.exceptions.approvals.roles];
  if (canonicalJson(before) === canonicalJson(after)) return [];
  const place = { path: 'exceptions.approvals.roles', at: bothAt('exceptions', 'approvals', 'roles') };
  const names = (list: typeof before): readonly string[] => list.map(({ role }) => role);
  const titles = (list: typeof before, others: readonly string[]): readonly string[] =>
    list.filter(({ role }) => !others.includes(role)).map(({ title, role }) => `${title} (${quoted(role)})`);
  const dropped = titles(before, names(after));
  const gained = titles(after, names(before));
  if (dropped.length === 0 && gained.length === 0) {
    const isReordered = names(before).join() !== names(after).join();
    return [
      exceptionChange({
        ...place,
        direction: isReordered ? 'neutral' : 'text',
        says: isReordered
          ? 'the approving roles stand in another order'
          : 'the titles or sources of the approving roles read differently',
      }),
    ];
  }
  const loosens = approvalsWitness(names(after), old, next);
  const tightens = approvalsWitness(names(before), old, next);
  return [
    exceptionChange({
      ...place,
      direction: gained.length === 0 ? 'loosening' : dropped.length === 0 ? 'tightening' : 'both',
      says: [
        ...(dropped.length === 0 ? [] : [`an exception no longer needs the approval of ${listed(dropped)}`]),
        ...(gained.length === 0 ? [] : [`an exception now needs the approval of ${listed(gained)} too`]),
      ].join('; '),
      ...(dropped.length > 0 ? { loosens } : {}),
      ...(gained.length > 0 ? { tightens } : {}),
    }),
  ];
}

function approvalsWitness(approvedBy: readonly string[], old: Policy, next: Policy): ApprovalsWitness {
  const [sufficesForOld, sufficesForNew] = [
    approvalsSuffice(approvedBy, old),
    approvalsSuffice(approvedBy, next),
  ];
  const words = (suffices: boolean): string => (suffices ? 'suffice' : 'do not suffice');
  return {
    kind: 'approvals',
    approvedBy,
    sufficesForOld,
    sufficesForNew,
    given: [`the approvals of ${listed(approvedBy)}, each by another person`],
    old: words(sufficesForOld),
    new: words(sufficesForNew),
  };
}

function sourceText(old: Policy, next: Policy): readonly Change[] {
  return canonicalJson(old.exceptions.source) === canonicalJson(next.exceptions.source)
    ? []
    : [
        exceptionChange({
          direction: 'text',
          path: 'exceptions.source',
          at: bothAt('exceptions', 'source'),
          says: 'the source of the exception conditions reads differently',
        }),
      ];
}
