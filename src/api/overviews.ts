import { formatInstant, ok, type Result } from '../core/index.ts';
import { type Preview, previewRequest } from '../enforcement/index.ts';
import {
  hasForeignSetting,
  isTerminal,
  type PlannedChange,
  placesText,
  plannedChanges,
  quarterNameOf,
  quarterOf,
  REPORTED_EVENTS,
  reportOf,
  standingOf,
  whereOf,
} from '../exceptions/index.ts';
import type { Failure } from './failures.ts';
import { mayReadAll, operation } from './operation.ts';
import type { OperationCall } from './ports.ts';
import { requestIn } from './request-in.ts';
import {
  aboutNothing,
  actorBody,
  plannedChangesView,
  previewBody,
  previewView,
  quarterParams,
  reportView,
  standingParams,
  standingsView,
} from './schemas.ts';
import { allExceptions, type ReportView, reportViewOf, type StandingView, standingViewOf } from './views.ts';

/* What is asked of all exceptions at once, and of one that nobody has asked for yet. Nothing here is recorded. */

export interface Standings {
  readonly at: string;
  readonly exceptions: readonly StandingView[];
}
export interface PlannedChanges {
  readonly at: string;
  readonly plannedChanges: readonly PlannedChange[];
}
export interface PreviewView extends Preview {
  /** Why the identities could not be read. */
  readonly notSeen?: string;
}

export const OVERVIEWS = {
  listStandings: operation({
    method: 'GET',
    path: '/standings',
    summary: 'What is on where, until when, what is late, whose decision is missing',
    description:
      'Of what has not ended, and of what stores content under no exception; with `all=true` of everything. Whoever holds no role sees what they asked for themselves.',
    who: 'role-or-requester',
    params: standingParams,
    answer: standingsView,
    status: 200,
    async run(call, { params }): Promise<Result<Standings, Failure>> {
      const { services, caller } = call;
      const now = services.clock.now();
      const exceptions = (await allExceptions(services.store))
        .filter(({ record }) => mayReadAll(call) || record.requesterId === caller.id)
        // What stores content under no exception is shown although the exception behind it has ended.
        .filter(
          ({ record }) => params.all === 'true' || !isTerminal(record.state) || hasForeignSetting(record),
        )
        .map(({ record, leases }) => standingViewOf(standingOf(record, leases, now)));
      return ok({ at: formatInstant(now), exceptions });
    },
  }),
  getReport: operation({
    method: 'GET',
    path: '/report',
    summary: 'What happened under exceptions in a quarter',
    description:
      'Minutes on and overdue, who approved what, near-misses, break-glass. Of the present quarter where none is named. Every event on record is looked at, so the answer takes longer as the record grows.',
    who: 'role',
    params: quarterParams,
    answer: reportView,
    status: 200,
    async run({ services }, { params }): Promise<Result<ReportView, Failure>> {
      const now = services.clock.now();
      const period = quarterOf(params.quarter ?? quarterNameOf(now));
      if (period === undefined) throw new Error('the schema lets nothing through that is no quarter');
      const events = await services.history.during(period, REPORTED_EVENTS);
      return ok(reportViewOf(reportOf(await allExceptions(services.store), events, period, now)));
    },
  }),
  listPlannedChanges: operation({
    method: 'GET',
    path: '/planned-changes',
    summary: 'The Put and Delete calls that exceptions are going to make',
    description:
      'Account, Region, role and window of each, for whoever watches CloudTrail: any other change of the settings is not ours.',
    who: 'role',
    params: aboutNothing,
    answer: plannedChangesView,
    status: 200,
    async run(call) {
      const { now, perException } = await planned(call);
      return ok(plannedChangesOf(now, perException));
    },
  }),
  publishPlannedChanges: operation({
    method: 'POST',
    path: '/planned-changes/publication',
    summary: 'Send the planned changes through the notifications',
    description:
      'One notification for each exception that is going to change something. The answer is the same list.',
    who: 'role',
    params: aboutNothing,
    body: actorBody,
    answer: plannedChangesView,
    status: 200,
    async run(call) {
      const { now, perException } = await planned(call);
      for (const { record, changes } of perException)
        await call.services.notifier.notify({
          id: `siem-window/${record.id}/${now}`,
          type: 'exception.planned-changes',
          at: now,
          subject: record.id,
          urgency: 'know',
          to: { roles: ['security'], people: [] },
          happened: `${changes.length} planned changes of ${record.id} in ${placesText(record.request)}`,
          reference: record.request.reference,
          ...whereOf(record.request),
          plannedChanges: changes,
        });
      return ok(plannedChangesOf(now, perException));
    },
  }),
  previewException: operation({
    method: 'POST',
    path: '/previews',
    summary: 'What a request would mean, before anybody asks for it',
    description:
      'Whose prompts would be captured, who may change the setting meanwhile, when content is gone, and each condition of the policy, judged as if the caller asked. Nothing is recorded. In AWS the identities of the request’s own accounts are read; what other accounts are trusted with there stays undecided. It names principals, so whoever holds no role is refused.',
    who: 'role',
    params: aboutNothing,
    body: previewBody,
    isReading: true,
    answer: previewView,
    status: 200,
    async run({ services, caller }, { body }): Promise<Result<PreviewView, Failure>> {
      const parsed = requestIn(body);
      if (!parsed.ok) return parsed;
      const around = await services.surroundings.of(parsed.value);
      const made = await previewRequest(
        services,
        parsed.value,
        caller.id,
        around.ok ? around.value : undefined,
      );
      return ok({ ...made, ...(around.ok ? {} : { notSeen: around.error }) });
    },
  }),
} as const;

/** Of each exception that is going to change something. */
async function planned({ services }: OperationCall) {
  const policy = await services.policyInForce.current();
  const now = services.clock.now();
  const perException = (await allExceptions(services.store))
    .filter(({ record }) => !isTerminal(record.state))
    .map(({ record, leases }) => ({ record, changes: plannedChanges(record, leases, policy) }))
    .filter(({ changes }) => changes.length > 0);
  return { now, perException };
}

const plannedChangesOf = (
  now: Parameters<typeof formatInstant>[0],
  perException: readonly { readonly changes: readonly PlannedChange[] }[],
): PlannedChanges => ({
  at: formatInstant(now),
  plannedChanges: perException.flatMap(({ changes }) => changes),
});
