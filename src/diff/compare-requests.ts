import { DAY, type DurationMs, durationMs, epochMs, exceptionId, HOUR, MINUTE } from '../core/index.ts';
import { durationOf, type Judgement, type Lease, type LeaseRow } from '../exceptions/index.ts';
import type { Policy } from '../policy/index.ts';
import {
  type Choices,
  commonChoices,
  EXAMPLE_NOW,
  holderOf,
  judgeExample,
  requestOf,
  sayRequest,
} from './request-example.ts';
import type { RequestExample, RequestWitness } from './types.ts';

/** Requests that one policy admits and the other refuses, at least in part because of one clause. */
export interface RequestChanges {
  readonly loosens?: RequestWitness;
  readonly tightens?: RequestWitness;
}

/**
 * Looks for a request that `clause` decides differently, both ways. For every clause the candidates hold the extreme request that one
 * policy admits (see `EXTREMES`), so none is found only if there is none. Of several, the one is shown that the other policy
 * refuses for the fewest reasons beside `clause`.
 *
 * @param clause - as `judge` names its conditions
 */
export function requestChanges(old: Policy, next: Policy, clause: RequestClause): RequestChanges {
  const loosens = admittedBy(next, old, clause);
  const tightens = admittedBy(old, next, clause);
  return {
    ...(loosens === undefined ? {} : { loosens: witness(loosens, old, next) }),
    ...(tightens === undefined ? {} : { tightens: witness(tightens, old, next) }),
  };
}

function witness(example: RequestExample, old: Policy, next: Policy): RequestWitness {
  const [byOld, byNew] = [judgeExample(example, old), judgeExample(example, next)];
  return {
    kind: 'request',
    example,
    judgedByOld: byOld.outcome,
    judgedByNew: byNew.outcome,
    given: sayRequest(example),
    old: sayJudgement(byOld),
    new: sayJudgement(byNew),
  };
}

export function sayJudgement({ outcome, conditions }: Judgement): string {
  const reasons = conditions.filter(({ holds }) => holds !== 'met');
  return outcome === 'admitted'
    ? 'admitted'
    : `${outcome}: ${reasons.map(({ clause, says }) => `${says} (${clause})`).join('; ')}`;
}

function admittedBy(admitting: Policy, refusing: Policy, clause: RequestClause): RequestExample | undefined {
  const base = commonChoices(admitting, refusing);
  let best: { readonly example: RequestExample; readonly reasons: number } | undefined;
  for (const changed of EXTREMES[clause](admitting, refusing, base)) {
    const example = requestOf({ ...base, ...changed });
    if (judgeExample(example, admitting).outcome !== 'admitted') continue;
    const refused = judgeExample(example, refusing).conditions.filter(({ holds }) => holds === 'not-met');
    if (!refused.some((each) => each.clause === clause)) continue;
    const reasons = new Set(refused.map((each) => each.clause)).size;
    if (best === undefined || reasons < best.reasons) best = { example, reasons };
  }
  return best?.example;
}

type Candidates = (admitting: Policy, refusing: Policy, base: Choices) => readonly Partial<Choices>[];

const wrapUp = ({ exceptions: { purge } }: Policy): number =>
  durationOf(purge.drain) + durationOf(purge.secondListingAfter);

const lacking = <T>(mine: readonly T[], theirs: readonly T[]): readonly T[] =>
  mine.filter((each) => !theirs.includes(each));

/**
 * For each clause of `judge`, what to ask for so that `refusing` refuses by that clause if any request that `admitting` admits can
 * make it. Where limits hang together (a long enablement needs a long retention) there are several, from the least to the most.
 */
