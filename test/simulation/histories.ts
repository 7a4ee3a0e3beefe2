import fc from 'fast-check';
import { HANDLERS } from '../../handlers/index.ts';
import {
  type FaultKind,
  type FaultyOperation,
  withoutFaults,
} from '../../src/adapters/embedded/aws/index.ts';
import { type EpochMs, type ExceptionId, formatInstant, principalId, region } from '../../src/core/index.ts';
import { hold, type Pair, release } from '../../src/enforcement/index.ts';
import type { LoggingConfiguration } from '../../src/evidence/index.ts';
import {
  type ExceptionRecord,
  endOf,
  holdOf,
  isActive,
  isHeld,
  isSamePlace,
  isTerminal,
  type Lease,
  listExceptions,
  listLeaseRows,
  type PlacedLease,
  placesOf,
  storesContent,
} from '../../src/exceptions/index.ts';
import { Held } from './captured.ts';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  INCIDENT,
  keep,
  MINUTE_MS,
  OTHER,
  PAIR,
  type PlaceOptions,
  ProcessDied,
  policyText,
  type Simulation,
  SOMEBODYS,
  simulate,
  VAULT_KEY,
  VIRGINIA,
  withRole,
} from './harness.ts';

/*
 * Random histories of an estate with two adjacent exceptions, played by the suite and by the soak. After every step the embedded AWS itself is
 * asked; what our records claim is only compared with it.
 */

/** What can go dead, beside the workflow. The event rules only shorten the others' bounds. */
type Detector = 'deadMansSwitch' | 'sweep' | 'configSettings' | 'eventRules';

/** One thing that happens in a history. Times are minutes; `which` is the first or the second exception. */
export type Step =
  | { readonly kind: 'pass'; readonly minutes: number }
  | { readonly kind: 'pass-to'; readonly where: 'during' | 'before-end' | 'after-end' }
  | { readonly kind: 'approve'; readonly which: number; readonly who: string; readonly role: string }
  | { readonly kind: 'reject'; readonly which: number }
  | { readonly kind: 'end-early'; readonly which: number }
  | { readonly kind: 'stop-workflow'; readonly which: number }
  | { readonly kind: 'mute'; readonly detector: Detector }
  | { readonly kind: 'unmute' }
  /** One firing of the sweeper's schedule never arrives. */
  | { readonly kind: 'lose-sweep' }
  /** EventBridge delivers at least once: a firing comes a second time, late. */
  | { readonly kind: 'fire-again'; readonly detector: 'deadMansSwitch' | 'sweep'; readonly which: number }
  | { readonly kind: 'leave'; readonly who: keyof typeof LEAVERS }
  /** In one of the places, by its number; `same` and `less` as the lease there is. */
  | {
      readonly kind: 'somebody-puts';
      readonly what: 'elsewhere' | 'same' | 'less';
      readonly where: number;
    }
  | { readonly kind: 'somebody-deletes'; readonly where: number }
  | {
      readonly kind: 'fault';
      readonly operation: FaultyOperation;
      readonly fault: FaultKind;
      readonly times: number;
      /** Of a slow call: how much later it happens. */
      readonly delayMs?: number;
      /** In one account alone: the others go on. */
      readonly accountId?: string;
    }
  /** AWS's own refusals and outages, at once and for long. */
  | { readonly kind: 'outage'; readonly of: keyof typeof OUTAGES; readonly calls: number }
  | { readonly kind: 'account'; readonly change: keyof typeof ACCOUNT_CHANGES }
  /** RedriveExecution on a workflow that was stopped or failed. */
  | { readonly kind: 'redrive'; readonly which: number }
  | { readonly kind: 'stop-endings' }
  /** Legal keeps what was captured, or lets it go; with a vault in each place, or given one later, or without any. */
  | { readonly kind: 'hold'; readonly which: number; readonly vaults: boolean; readonly scoped: boolean }
  | { readonly kind: 'release'; readonly which: number }
  /** Somebody makes every vault unfit, or puts that right. */
  | { readonly kind: 'vaults'; readonly become: keyof typeof VAULT_CHANGES }
  /** S3 Lifecycle deletes at the destinations what is not on hold there. */
  | { readonly kind: 'lifecycle-deletes' }
  /** Bedrock delivers late, in one place of the first exception: an object, or an upload that is never completed. */
  | { readonly kind: 'late'; readonly what: 'object' | 'upload'; readonly where: number }
  /** What CloudTrail and EventBridge bring comes late, or never. */
  | { readonly kind: 'events-late'; readonly minutes: number | 'for ever' }
  | { readonly kind: 'invoke' }
  /** The same in the middle of the first lease, so that something is captured. */
  | { readonly kind: 'capture' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'die'; readonly after: number }
  | { readonly kind: 'adopt'; readonly policy: number };

const POLICIES = [
  policyText(),
  policyText(['enablement: 12d', 'enablement: 11d']),
  policyText(['    kinds: [s3, cloudwatch-logs]', '    kinds: [cloudwatch-logs]']),
  withRole(),
];
/** The same, with filtering allowed. */
const FILTERING = POLICIES.map((text) =>
  text.replace('topologies: [dedicated]', 'topologies: [dedicated, filter-and-purge]'),
);
const STRANGER = `arn:aws:sts::${INCIDENT}:assumed-role/Other/eve`;
const STRANGERS = 'CANARY-of-a-stranger';

/** Whose row of the people file changes how, when they leave. */
const LEAVERS = {
  sam: ['Okafor, roles: [security] }', 'Okafor, roles: [security], active: false }'],
  priya: ['Raman, roles: [security] }', 'Raman, roles: [security], active: false }'],
  lena: ['roles: [legal] }', 'roles: [legal], active: false }'],
  omar: ['roles: [executive] }', 'roles: [executive], active: false }'],
} as const;

