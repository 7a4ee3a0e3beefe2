import { accountId, err, formatInstant, hashOf, ok, type Result, region } from '../core/index.ts';
import {
  adoptForeign,
  describeSetting,
  type ForeignSetting,
  keepsContent,
  listAdopted,
  listForeign,
  observeSetting,
  type Preview,
  previewRequest,
  type RestoreDocument,
  restoreDocument,
  type SettingName,
} from '../enforcement/index.ts';
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
  adoptionBody,
  adoptionView,
  foreignView,
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
export interface ForeignSettings {
  readonly foreign: readonly ForeignSetting[];
  readonly adopted: readonly RestoreDocument[];
}
export interface AdoptedSettingView {
  readonly isOff: boolean;
  readonly says: string;
  readonly restore: RestoreDocument;
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
          // The same when a call whose answer was lost is asked again; another where the list is another by then.
          id: `siem-window/${record.id}/${call.newId ?? now}/${hashOf(changes).slice(0, 16)}`,
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
  listForeignSettings: operation({
    method: 'GET',
    path: '/foreign-settings',
    summary: 'What somebody else configured, and what of it was taken over',
    description:
      'Foreign is what was in place when enforcement of a setting began: saved, reported and left until somebody takes it over or its owner removes it.',
    who: 'role',
    params: aboutNothing,
    answer: foreignView,
    status: 200,
    async run({ services }): Promise<Result<ForeignSettings, Failure>> {
      return ok({ foreign: await listForeign(services), adopted: await listAdopted(services) });
    },
  }),
  adoptForeignSetting: operation({
    method: 'POST',
    path: '/foreign-settings/adoption',
    summary: 'Take over what somebody else configured',
    description:
      'Security. It is saved in the record, then returned to the baseline and read back; the answer is the restore file. What stores nothing, or an exception governs, is refused.',
    who: 'person',
    params: aboutNothing,
    body: adoptionBody,
    answer: adoptionView,
    status: 200,
    async run(call, { body }): Promise<Result<AdoptedSettingView, Failure>> {
      const { services, caller, isRepeat } = call;
      const { setting, reason } = body;
      const pair = { accountId: accountId(body.account), region: region(body.region) };
      const { accounts } = await services.organizationView.organization();
      // Whoever asks names the account: into one that is not the organization's, nobody goes with a role of ours.
      if (!accounts.some(({ id }) => id === pair.accountId))
        return err({
          code: 'STATE_REFUSES',
          message: `account ${pair.accountId} is not of the organization`,
        });
      if (isRepeat) {
        const made = (await listAdopted(services)).findLast(
          (each) =>
            each.accountId === pair.accountId &&
            each.region === pair.region &&
            each.setting === setting &&
            each.adoptedBy === caller.id &&
            each.reason === reason,
        );
        const now = await observeSetting(services, pair, setting);
        if (made !== undefined && now.kind !== 'unobservable' && !isKept(setting, now))
          return ok({
            isOff: true,
            says: `is at the baseline; read back: ${describeSetting(setting, now)}`,
            restore: made,
          });
      }
      const adopted = await adoptForeign(services, pair, setting, caller.id, reason);
      await call.settle();
      if (!adopted.ok) return adopted;
      const { isOff, says } = adopted.value;
      return ok({ isOff, says, restore: restoreDocument(pair, adopted.value.adopted) });
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

const isKept = (setting: SettingName, observed: Awaited<ReturnType<typeof observeSetting>>): boolean =>
  observed.kind === 'observed' && keepsContent(setting, observed.value);

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
