import { type EpochMs, formatInstant, HOUR, MINUTE } from '../core/index.ts';
import { type Check, checkOf, type Seen } from './types.ts';

/** A deployment as it looks from outside. Names are the logical ids of `serverless.yml` and `deploy/governance.yml`. */
export interface Deployment {
  readonly now: EpochMs;
  /** Of the command line that looks. */
  readonly version: string;
  readonly stack: Seen<{ readonly status: string; readonly version?: string }>;
  /** Milliseconds by which this machine is ahead of AWS, at most a second wrong: the Date header has seconds. */
  readonly clockAheadMs: Seen<number>;
  readonly tables: Named<{
    readonly status: string;
    readonly isProtected: boolean;
    readonly hasRecovery: boolean;
    readonly hasOwnKey: boolean;
  }>;
  readonly machines: Named<{ readonly status: string }>;
  /** The aliases that AWS invokes. */
  readonly functions: Named<{ readonly state: string; readonly lastUpdate: string }>;
  readonly schedules: Named<{ readonly state: string }>;
  /** Over the last 45 minutes, as the alarm on silence. */
  readonly sweepsFinished: Seen<number>;
  readonly sweepFaults: Seen<number>;
  readonly overdueMinutes: Seen<number>;
  readonly eventRules: Named<{ readonly state: string }>;
  /** Events of member accounts that matched in the last 24 hours. */
  readonly eventsArrived: Seen<number>;
  readonly alarms: Named<{
    readonly state: string;
    readonly isActing: boolean;
    readonly description: string;
  }>;
  /** Invocations of the periodic rule's function in the last 24 hours. */
  readonly configInvocations: Seen<number>;
  readonly organizationRules: Seen<readonly { readonly name: string; readonly status: string }[]>;
  readonly latestScan: Seen<{ readonly finishedAt: EpochMs; readonly notScanned: readonly string[] }>;
  readonly api: Seen<{ readonly version: string; readonly hasPolicy: boolean }>;
}

type Named<T> = readonly { readonly name: string; readonly seen: Seen<T> }[];

const SKEW_MS = 5_000;
/** Nightly, with a window of an hour; a second missed night is an incident. */
const SCAN_MS = 26 * HOUR;