/** What fails together, and how. */
const OUTAGES = {
  'role missing': [
    'deny',
    'bedrock:GetModelInvocationLoggingConfiguration',
    'bedrock:PutModelInvocationLoggingConfiguration',
    'bedrock:DeleteModelInvocationLoggingConfiguration',
  ],
  'table unreadable': ['fail', 'dynamodb:GetItem', 'dynamodb:TransactWriteItems'],
  'CloudTrail unreadable': ['deny', 'cloudtrail:LookupEvents'],
  'Organizations unreadable': ['deny', 'organizations:DescribeOrganization'],
  'Organizations stale': ['stale', 'organizations:DescribeOrganization'],
  'Identity Store unreadable': ['throttle', 'identitystore:ListUsers'],
  'Identity Store stale': ['stale', 'identitystore:ListUsers'],
  'S3 unreadable': ['deny', 's3:GetLifecycleConfiguration', 's3:HeadBucket', 's3:ListMultipartUploads'],
  'IAM and KMS unreadable': ['deny', 'iam:GetAccountAuthorizationDetails', 'kms:DescribeKey'],
  'vaults denied': ['deny', 's3:CopyObject'],
  'nobody can be told': ['fail', 'events:PutEvents'],
  'Step Functions dead': ['throttle', 'states:StartExecution', 'states:SendTaskSuccess'],
  'nothing can be signed': ['fail', 'kms:Sign'],
  'switching off refused, and the second lever sticks': [
    'deny',
    'bedrock:DeleteModelInvocationLoggingConfiguration',
    's3:PutBucketPolicy',
    'kms:DisableKey',
  ],
  'Scheduler dead': ['fail', 'scheduler:CreateSchedule'],
  'stale readings': ['stale', 'bedrock:GetModelInvocationLoggingConfiguration'],
  'throttled everywhere': [
    'throttle',
    'bedrock:GetModelInvocationLoggingConfiguration',
    'bedrock:DeleteModelInvocationLoggingConfiguration',
    's3:ListObjectVersions',
    's3:DeleteObjects',
    'dynamodb:TransactWriteItems',
  ],
} as const satisfies Record<string, readonly [FaultKind, ...FaultyOperation[]]>;

/** What happens to vaults: AWS would delete there, or what is there cannot be used. */
const VAULT_CHANGES = {
  expiring: { lifecycle: [{ isEnabled: true, prefix: '', expirationDays: 30 }], isEnabled: true },
  'without a key': { lifecycle: [], isEnabled: false },
  fit: { lifecycle: [], isEnabled: true },
} as const;

const ACCOUNT_CHANGES = {
  suspended: { state: 'SUSPENDED' },
  closing: { state: 'PENDING_CLOSURE' },
  moved: { parentId: 'r-ex01' },
  restored: { state: 'ACTIVE', parentId: 'ou-ex01-product01' },
  gone: 'leaves the organization',
} as const;

/** Of Legal, and still there when others have left. */
const MAX = principalId('max');

/** Where exceptions are: the first in one, two or all three of them, in this order. */
const PAIRS: readonly Pair[] = [
  PAIR,
  { accountId: OTHER, region: VIRGINIA },
  { accountId: INCIDENT, region: region('eu-west-1') },
];
const pairAt = (where: number): Pair => PAIRS[where % PAIRS.length] ?? PAIR;

const PLACES = {
  during: BEGINS + HOUR_MS,
  'before-end': ENDS - 2 * MINUTE_MS,
  'after-end': ENDS + 20 * MINUTE_MS,
} as const;

const which = fc.nat({ max: 1 });
/** Mostly the first place, which every exception has. */
const where = fc.constantFrom(0, 0, 0, 1, 2);
const stepArb: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      minutes: fc.oneof(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 30, max: 300 }),
        fc.constant(26 * 60),
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('pass-to' as const),
      where: fc.constantFrom('during' as const, 'before-end' as const, 'after-end' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      operation: fc.constant<FaultyOperation>('bedrock:DeleteModelInvocationLoggingConfiguration'),
      fault: fc.constantFrom<FaultKind>('fail', 'throttle', 'deny'),
      times: fc.constantFrom(2, 30),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('approve' as const),
      which,
      who: fc.constantFrom('sam', 'lena', 'priya', 'omar', 'dora', 'max', 'gone'),
      role: fc.constantFrom('legal', 'security', 'executive', 'data-protection'),
    }),
  },
  // One place alone does not come on, or not off.
  fc.record({
    kind: fc.constant('fault' as const),
    operation: fc.constantFrom<FaultyOperation>(
      'bedrock:PutModelInvocationLoggingConfiguration',
      'bedrock:DeleteModelInvocationLoggingConfiguration',
    ),
    fault: fc.constantFrom<FaultKind>('fail', 'fail-after', 'deny', 'slow'),
    times: fc.constantFrom(1, 30),
    accountId: fc.constant(OTHER),
  }),
  fc.record({ kind: fc.constant('reject' as const), which }),
  fc.record({ kind: fc.constant('end-early' as const), which }),
  fc.record({ kind: fc.constant('stop-workflow' as const), which }),
  fc.record({
    kind: fc.constant('mute' as const),
    detector: fc.constantFrom<Detector>('deadMansSwitch', 'sweep', 'configSettings', 'eventRules'),
  }),
  fc.constant<Step>({ kind: 'unmute' }),
  fc.constant<Step>({ kind: 'lose-sweep' }),
  fc.record({
    kind: fc.constant('fire-again' as const),
    detector: fc.constantFrom('deadMansSwitch' as const, 'sweep' as const),
    which,
  }),
  fc.record({
    kind: fc.constant('leave' as const),
    who: fc.constantFrom(...(Object.keys(LEAVERS) as (keyof typeof LEAVERS)[])),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('somebody-puts' as const),
      what: fc.constantFrom('elsewhere' as const, 'same' as const, 'less' as const),
      where,
    }),
  },
  fc.record({ kind: fc.constant('somebody-deletes' as const), where }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      operation: fc.constantFrom<FaultyOperation>(
        'bedrock:PutModelInvocationLoggingConfiguration',
        'bedrock:DeleteModelInvocationLoggingConfiguration',
        'bedrock:GetModelInvocationLoggingConfiguration',
        's3:ListObjectVersions',
        's3:DeleteObjects',
        's3:GetObject',
        's3:PutObject',
        's3:CopyObject',
        's3:AbortMultipartUpload',
        's3:PutBucketPolicy',
        'kms:DisableKey',
        'kms:ScheduleKeyDeletion',
        'kms:Sign',
        'cloudtrail:LookupEvents',
        'events:PutEvents',
        'organizations:DescribeOrganization',
        'identitystore:ListUsers',
        's3:GetLifecycleConfiguration',
        's3:HeadBucket',
        'scheduler:CreateSchedule',
        'scheduler:DeleteSchedule',
        'states:StartExecution',
        'states:SendTaskSuccess',
        'dynamodb:TransactWriteItems',
        'dynamodb:GetItem',
      ),
      fault: fc.constantFrom<FaultKind>('fail', 'fail-after', 'throttle', 'deny', 'slow', 'stale'),
      times: fc.constantFrom(1, 3, 30),
      delayMs: fc.constantFrom(1000, 20_000, 15 * MINUTE_MS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('outage' as const),
      of: fc.constantFrom(...(Object.keys(OUTAGES) as (keyof typeof OUTAGES)[])),
      calls: fc.constantFrom(1, 5, 60),
    }),
  },
  fc.record({
    kind: fc.constant('account' as const),
    change: fc.constantFrom(...(Object.keys(ACCOUNT_CHANGES) as (keyof typeof ACCOUNT_CHANGES)[])),
  }),
  fc.record({ kind: fc.constant('redrive' as const), which }),
  fc.constant<Step>({ kind: 'stop-endings' }),
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      which: fc.constantFrom(0, 0, 1),
      vaults: fc.boolean(),
      scoped: fc.nat({ max: 3 }).map((n) => n === 0),
    }),
  },
  // What moves it fails in one place, or in all.
  fc.record({
    kind: fc.constant('fault' as const),
    operation: fc.constantFrom<FaultyOperation>('s3:CopyObject', 's3:ListObjectVersions'),
    fault: fc.constantFrom<FaultKind>('fail', 'fail-after', 'deny', 'throttle'),
    times: fc.constantFrom(1, 5, 30),
    accountId: fc.constantFrom(INCIDENT, OTHER),
  }),
  fc.record({ kind: fc.constant('release' as const), which: fc.constantFrom(0, 0, 1) }),
  fc.record({
    kind: fc.constant('vaults' as const),
    become: fc.constantFrom(...(Object.keys(VAULT_CHANGES) as (keyof typeof VAULT_CHANGES)[])),
  }),
  fc.constant<Step>({ kind: 'lifecycle-deletes' }),
  fc.record({
    kind: fc.constant('late' as const),
    what: fc.constantFrom('object' as const, 'upload' as const),
    where,
  }),
  fc.record({
    kind: fc.constant('events-late' as const),
    minutes: fc.constantFrom<number | 'for ever'>(7, 120, 'for ever'),
  }),
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'invoke' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'capture' }) },
  fc.constant<Step>({ kind: 'restart' }),
  fc.record({ kind: fc.constant('die' as const), after: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ kind: fc.constant('adopt' as const), policy: fc.nat({ max: POLICIES.length - 1 }) }),
);