const EXTREMES = {
  'exceptions.limits.enablement': (admitting, refusing) => {
    const longest = durationOf(admitting.exceptions.limits.enablement);
    const refused = durationOf(refusing.exceptions.limits.enablement);
    const retentions = [admitting, refusing].map((each) => durationOf(each.exceptions.limits.retention));
    // Round lengths between the two limits read better and may leave the retention alone.
    return [refused + DAY, refused + HOUR, refused + MINUTE, longest]
      .filter((length) => length <= longest)
      .flatMap((length) =>
        [Math.min(...retentions), Math.max(...retentions)].map((retention) => ({
          length: durationMs(length),
          retention: durationMs(retention),
        })),
      );
  },
  'exceptions.limits.retention': (admitting) => [
    { retention: durationOf(admitting.exceptions.limits.retention) },
  ],
  'exceptions.purge': (admitting, _refusing, base) => [
    { retention: durationMs(base.length + wrapUp(admitting)) },
  ],
  'exceptions.limits.startsWithin': (admitting) => [
    { startsIn: durationOf(admitting.exceptions.limits.startsWithin) },
  ],
  'exceptions.limits.leasedTime': (admitting, refusing, base) => {
    const row = leasesUpTo(cap(admitting), cap(refusing), base.length);
    return row === undefined ? [] : [row];
  },
  'storage.scope.regions': (admitting, refusing) =>
    lacking(admitting.storage.scope.regions, refusing.storage.scope.regions).map((regionCode) => ({
      regionCode,
    })),
  'exceptions.scope.topologies': (admitting, refusing) =>
    lacking(admitting.exceptions.scope.topologies, refusing.exceptions.scope.topologies).map((topology) => ({
      topology,
      // Only a bucket can be filtered.
      ...(topology === 'filter-and-purge' ? { destinationKind: 's3' as const } : {}),
    })),
  'exceptions.scope.onlySubjectsInvoke': () => [{ topology: 'dedicated', othersInvoke: true }],
  'exceptions.scope.modalities': (admitting, refusing) =>
    lacking(admitting.exceptions.scope.modalities, refusing.exceptions.scope.modalities).map((modality) => ({
      modalities: [modality],
    })),
  'exceptions.scope.maxSubjects': (_admitting, refusing) => [
    { subjects: refusing.exceptions.scope.maxSubjects + 1 },
  ],
  'exceptions.destination.kinds': (admitting, refusing) =>
    lacking(admitting.exceptions.destination.kinds, refusing.exceptions.destination.kinds).map(
      (destinationKind) => ({ destinationKind }),
    ),
  'exceptions.destination.versioning': (admitting) =>
    admitting.exceptions.destination.kinds.includes('s3')
      ? [{ destinationKind: 's3', isVersioned: true }]
      : [],
  'exceptions.request.dataProtectionAssessment': () => [{ assessment: undefined }],
  'exceptions.notice.withheldBy': (admitting, refusing, { roles }) => {
    const [may, mayNot] = [admitting.exceptions.notice.withheldBy, refusing.exceptions.notice.withheldBy];
    const deciders =
      may.length === 0 ? ['somebody'] : lacking(may, mayNot).map((role) => holderOf(role, roles));
    return deciders.map((decidedBy) => ({
      notice: { kind: 'withheld', reason: 'it would warn them', decidedBy },
    }));
  },
  'exceptions.notice': () => [{ notice: { kind: 'withheld', reason: 'none given', decidedBy: '' } }],
} as const satisfies Record<string, Candidates>;

export type RequestClause = keyof typeof EXTREMES;

interface Cap {
  readonly atMost: number;
  readonly within: number;
}

const cap = ({ exceptions: { limits } }: Policy): Cap => ({
  atMost: durationOf(limits.leasedTime.atMost),
  within: durationOf(limits.leasedTime.within),
});

/** More earlier exceptions than this in one row would be no example that anybody reads. */
const MAX_EARLIER = 100;

/**
 * The most leased time that `admitting` allows in a window of `refusing`: bursts of `atMost`, one every `within`, and as much of
 * one more as still fits. If that is not more than `refusing` allows, nothing is. The request is the last of it.
 */
function leasesUpTo(admitting: Cap, refusing: Cap, length: DurationMs): Partial<Choices> | undefined {
  const whole = Math.floor(refusing.within / admitting.within);
  const rest = Math.min(admitting.atMost, refusing.within - whole * admitting.within);
  if (whole * admitting.atMost + rest <= refusing.atMost || whole > MAX_EARLIER) return undefined;
  const bursts = [
    ...Array.from({ length: whole }, (_, index) => ({
      from: index * admitting.within,
      to: index * admitting.within + admitting.atMost,
    })),
    ...(rest === 0 ? [] : [{ from: whole * admitting.within, to: whole * admitting.within + rest }]),
  ];
  const last = bursts.at(-1) ?? { from: 0, to: 0 };
  const asked = Math.min(length, last.to - last.from);
  const start = last.to - asked;
  const earlier = [...bursts.slice(0, -1), { from: last.from, to: start }].filter(
    ({ from, to }) => to > from,
  );
  return {
    length: durationMs(asked),
    row: rowOf(earlier.map(({ from, to }) => ({ from: from - start, to: to - start }))),
  };
}

/** Earlier exceptions, in milliseconds before the request's start, all ended. */
function rowOf(windows: readonly { readonly from: number; readonly to: number }[]): LeaseRow {
  const { request } = requestOf(EMPTY);
  return {
    accountId: request.accountId,
    region: request.region,
    leases: windows.map(({ from, to }, index): Lease => {
      const end = epochMs(EXAMPLE_NOW + to);
      return {
        exceptionId: exceptionId(`ex-earlier-${index + 1}`),
        startsAt: epochMs(EXAMPLE_NOW + from),
        expiresAt: end,
        offAt: end,
        configuration: OFF,
        baseline: { kind: 'none' },
        destination: request.destination,
      };
    }),
  };
}

const OFF: Lease['configuration'] = {
  textDataDeliveryEnabled: false,
  imageDataDeliveryEnabled: false,
  embeddingDataDeliveryEnabled: false,
  videoDataDeliveryEnabled: false,
  audioDataDeliveryEnabled: false,
};

const EMPTY: Choices = {
  regionCode: 'us-east-1',
  modalities: ['text'],
  topology: 'dedicated',
  destinationKind: 's3',
  subjects: 1,
  length: HOUR,
  retention: DAY,
  startsIn: durationMs(0),
  isVersioned: false,
  othersInvoke: false,
  notice: { kind: 'given', how: 'by mail' },
  assessment: undefined,
  roles: [],
};