/** Every check of a deployment, in the order in which to mend them. */
export function deploymentChecks(seen: Deployment): readonly Check[] {
  const each = <T>(of: Named<T>, kind: string, judge: (one: Named<T>[number]) => Check): readonly Check[] =>
    of.length === 0
      ? [
          {
            id: kind,
            outcome: 'cannot-tell',
            found: `the stack’s ${kind} could not be listed`,
            means: 'it may be well or not; nothing was learnt',
            todo: 'allow `cloudformation:ListStackResources` to whoever runs this, and check the name of the stack',
          },
        ]
      : of.map(judge);
  return [
    checkOf(
      {
        id: 'stack',
        means: 'the deployment is not whole, or is another one than you think',
        todo: 'look at the stack’s events; docs/deploy.md, “Upgrading” and “Rollback”',
      },
      seen.stack,
      ({ status }) =>
        /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status) ? `status ${status}` : { not: `status ${status}` },
    ),
    checkOf(
      {
        id: 'version',
        means: 'this command line and the deployment may judge differently',
        todo: 'use the command line of the deployment’s version, or deploy this one',
      },
      seen.stack,
      ({ version }) =>
        version === undefined
          ? { unknown: 'the stack has no output `Version`' }
          : version === seen.version
            ? `both are ${version}`
            : { not: `the stack is ${version}, this command line ${seen.version}` },
    ),
    checkOf(
      {
        id: 'clock',
        means: 'signatures expire early, and times shown here are wrong; the deployment uses AWS’s clock',
        todo: 'set this machine’s clock by NTP',
      },
      seen.clockAheadMs,
      (ahead) =>
        Math.abs(ahead) <= SKEW_MS
          ? `within ${SKEW_MS / 1000} s of AWS`
          : { not: `${Math.round(Math.abs(ahead) / 1000)} s ${ahead > 0 ? 'ahead of' : 'behind'} AWS` },
    ),
    ...each(seen.tables, 'tables', ({ name, seen: table }) =>
      checkOf(
        {
          id: `table ${name}`,
          means: 'leases and records could be lost, or cannot be read now',
          todo: 'deploy the stack again; docs/deploy.md, “Disaster recovery”',
        },
        table,
        ({ status, isProtected, hasRecovery, hasOwnKey }) => {
          const lacks = [
            status === 'ACTIVE' ? '' : `status ${status}`,
            isProtected ? '' : 'no deletion protection',
            hasRecovery ? '' : 'no point-in-time recovery',
            hasOwnKey ? '' : 'not encrypted with the stack’s key',
          ].filter((lack) => lack !== '');
          return lacks.length === 0 ? 'active, protected, recoverable, encrypted' : { not: lacks.join(', ') };
        },
      ),
    ),
    ...each(seen.machines, 'state machines', ({ name, seen: machine }) =>
      checkOf(
        {
          id: `machine ${name}`,
          means: 'no exception can run or end in order; the sweeper still switches off',
          todo: 'deploy the stack again',
        },
        machine,
        ({ status }) => (status === 'ACTIVE' ? 'active' : { not: `status ${status}` }),
      ),
    ),
    ...each(seen.functions, 'functions', ({ name, seen: fn }) =>
      checkOf(
        {
          id: `function ${name}`,
          means: 'what AWS invokes through the alias `live` does not run',
          todo: 'deploy the stack again; look at the function’s last log lines',
        },
        fn,
        ({ state, lastUpdate }) =>
          // A function that was not called for weeks is put aside by Lambda, and woken by the next call.
          (state === 'Active' || state === 'Inactive') && lastUpdate === 'Successful'
            ? `${state.toLowerCase()}, last update successful`
            : { not: `state ${state}, last update ${lastUpdate}` },
      ),
    ),
    ...each(seen.schedules, 'schedules', ({ name, seen: schedule }) =>
      checkOf(
        {
          id: `schedule ${name}`,
          means: 'what should happen by itself does not: sweeps find what is overdue, scans what has drifted',
          todo: 'enable it, or deploy the stack again; docs/runbooks/silence.md',
        },
        schedule,
        ({ state }) => (state === 'ENABLED' ? 'enabled' : { not: `state ${state}` }),
      ),
    ),
    checkOf(
      {
        id: 'sweeps',
        means: 'nobody looks whether content storage is still on after its end',
        todo: 'docs/runbooks/silence.md',
      },
      seen.sweepsFinished,
      (count) => (count > 0 ? `${count} finished in 45 minutes` : { not: 'none finished in 45 minutes' }),
    ),
    checkOf(
      {
        id: 'overdue',
        means: 'content is being stored after its end, or nobody could read whether it is',
        todo: 'docs/runbooks/overdue.md, at once',
      },
      seen.overdueMinutes,
      (minutes) => (minutes === 0 ? '0 minutes' : { not: `${minutes} minutes` }),
    ),
    checkOf(
      {
        id: 'roles, by the sweeps',
        means:
          'the sweeper could not do everything: a role of a governed account cannot be assumed, or a call fails',
        todo: 'read the sweep’s log lines; templates/member-account.yml must stand in every governed account',
      },
      seen.sweepFaults,
      (faults) => (faults === 0 ? 'no fault in 45 minutes' : { not: `${faults} faults in 45 minutes` }),
    ),
    checkOf(
      {
        id: 'roles, by the scan',
        means:
          'accounts are not looked at: their `ProvisoCollect` cannot be assumed, or the scan does not run',
        todo: 'docs/runbooks/scan-incomplete.md',
      },
      seen.latestScan,
      ({ finishedAt, notScanned }) =>
        seen.now - finishedAt > SCAN_MS
          ? { not: `the last scan was finished at ${formatInstant(finishedAt)}` }
          : notScanned.length === 0
            ? `every account was scanned at ${formatInstant(finishedAt)}`
            : { not: `${notScanned.length} accounts were not scanned: ${notScanned.slice(0, 5).join(', ')}` },
    ),
    ...each(seen.eventRules, 'event rules', ({ name, seen: rule }) =>
      checkOf(
        {
          id: `event rule ${name}`,
          means: 'a change is noticed by the sweeper in minutes instead of at once',
          todo: 'enable it, or deploy the stack again; docs/runbooks/events.md',
        },
        rule,
        ({ state }) => (/^ENABLED/.test(state) ? 'enabled' : { not: `state ${state}` }),
      ),
    ),
    checkOf(
      {
        id: 'events arriving',
        means: 'a quiet day looks the same as a broken forwarder',
        todo: 'change a tag of a role in a governed account and look again; docs/runbooks/events.md',
      },
      seen.eventsArrived,
      (count) => (count > 0 ? `${count} in 24 hours` : { unknown: 'none in 24 hours' }),
    ),
    checkOf(
      {
        id: 'Config rules',
        means: 'accounts are not evaluated by AWS Config',
        todo: '`proviso config generate`, and put its rules; docs/continuous-compliance.md',
      },
      seen.organizationRules,
      (rules) => {
        const failed = rules.filter(({ status }) => !/_SUCCESSFUL$/.test(status));
        return rules.length === 0
          ? { not: 'no organization rule of Proviso is there' }
          : failed.length === 0
            ? `${rules.length} rules deployed`
            : { not: failed.map(({ name, status }) => `${name}: ${status}`).join('; ') };
      },
    ),
    checkOf(
      {
        id: 'Config rules reporting',
        means: 'AWS Config does not ask, so its answers grow old',
        todo: 'look whether the recorder runs in the governed accounts; docs/continuous-compliance.md',
      },
      seen.configInvocations,
      (count) => (count > 0 ? `asked ${count} times in 24 hours` : { not: 'never asked in 24 hours' }),
    ),
    ...each(seen.alarms, 'alarms', ({ name, seen: alarm }) =>
      checkOf(
        {
          id: `alarm ${name}`,
          means: 'what it watches is not well, or nobody would be told',
          todo: runbookOf(alarm),
        },
        alarm,
        ({ state, isActing }) =>
          !isActing
            ? { not: 'its actions are off, or it has none' }
            : state === 'OK'
              ? 'quiet'
              : state === 'ALARM'
                ? { not: 'in alarm' }
                : { unknown: `state ${state}` },
      ),
    ),
    checkOf(
      {
        id: 'API',
        means: 'nobody can ask, decide or revoke through it; what is running ends all the same',
        todo: 'docs/api.md, “Who calls is who acts”; adopt a policy where none is in force',
      },
      seen.api,
      ({ version, hasPolicy }) =>
        version !== seen.version
          ? { not: `it runs ${version}, this command line is ${seen.version}` }
          : hasPolicy
            ? `healthy, version ${version}, a policy is in force`
            : { not: 'no policy is in force' },
    ),
  ];
}

const runbookOf = (alarm: Deployment['alarms'][number]['seen']): string =>
  (alarm.kind === 'seen' ? /docs\/runbooks\/[a-z-]+\.md/.exec(alarm.value.description)?.[0] : undefined) ??
  'docs/runbooks/README.md';

/** The alarm's own period: three quarters of an hour. */
export const SILENCE_MS = 45 * MINUTE;