/** Detectors' bounds, with the minute that a planted failure may add to a retried call. */
const BOUND_MS = {
  workflow: MINUTE_MS,
  deadMansSwitch: 2 * MINUTE_MS,
  sweep: 15 * MINUTE_MS,
  configSettings: HOUR_MS,
} as const;

interface World {
  readonly s: Simulation;
  readonly ids: ExceptionId[];
  readonly muted: Set<Detector>;
  /** Whether the Config rule and the event rules are deployed. */
  readonly isWatched: boolean;
  /** Whether the first exception is filtered, and a stranger invokes models beside its subject. */
  readonly isFiltered: boolean;
  /** Whose execution was stopped by hand. */
  readonly stopped: Set<ExceptionId>;
  /** Until when no sweep is promised, because one was lost. */
  sweepLateUntil: number;
  /** Who left, and when. */
  readonly left: Map<string, EpochMs>;
  /** Whether the Identity Store was ever to answer as it was before. */
  isDirectoryStale: boolean;
  /** What was seen of exceptions on hold. */
  readonly held: Map<ExceptionId, Held>;
  /** Since when a lifecycle rule deletes in the vaults. */
  unfitSince: EpochMs | undefined;
  /** Since when a hold has a vault: one without can be given one later. By exception and hold. */
  readonly vaultsSince: Map<string, EpochMs>;
  /** When each lease was first seen to end (HARD_END). */
  readonly ends: Map<ExceptionId, EpochMs>;
  /** How far the clocks of the functions run before the true one, at most, and how far from each other. */
  readonly skewMs: number;
  readonly apartMs: number;
  /** Dies when it reaches zero. */
  fuse: number;
}

async function take(w: World, step: Step): Promise<void> {
  const { s } = w;
  const id = w.ids['which' in step ? step.which : 0];
  switch (step.kind) {
    case 'pass':
      return s.surviving(() => s.advanceTo(target(w, step.minutes)));
    case 'pass-to': {
      const to = PLACES[step.where];
      return to > s.now() ? s.surviving(() => s.advanceTo(to)) : undefined;
    }
    case 'approve':
      if (id) await s.surviving(async () => void (await s.decide(id, step.who, step.role).catch(tolerate)));
      return;
    case 'reject':
      if (id)
        await s.surviving(
          async () => void (await s.decide(id, 'max', 'legal', { decision: 'reject' }).catch(tolerate)),
        );
      return;
    case 'end-early':
      if (id) await s.surviving(async () => void (await s.revoke(id).catch(tolerate)));
      return;
    case 'stop-workflow':
      if (id && aliveTimers(w).length > 0) {
        await s.surviving(() => s.stopWorkflow(id));
        w.stopped.add(id);
      }
      return;
    case 'mute': {
      // One detector is left alive.
      const alive = aliveTimers(w).filter((timer) => timer !== step.detector);
      if (w.stopped.size > 0 && alive.length === 0) return;
      w.muted.add(step.detector);
      if (step.detector === 'eventRules') s.state.aws.eventRules.setOn(false);
      else s.mute(step.detector);
      return;
    }
    case 'unmute':
      for (const detector of w.muted) s.state.aws.schedules.setMute(detector, false);
      s.state.aws.eventRules.setOn(w.isWatched);
      w.muted.clear();
      // What was held back fires at once, as after an outage.
      return s.surviving(() => s.pump());
    case 'lose-sweep':
      w.sweepLateUntil = s.state.aws.schedules.loseNext('sweep');
      return;
    case 'fire-again':
      return s.surviving(() => fireAgain(w, step.detector, id));
    case 'leave':
      if (!w.left.has(step.who)) {
        const [from, to] = LEAVERS[step.who];
        s.editPeople(from, to);
      }
      w.left.set(step.who, w.left.get(step.who) ?? s.now());
      return;
    case 'somebody-puts': {
      const pair = pairAt(step.where);
      const placed = (await leases(s)).find(
        (each) => isSamePlace(each, pair) && each.lease.enabling && !each.lease.offAt,
      );
      const mine = placed?.lease.configuration;
      if (step.what === 'elsewhere') s.somebodyPuts(SOMEBODYS, undefined, pair);
      else if (mine)
        s.somebodyPuts(
          step.what === 'same' ? mine : { ...mine, imageDataDeliveryEnabled: false },
          undefined,
          pair,
        );
      return;
    }
    case 'somebody-deletes':
      return s.somebodyDeletes(pairAt(step.where));
    case 'fault':
      if (step.operation === 'identitystore:ListUsers' && step.fault === 'stale') w.isDirectoryStale = true;
      s.fault({
        operation: step.operation,
        kind: step.fault,
        times: step.times,
        delayMs: step.delayMs ?? 20_000,
        ...(step.accountId === undefined ? {} : { accountId: step.accountId }),
      });
      return;
    case 'outage': {
      const [kind, ...operations] = OUTAGES[step.of];
      for (const operation of operations) s.fault({ operation, kind, times: step.calls });
      w.isDirectoryStale ||= step.of === 'Identity Store stale';
      return;
    }
    case 'account':
      return step.change === 'gone' ? s.removeAccount() : s.changeAccount(ACCOUNT_CHANGES[step.change]);
    case 'redrive':
      if (id === undefined) return;
      await s.surviving(() => s.redriveWorkflow(id));
      if (await isRunning(s, id)) w.stopped.delete(id);
      return;
    case 'stop-endings':
      // As with the workflow: one detector is left alive to start it again.
      if (!w.muted.has('sweep')) await s.surviving(() => s.stopEndings());
      return;
    case 'hold':
      if (id) await s.surviving(() => keepForLegal(w, id, step));
      return;
    case 'vaults':
      return changeVaults(w, step.become);
    case 'lifecycle-deletes':
      return deleteByLifecycle(w);
    case 'late':
      return w.ids[0] === undefined ? undefined : deliverLate(w, w.ids[0], step);
    case 'release':
      if (id) await s.surviving(() => letGo(w, id));
      return;
    case 'events-late': {
      const by = step.minutes === 'for ever' ? step.minutes : step.minutes * MINUTE_MS;
      s.state.aws.schedules.postpone('storageEvent', by);
      return;
    }
    case 'capture':
      await take(w, { kind: 'pass-to', where: 'during' });
      return take(w, { kind: 'invoke' });
    case 'invoke':
      for (const pair of PAIRS) {
        await s.invoke(undefined, undefined, pair);
        if (w.isFiltered) await s.invoke(STRANGERS, STRANGER, pair);
      }
      return;
    case 'restart':
      s.reopen();
      return;
    case 'die':
      w.fuse = step.after;
      return;
    case 'adopt':
      await s.surviving(
        async () =>
          void (await s.adopt((w.isFiltered ? FILTERING : POLICIES)[step.policy] ?? '').catch(tolerate)),
      );
  }
}

/** The detectors that still come by themselves, by a clock of their own. */
const aliveTimers = ({ muted, isWatched }: World): Exclude<keyof typeof BOUND_MS, 'workflow'>[] =>
  (['deadMansSwitch', 'sweep', ...(isWatched ? (['configSettings'] as const) : [])] as const).filter(
    (timer) => !muted.has(timer),
  );

const vaultName = (which: number, place: number): string => `legal-${which}-${place}`;
const VAULT_NAMES = [0, 1].flatMap((which) => [0, 1, 2].map((place) => vaultName(which, place)));

/** The command that a person gives fails, or Legal is refused: then nothing has changed. */
async function keepForLegal(
  { s, ids, isFiltered, held }: World,
  id: ExceptionId,
  { which, vaults, scoped }: Extract<Step, { kind: 'hold' }>,
): Promise<void> {
  const { request } = await unharmed(s, () => s.record(id));
  const [vault, ...otherVaults] = placesOf(request).map((place, index) => ({
    bucketName: s.makeVault(place, vaultName(which, index)),
    keyPrefix: 'legal/',
    kmsKeyArn: VAULT_KEY,
  }));
  const asked = await hold(s.state.services, id, MAX, {
    reference: 'LIT-1',
    reason: 'a court asks for it',
    // All that is kept, said by its beginnings.
    ...(scoped ? { scope: [isFiltered && id === ids[0] ? 'vault/' : 'AWSLogs/'] } : {}),
    ...(vaults && vault !== undefined ? { vault } : {}),
    ...(vaults && otherVaults.length > 0 ? { otherVaults } : {}),
  }).catch(tolerate);
  // What stands now is kept from now on.
  if (asked?.ok === true && !held.has(id)) lookAtHeld(held, s, asked.value);
}

function lookAtHeld(held: World['held'], s: Simulation, record: ExceptionRecord): string | undefined {
  const seen = held.get(record.id) ?? new Held();
  held.set(record.id, seen);
  return seen.look(s, record);
}

async function letGo({ s, held }: World, id: ExceptionId): Promise<void> {
  // Whatever became of the command, from here on it may be gone.
  held.delete(id);
  await release(s.state.services, id, MAX, 'no longer needed').catch(tolerate);
  await s.pump();
}

function changeVaults(w: World, become: keyof typeof VAULT_CHANGES): void {
  const { stacks } = w.s.state.aws;
  const { lifecycle, isEnabled } = VAULT_CHANGES[become];
  for (const name of VAULT_NAMES) stacks.setBucketFeatures(name, { lifecycle });
  stacks.setKeyFeatures(VAULT_KEY, { isEnabled });
  // A key is asked for nothing while there is nothing to copy.
  w.unfitSince = become === 'expiring' ? (w.unfitSince ?? w.s.now()) : undefined;
}

/** What AWS deletes by itself, whenever that is: all at the destinations that Legal does not keep, or that stands in a vault. */
async function deleteByLifecycle({ s, held }: World): Promise<void> {
  const { database } = s.state.aws;
  for (const { value: record } of await unharmed(s, () => listExceptions(s.state.services.store))) {
    if (isHeld(record) && !held.has(record.id)) continue;
    for (const { destination } of placesOf(record.request)) {
      if (destination.kind !== 's3') continue;
      const { bucketName, keyPrefix } = destination;
      const rows = database
        .prepare('SELECT key, version_id FROM versions WHERE bucket = ? AND key LIKE ?')
        .all(bucketName, `${keyPrefix}%`) as { key: string; version_id: string }[];
      for (const { key, version_id } of rows)
        if (!isHeld(record) || held.get(record.id)?.isInVault(`${version_id}/${key}`) === true)
          database
            .prepare('DELETE FROM versions WHERE bucket = ? AND key = ? AND version_id = ?')
            .run(bucketName, key, version_id);
    }
  }
}

/** Up to the first empty listing: Bedrock delivers minutes late, not days. */
async function deliverLate(
  { s }: World,
  id: ExceptionId,
  { what, where: place }: Extract<Step, { kind: 'late' }>,
): Promise<void> {
  const record = await unharmed(s, () => s.record(id));
  const mayArrive = ['active', 'ending', 'draining', 'purging'].includes(record.state);
  if (!mayArrive || record.emptyListings.length > 0) return;
  const found = (await leases(s)).find(
    (each) => each.lease.exceptionId === id && isSamePlace(each, pairAt(place)),
  );
  const { s3Config } = found?.lease.configuration ?? {};
  if (found?.lease.enabling === undefined || s3Config === undefined) return;
  const { bucketName = '', keyPrefix = '' } = s3Config;
  const key = `${keyPrefix}AWSLogs/${found.accountId}/late-${s.now()}.json`;
  if (what === 'object') s.state.aws.storage.putObject(bucketName, key, 'CANARY-late');
  else s.state.aws.storage.startUpload(bucketName, key, 'CANARY-late');
}

/** Only what really fired can come again: the switch not before its lease's end, with the payload it was armed with. */
async function fireAgain(
  { s }: World,
  detector: 'deadMansSwitch' | 'sweep',
  id: ExceptionId | undefined,
): Promise<void> {
  const { services } = s.state;
  const time = formatInstant(s.now());
  // A function that fails is EventBridge's to call again; only a death goes through.
  const failed = (error: unknown): void => {
    if (error instanceof ProcessDied) throw error;
  };
  if (detector === 'sweep') await HANDLERS.sweep({ time }, services).catch(failed);
  else
    for (const { lease, ...pair } of await leases(s)) {
      const { exceptionId, enabling, expiresAt, baseline } = lease;
      if (exceptionId !== id || enabling === undefined || s.now() < expiresAt) continue;
      const payload = { time, exceptionId, ...pair, expiresAt: formatInstant(expiresAt), baseline };
      await HANDLERS.deadMansSwitch(payload, services).catch(failed);
    }
  await s.pump();
}

/** What a person at a command line sees when a planted fault strikes: an error, and tries later. A death goes through. */
function tolerate(error: unknown): undefined {
  if (error instanceof Error && /failed: |did not answer|changed by somebody/.test(error.message)) return;
  throw error;
}

const target = ({ s }: World, minutes: number): number => s.now() + minutes * MINUTE_MS;

async function leases(s: Simulation): Promise<readonly PlacedLease[]> {
  const rows = await unharmed(s, () => listLeaseRows(s.state.services.store));
  return rows.flatMap(({ value: { accountId, region: code, leases: all } }) =>
    all.map((lease) => ({ accountId, region: code, lease })),
  );
}

/** Looks without using up a planted fault. */
const unharmed = <T>(s: Simulation, look: () => Promise<T>): Promise<T> =>
  withoutFaults(s.state.aws.database, look);

const isRunning = async (s: Simulation, id: ExceptionId): Promise<boolean> =>
  (await s.state.runtime.status('exception', id)) === 'RUNNING';

const isTowards = (setting: LoggingConfiguration | undefined, lease: Lease): boolean =>
  storesContent(setting) &&
  lease.destination.kind === 's3' &&
  setting?.s3Config?.bucketName === lease.destination.bucketName &&
  setting?.s3Config?.keyPrefix === lease.configuration.s3Config?.keyPrefix;

/** A promise of the design that a history broke. */
export class BrokenInvariant extends Error {
  constructor(invariant: string, what: string, s: Simulation) {
    super(`${invariant}: ${what}\n${s.says().slice(-25).join('\n')}`);
    this.name = 'BrokenInvariant';
  }
}

async function invariants(w: World): Promise<void> {
  const { s } = w;
  const all = await leases(s);
  const hold = (invariant: string, holds: boolean, what: string): void => {
    if (!holds) throw new BrokenInvariant(invariant, what, s);
  };
  for (const placed of all) {
    const { lease } = placed;
    await offInTime(w, placed, all, hold);
    const first = w.ends.get(lease.exceptionId) ?? lease.expiresAt;
    w.ends.set(lease.exceptionId, first);
    hold('HARD_END', lease.expiresAt === first, 'the end of a lease moved');
    // No Put of ours turns anything on outside a lease that was live and announced.
    const { enabling, startsAt, expiresAt, released } = lease;
    const isInside =
      enabling === undefined || (enabling.at >= startsAt && enabling.at < expiresAt && !released);
    hold('NO_SILENT_ON', isInside, 'enabled outside its own window');
  }
  oneAtATime(w, all, hold);
  // Past every port of ours: what readers could read holds nothing of others.
  if (w.isFiltered) hold('ONLY_SUBJECTS', !s.isInVault(STRANGERS), 'a record of a stranger was kept');
  for (const { value: record } of await unharmed(s, () => listExceptions(s.state.services.store))) {
    const own = all.filter(({ lease }) => lease.exceptionId === record.id);
    for (const { lease } of own) if (lease.enabling !== undefined) quorumAndEnd(record, lease, hold);
    allOrNone(record, own, s.now(), hold);
    if (record.state === 'closed') provenEmpty(s, record, hold);
    if (isHeld(record)) {
      const broken = lookAtHeld(w.held, s, record);
      hold('HELD', broken === undefined, broken ?? '');
      unfitIsTold(w, record, own, hold);
    }
    const isEligible =
      own.every(({ lease }) => lease.enabling === undefined) || isByThoseWhoStayed(w, record, own);
    hold('DISTINCT_QUORUM', isEligible, 'enabled on the approval of somebody who had left');
  }
}

/** That AWS would delete in a vault is told within a sweep. */
function unfitIsTold(w: World, record: ExceptionRecord, own: readonly PlacedLease[], hold: Hold): void {
  const { s, unfitSince } = w;
  const standing = holdOf(record);
  if (standing?.vault === undefined) return;
  const of = `${record.id} ${standing.at}`;
  const vaultSince = w.vaultsSince.get(of) ?? s.now();
  w.vaultsSince.set(of, vaultSince);
  if (unfitSince === undefined || w.muted.has('sweep')) return;
  if (!own.some(({ lease }) => lease.enabling !== undefined)) return;
  const since = Math.max(unfitSince, vaultSince, s.faultyUntil, w.sweepLateUntil);
  const isTold = standing.stuck !== undefined || s.now() <= since + 16 * MINUTE_MS + w.skewMs;
  hold('HELD', isTold, 'a lifecycle rule deletes in the vaults, and nobody says so');
}

/** Every role by somebody who was still there five minutes before it was enabled. */
function isByThoseWhoStayed(
  { left, isDirectoryStale, skewMs }: World,
  record: ExceptionRecord,
  own: readonly PlacedLease[],
): boolean {
  if (isDirectoryStale) return true;
  const at = Math.min(...own.map(({ lease }) => lease.enabling?.at ?? Number.POSITIVE_INFINITY));
  const roles = record.decisions
    .filter(({ decision }) => decision === 'approve')
    .filter(
      ({ principalId: who }) => (left.get(who) ?? Number.POSITIVE_INFINITY) > at - skewMs - 5 * MINUTE_MS,
    )
    .map(({ role }) => role);
  return record.requiredRoles.every((role) => roles.includes(role));
}

type Hold = (invariant: string, holds: boolean, what: string) => void;

/** INVARIANT (NO_SILENT_ON): beyond the end plus the bound of the best detector alive, only where AWS refuses, and then it is said. */
async function offInTime(
  w: World,
  { lease, ...pair }: PlacedLease,
  all: readonly PlacedLease[],
  hold: Hold,
): Promise<void> {
  const { s } = w;
  const now = s.now();
  const timers = aliveTimers(w).filter(
    (timer) =>
      (timer !== 'sweep' || now > w.sweepLateUntil) &&
      // The Config rule is deployed in one place.
      (timer !== 'configSettings' || isSamePlace(pair, PAIR)),
  );
  const living = [
    ...((await isRunning(s, lease.exceptionId)) ? [BOUND_MS.workflow] : []),
    ...timers.map((timer) => BOUND_MS[timer]),
  ];
  // The steps leave one alive, but a fault may have ended the workflow that was: then nothing is promised until unmuted.
  const bound = Math.min(...living);
  if (!isTowards(s.setting(pair), lease)) return;
  // Events that a function told bear the time of its own clock.
  const said = (since: number): boolean =>
    s
      .events('exception.overdue')
      .some(({ subject, at }) => subject === lease.exceptionId && at - w.skewMs >= since);
  // A lease table that refuses takes the place where overdue would be noted.
  const isRefused = now - s.faultyUntil <= Math.max(16 * MINUTE_MS, bound + MINUTE_MS);
  hold(
    'NO_SILENT_ON',
    now <= lease.expiresAt + bound || said(lease.expiresAt) || isRefused,
    `on ${now - lease.expiresAt} ms after its end, and nobody says so`,
  );
  // However long AWS refused and however seldom it is tried by then: no longer than the sweeper's pace passes after it refuses no more.
  const lastOn = s.switched.findLast(({ isOn }) => isOn)?.at ?? lease.expiresAt;
  const since = Math.max(s.faultyUntil, lastOn, w.sweepLateUntil, endOf(lease));
  hold(
    'NO_SILENT_ON',
    !timers.includes('sweep') || !isSamePlace(pair, PAIR) || now <= since + w.skewMs + 16 * MINUTE_MS,
    `on ${now - since} ms after nothing kept it from being switched off`,
  );
  // Off in one place: the others follow, by the ending workflow or the sweeper that starts it. No clock is more than 10 minutes wrong.
  if (!timers.includes('sweep')) return;
  const offs = all.flatMap((other) =>
    other.lease.exceptionId === lease.exceptionId && other.lease.offAt !== undefined
      ? [other.lease.offAt]
      : [],
  );
  const first = Math.min(...offs) + BOUND_MS.sweep + 10 * MINUTE_MS;
  hold(
    'ALL_OR_NONE',
    now <= first || said(Math.min(...offs) - 10 * MINUTE_MS) || isRefused,
    `on in ${pair.accountId}, ${pair.region} long after another place of the same exception was off`,
  );
}

/** Every window or none is reserved; the leases of one exception live together, and it is active only when all were enabled. */
function allOrNone(record: ExceptionRecord, own: readonly PlacedLease[], now: EpochMs, hold: Hold): void {
  const count = placesOf(record.request).length;
  hold('ALL_OR_NONE', own.length === 0 || own.length === count, `${own.length} of ${count} windows are held`);
  const lives = new Set(own.map(({ lease }) => isActive(lease, now)));
  hold('ALL_OR_NONE', lives.size <= 1, 'some of its leases live, others do not');
  const isWhole = own.length === count && own.every(({ lease }) => lease.enabling !== undefined);
  hold('ALL_OR_NONE', record.state !== 'active' || isWhole, 'active, and not enabled everywhere');
  const isOrdered = own.length < 2 || isInOrder(record, own);
  hold('ALL_OR_NONE', isOrdered, 'a place was enabled before one that stands before it');
}

function isInOrder(record: ExceptionRecord, own: readonly PlacedLease[]): boolean {
  const attempts = placesOf(record.request).map(
    (place) => own.find((each) => isSamePlace(each, place))?.lease.enabling?.at ?? Number.POSITIVE_INFINITY,
  );
  return attempts.every((at, index) => index === 0 || at >= (attempts[index - 1] ?? 0));
}

/** Never two leases at once, never one Put twice, and no Put without the intent that stands in its lease. */
function oneAtATime({ s, apartMs }: World, all: readonly PlacedLease[], hold: Hold): void {
  const puts = s.puts.filter(({ configuration }) => storesContent(configuration));
  for (const put of puts) {
    const lease = all.find((candidate) => isTowards(put.configuration, candidate.lease))?.lease;
    hold('NO_SILENT_ON', lease?.enabling?.at === put.at, 'a Put without the intent to enable in its lease');
  }
  const enabled = all.flatMap(({ lease: { enabling, offAt }, ...pair }) =>
    enabling ? [{ pair, from: enabling.at, to: offAt ?? Number.POSITIVE_INFINITY }] : [],
  );
  for (const [index, one] of enabled.entries())
    for (const other of enabled.slice(index + 1))
      hold(
        'ONE_LEASE',
        !isSamePlace(one.pair, other.pair) ||
          one.from + apartMs >= other.to ||
          other.from + apartMs >= one.to,
        'two leases on at once',
      );
  hold('NO_SILENT_ON', puts.length <= enabled.length, 'more Puts than enabled leases');
}

/** INVARIANT (DISTINCT_QUORUM): a different person for every role, none of them the requester. INVARIANT (PURGE_PROVEN): its ends. */
function quorumAndEnd(record: ExceptionRecord, lease: Lease, hold: Hold): void {
  const approvals = record.decisions.filter(({ decision }) => decision === 'approve');
  const people = new Set(approvals.map(({ principalId }) => principalId));
  const roles = new Set(approvals.map(({ role }) => role));
  const isQuorum =
    people.size === approvals.length &&
    people.size >= 3 &&
    !people.has(record.requesterId) &&
    record.requiredRoles.every((role) => roles.has(role)) &&
    ['legal', 'security', 'executive'].every((role) => roles.has(role));
  hold(
    'DISTINCT_QUORUM',
    isQuorum,
    `enabled with ${approvals.map(({ principalId }) => principalId).join(', ')}`,
  );
  hold('HARD_END', lease.expiresAt === record.request.endsAt, 'the lease ends later than was approved');
  const isEnd = !isTerminal(record.state) || record.state === 'closed' || record.state === 'closed-unproven';
  hold('PURGE_PROVEN', isEnd, `ended as ${record.state} after it was enabled`);
}

/** INVARIANT (PURGE_PROVEN): two empty listings a day apart, and nobody else's setting in between the beginning and the end. */
function provenEmpty(s: Simulation, record: ExceptionRecord, hold: Hold): void {
  const [first, last] = [record.emptyListings[0], record.emptyListings.at(-1)];
  const isTwice = first !== undefined && last !== undefined && last.at - first.at >= DAY_MS;
  hold('PURGE_PROVEN', isTwice, 'closed without two empty listings a day apart');
  hold('PURGE_PROVEN', s.contentOf(record.id) === 0, 'closed over content');
  hold('PURGE_PROVEN', record.contested === undefined, 'closed as proven although contested');
}

async function isAtRest({ s, ids }: World): Promise<boolean> {
  if (
    s.now() < ENDS + 3 * HOUR_MS ||
    PAIRS.some((pair) => s.isOn(pair)) ||
    s.state.aws.settings.landsNextAt() !== undefined
  )
    return false;
  for (const id of ids) {
    const record = await s.record(id);
    if (!isTerminal(record.state) || record.outbox !== undefined) return false;
  }
  return (await s.state.runtime.list({ status: 'RUNNING' })).length === 0;
}

/** All detectors alive, no faults: everything that was attempted must come to its end by itself. */
async function comesToRest(w: World): Promise<void> {
  const { s } = w;
  s.clearFaults();
  await take(w, { kind: 'unmute' });
  changeVaults(w, 'fit');
  for (const [which, id] of w.ids.entries())
    if (isHeld(await s.record(id))) await take(w, { kind: 'release', which });
  const held = await leases(s);
  for (const pair of PAIRS)
    if (s.isOn(pair) && !held.some(({ lease }) => isTowards(s.setting(pair), lease))) s.somebodyDeletes(pair);
  const latest = Math.max(s.now(), ENDS + 3 * HOUR_MS) + 2 * DAY_MS + 2 * HOUR_MS;
  // What has ended, with nothing under way, stays as it is: there is no need to watch it until the last hour.
  while (s.now() < latest && !(await isAtRest(w)))
    await s.surviving(() => s.advanceTo(Math.min(latest, s.now() + 2 * HOUR_MS)));
  await invariants(w);
  for (const id of w.ids) {
    const record = await s.record(id);
    const isDone = isTerminal(record.state) || record.contested !== undefined;
    if (!isDone) throw new BrokenInvariant('COMES_TO_REST', `${id} is still ${record.state}`, s);
    if (s.contentOf(id) > 0) throw new BrokenInvariant('PURGE_PROVEN', `content of ${id} is left`, s);
    if (record.outbox !== undefined)
      throw new BrokenInvariant('NOTHING_LOST', `events of ${id} were never told`, s);
  }
  if (PAIRS.some((pair) => s.isOn(pair)))
    throw new BrokenInvariant('NO_SILENT_ON', 'content storage is on at rest', s);
}

/** What is played: who approves before the start, how wrong the clocks of the functions are, and then what happens. */
export interface History {
  /** Over how many accounts and Regions the first exception is, 1 to 3; the second over one less, beginning with the second of them. */
  readonly places: number;
  readonly firstApproved: boolean;
  readonly secondApproved: 'by three' | 'by one' | 'not';
  /** Whether the periodic Config rule and the event rules are deployed, and can go dead. */
  readonly isWatched: boolean;
  /** Whether the first exception is filtered. */
  readonly isFiltered: boolean;
  /** Minutes by which every function's clock runs before (or behind) the true one; at most 10 either way. */
  readonly skewMinutes: number;
  /** How far the functions that workflows call run from the others. */
  readonly apartMinutes: number;
  readonly steps: readonly Step[];
}

export const historyArb: fc.Arbitrary<History> = fc.record({
  places: fc.constantFrom(1, 1, 1, 2, 3),
  firstApproved: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
  secondApproved: fc.constantFrom('by three' as const, 'by one' as const, 'not' as const),
  // In an eighth of them: one evaluation costs as much as twenty sweeps.
  isWatched: fc.nat({ max: 7 }).map((n) => n === 0),
  isFiltered: fc.nat({ max: 3 }).map((n) => n === 0),
  skewMinutes: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -10, max: 10 }) },
  ),
  apartMinutes: fc.oneof(
    { weight: 7, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -10, max: 10 }) },
  ),
  steps: fc.array(stepArb, { minLength: 3, maxLength: 14 }),
});

/** What the histories met, so that a quiet run cannot pass for a proof. */
export interface Seen {
  /** Histories. */
  schedules: number;
  /** Histories in which content storage was put on. */
  on: number;
  puts: number;
  deaths: number;
  /** Histories in which an overdue alarm was raised. */
  overdue: number;
  contested: number;
  closed: number;
  /** Histories in which one over several accounts and Regions was on in all of them. */
  several: number;
  /** Recorded events by their type. */
  readonly events: Map<string, number>;
}

export const nothingSeen = (): Seen => ({
  schedules: 0,
  on: 0,
  puts: 0,
  deaths: 0,
  overdue: 0,
  contested: 0,
  closed: 0,
  several: 0,
  events: new Map(),
});

type Beginning = Pick<History, 'places' | 'firstApproved' | 'secondApproved' | 'isFiltered'>;

/** Two adjacent exceptions are asked for, and decided as the history says; ten minutes before the first begins. */
async function begin(
  s: Simulation,
  { places, firstApproved, secondApproved, isFiltered }: Beginning,
): Promise<ExceptionId[]> {
  const also = PAIRS.slice(1, places).map(optionsOf);
  const first = await s.request({ also, ...(isFiltered ? { topology: 'filter-and-purge' } : {}) });
  const second = await s.request({
    from: ENDS,
    to: ENDS + 2 * HOUR_MS,
    reference: 'INC-2',
    // They meet in every place of the second, and in another order.
    ...(places > 1 ? optionsOf(pairAt(1)) : {}),
    also: places > 2 ? [{}] : [],
  });
  if (firstApproved) await s.approve(first);
  if (secondApproved === 'by three') await s.approve(second);
  // One person for every role: only the first of them may count.
  for (const role of secondApproved === 'by one' ? ['legal', 'security', 'executive'] : [])
    await s.decide(second, 'max', role);
  await s.advanceTo(BEGINS - 10 * MINUTE_MS);
  return [first, second];
}

const optionsOf = ({ accountId, region: code }: Pair): PlaceOptions => ({ account: accountId, region: code });

interface Begun {
  readonly from: string;
  readonly ids: readonly ExceptionId[];
}

const begun = new Map<string, Promise<Begun>>();

/** The same beginning by true clocks is the same state to the last byte: it is played once, and copied. */
function beginning({ places, firstApproved, secondApproved, isFiltered }: Beginning): Promise<Begun> {
  const name = `${places} ${firstApproved} ${secondApproved} ${isFiltered}`;
  const known =
    begun.get(name) ??
    simulate(
      async (s) => {
        const ids = await begin(s, { places, firstApproved, secondApproved, isFiltered });
        s.shut();
        return { from: keep(s.directory), ids };
      },
      isFiltered ? { policy: FILTERING[0] ?? '' } : {},
    );
  begun.set(name, known);
  return known;
}

/**
 * Plays one history on an estate of its own and adds what it met to `seen`.
 * @throws BrokenInvariant with the last events, when a promise was broken
 */
export async function playHistory(history: History, seen: Seen): Promise<void> {
  const holder: { w?: World } = {};
  const skewMs = history.skewMinutes * MINUTE_MS;
  // No clock is more than ten minutes wrong.
  const workflowSkew = Math.max(-10, Math.min(10, history.skewMinutes + history.apartMinutes));
  const workflowSkewMs = workflowSkew * MINUTE_MS;
  const crash = (): boolean => {
    const { w } = holder;
    if (w === undefined || w.fuse === 0) return false;
    w.fuse -= 1;
    return w.fuse === 0;
  };
  const prepared = skewMs === 0 && workflowSkewMs === 0 ? await beginning(history) : undefined;
  await simulate(
    async (s) => {
      const w: World = {
        s,
        ids: [...(prepared?.ids ?? (await begin(s, history)))],
        muted: new Set(),
        stopped: new Set(),
        sweepLateUntil: 0,
        left: new Map(),
        isDirectoryStale: false,
        held: new Map(),
        unfitSince: undefined,
        vaultsSince: new Map(),
        isWatched: history.isWatched,
        isFiltered: history.isFiltered,
        ends: new Map(),
        skewMs: Math.max(skewMs, workflowSkewMs),
        // What ends a lease goes by the later of its clock and the trigger's own instant, which is true.
        apartMs: Math.max(skewMs, workflowSkewMs, 0) - Math.min(skewMs, workflowSkewMs),
        fuse: 0,
      };
      holder.w = w;
      if (history.isWatched) {
        s.state.aws.config.createPeriodicRule(PAIR, s.now());
        s.state.aws.eventRules.setOn(true);
      }
      for (const step of history.steps) {
        await take(w, step);
        await s.surviving(async () => undefined);
        await invariants(w);
      }
      w.fuse = 0;
      await comesToRest(w);
      note(seen, s);
    },
    {
      crash,
      skewMs,
      workflowSkewMs,
      ...(history.isFiltered ? { policy: FILTERING[0] ?? '' } : {}),
      ...(prepared && { from: prepared.from }),
    },
  );
}

function note(seen: Seen, s: Simulation): void {
  seen.schedules += 1;
  seen.puts += s.puts.length;
  seen.on += s.puts.length > 0 ? 1 : 0;
  seen.deaths += s.deaths;
  seen.overdue += s.events('exception.overdue').length > 0 ? 1 : 0;
  seen.contested += s.events('exception.contested').length;
  seen.closed += s.events('exception.closed').length;
  const isSeveral = s
    .events('exception.active')
    .some(({ subject }) => s.events('lease.on').some((on) => on.subject === subject));
  seen.several += isSeveral ? 1 : 0;
  for (const { type } of s.events()) seen.events.set(type, (seen.events.get(type) ?? 0) + 1);
}
