import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FaultKind, FaultyOperation } from '../../src/adapters/embedded/aws/index.ts';
import type { ExceptionId } from '../../src/core/index.ts';
import type { LoggingConfiguration } from '../../src/evidence/index.ts';
import {
  isTerminal,
  type Lease,
  listExceptions,
  listLeaseRows,
  storesContent,
} from '../../src/exceptions/index.ts';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  INCIDENT,
  MINUTE_MS,
  policyText,
  type Simulation,
  SOMEBODYS,
  START,
  simulate,
} from './harness.ts';

/*
 * Random histories of an estate with two exceptions. After every step the embedded AWS itself is asked; what our records claim
 * is only compared with it.
 */

type Step =
  | { readonly kind: 'pass'; readonly minutes: number }
  | { readonly kind: 'pass-to'; readonly beforeEnd: boolean }
  | { readonly kind: 'approve'; readonly which: number; readonly who: string; readonly role: string }
  | { readonly kind: 'reject'; readonly which: number }
  | { readonly kind: 'end-early'; readonly which: number }
  | { readonly kind: 'stop-workflow'; readonly which: number }
  | { readonly kind: 'mute'; readonly detector: 'deadMansSwitch' | 'sweep' }
  | { readonly kind: 'unmute' }
  | { readonly kind: 'somebody-puts'; readonly what: 'elsewhere' | 'same' | 'less' }
  | { readonly kind: 'somebody-deletes' }
  | {
      readonly kind: 'fault';
      readonly operation: FaultyOperation;
      readonly fault: FaultKind;
      readonly times: number;
    }
  | { readonly kind: 'invoke' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'die'; readonly after: number }
  | { readonly kind: 'adopt'; readonly policy: number };

const POLICIES = [
  policyText(),
  policyText(['enablement: 12d', 'enablement: 11d']),
  policyText(['    kinds: [s3, cloudwatch-logs]', '    kinds: [cloudwatch-logs]']),
];

const which = fc.nat({ max: 1 });
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
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass-to' as const), beforeEnd: fc.boolean() }) },
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
      who: fc.constantFrom('sam', 'lena', 'priya', 'omar', 'max', 'gone'),
      role: fc.constantFrom('legal', 'security', 'executive'),
    }),
  },
  fc.record({ kind: fc.constant('reject' as const), which }),
  fc.record({ kind: fc.constant('end-early' as const), which }),
  fc.record({ kind: fc.constant('stop-workflow' as const), which }),
  fc.record({
    kind: fc.constant('mute' as const),
    detector: fc.constantFrom('deadMansSwitch' as const, 'sweep' as const),
  }),
  fc.constant<Step>({ kind: 'unmute' }),
  fc.record({
    kind: fc.constant('somebody-puts' as const),
    what: fc.constantFrom('elsewhere' as const, 'same' as const, 'less' as const),
  }),
  fc.constant<Step>({ kind: 'somebody-deletes' }),
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
        'scheduler:CreateSchedule',
        'dynamodb:TransactWriteItems',
        'dynamodb:GetItem',
      ),
      fault: fc.constantFrom<FaultKind>('fail', 'fail-after', 'throttle', 'deny', 'slow'),
      times: fc.constantFrom(1, 3, 30),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'invoke' }) },
  fc.constant<Step>({ kind: 'restart' }),
  fc.record({ kind: fc.constant('die' as const), after: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ kind: fc.constant('adopt' as const), policy: fc.nat({ max: 2 }) }),
);

/** Detectors' bounds, with the minute that a planted failure may add to a retried call. */
const BOUND_MS = { workflow: MINUTE_MS, deadMansSwitch: 2 * MINUTE_MS, sweep: 15 * MINUTE_MS } as const;

interface World {
  readonly s: Simulation;
  readonly ids: ExceptionId[];
  readonly muted: Set<'deadMansSwitch' | 'sweep'>;
  /** Whose execution was stopped by hand. */
  readonly stopped: Set<ExceptionId>;
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
      const to = step.beforeEnd ? ENDS - 2 * MINUTE_MS : ENDS + 20 * MINUTE_MS;
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
      if (id && w.muted.size < 2) {
        await s.surviving(() => s.stopWorkflow(id));
        w.stopped.add(id);
      }
      return;
    case 'mute': {
      // One detector is left alive.
      const alive = w.stopped.size === 0 || w.muted.size === 0;
      if (!alive) return;
      w.muted.add(step.detector);
      s.mute(step.detector);
      return;
    }
    case 'unmute':
      for (const detector of w.muted) s.state.aws.schedules.setMute(detector, false);
      w.muted.clear();
      return;
    case 'somebody-puts': {
      const lease = (await leases(s)).find(({ enabling, offAt }) => enabling && !offAt);
      const mine = lease?.configuration;
      if (step.what === 'elsewhere') s.somebodyPuts(SOMEBODYS);
      else if (mine)
        s.somebodyPuts(step.what === 'same' ? mine : { ...mine, imageDataDeliveryEnabled: false });
      return;
    }
    case 'somebody-deletes':
      return s.somebodyDeletes();
    case 'fault':
      s.fault({ operation: step.operation, kind: step.fault, times: step.times, delayMs: 20_000 });
      return;
    case 'invoke':
      await s.invoke();
      return;
    case 'restart':
      s.reopen();
      return;
    case 'die':
      w.fuse = step.after;
      return;
    case 'adopt':
      await s.surviving(async () => void (await s.adopt(POLICIES[step.policy] ?? '').catch(tolerate)));
  }
}

/** What a person at a command line sees when a planted fault strikes: an error, and tries later. A death goes through. */
function tolerate(error: unknown): void {
  if (error instanceof Error && /failed: |did not answer|changed by somebody/.test(error.message)) return;
  throw error;
}

const target = ({ s }: World, minutes: number): number => s.now() + minutes * MINUTE_MS;

async function leases(s: Simulation): Promise<readonly Lease[]> {
  const rows = await unharmed(s, () => listLeaseRows(s.state.services.store));
  return rows.flatMap(({ value }) => value.leases);
}

/** Looks without using up a planted fault. */
async function unharmed<T>(s: Simulation, look: () => Promise<T>): Promise<T> {
  const { database } = s.state.aws;
  const rows = database.prepare('SELECT * FROM faults ORDER BY id').all();
  database.exec('DELETE FROM faults');
  try {
    return await look();
  } finally {
    const put = database.prepare(
      'INSERT INTO faults (id, operation, kind, remaining, delay_ms, account, region) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    for (const row of rows) put.run(...(Object.values(row) as (string | number | null)[]));
  }
}

const isRunning = async (s: Simulation, id: ExceptionId): Promise<boolean> =>
  (await s.state.runtime.describe('exception', id))?.status === 'RUNNING';

const isTowards = (setting: LoggingConfiguration | undefined, lease: Lease): boolean =>
  storesContent(setting) &&
  lease.destination.kind === 's3' &&
  setting?.s3Config?.keyPrefix === lease.destination.keyPrefix;

async function invariants(w: World): Promise<void> {
  const { s } = w;
  const now = s.now();
  const setting = s.setting();
  const all = await leases(s);
  const story = () => s.says().slice(-25).join('\n');

  for (const lease of all) {
    // INVARIANT (NO_SILENT_ON): beyond the end plus the bound of the best detector alive, only where AWS refuses, and then it is said.
    const living = [
      ...((await isRunning(s, lease.exceptionId)) ? [BOUND_MS.workflow] : []),
      ...(w.muted.has('deadMansSwitch') ? [] : [BOUND_MS.deadMansSwitch]),
      ...(w.muted.has('sweep') ? [] : [BOUND_MS.sweep]),
    ];
    // The steps leave one alive, but a fault may have ended the workflow that was: then nothing is promised until unmuted.
    const bound = Math.min(...living);
    if (isTowards(setting, lease) && now > lease.expiresAt + bound) {
      const said = s
        .events('exception.overdue')
        .some(({ subject, at }) => subject === lease.exceptionId && at >= lease.expiresAt);
      // A lease table that refuses takes the place where overdue would be noted.
      const isRefused = now - s.faultyUntil <= 16 * MINUTE_MS;
      expect(
        said || isRefused,
        `on ${now - lease.expiresAt} ms after its end, and nobody says so\n${story()}`,
      ).toBe(true);
    }
    // No Put of ours turns anything on outside a lease that was live and announced.
    if (lease.enabling !== undefined) {
      expect(lease.enabling.at).toBeGreaterThanOrEqual(lease.startsAt);
      expect(lease.enabling.at).toBeLessThan(lease.expiresAt);
      expect(lease.released).toBeUndefined();
    }
  }
  for (const put of s.puts.filter(({ configuration }) => storesContent(configuration))) {
    const lease = all.find((candidate) => isTowards(put.configuration, candidate));
    expect(lease?.enabling?.at, story()).toBe(put.at);
  }
  // Never two at once, and never one Put twice.
  const enabled = all.flatMap(({ enabling, offAt }) =>
    enabling ? [{ from: enabling.at, to: offAt ?? Number.POSITIVE_INFINITY }] : [],
  );
  for (const [index, one] of enabled.entries())
    for (const other of enabled.slice(index + 1))
      expect(one.from < other.to && other.from < one.to, `two leases at once\n${story()}`).toBe(false);
  expect(s.puts.filter(({ configuration }) => storesContent(configuration)).length).toBeLessThanOrEqual(
    enabled.length,
  );

  for (const { value: record } of await unharmed(s, () => listExceptions(s.state.services.store))) {
    // INVARIANT (DISTINCT_QUORUM): whatever was enabled had three different people behind it, none of them the requester.
    const lease = all.find(({ exceptionId }) => exceptionId === record.id);
    if (lease?.enabling !== undefined) {
      const approvers = new Set(
        record.decisions
          .filter(({ decision }) => decision === 'approve')
          .map(({ principalId }) => principalId),
      );
      approvers.delete(record.requesterId);
      expect(approvers.size).toBeGreaterThanOrEqual(3);
      // INVARIANT (PURGE_PROVEN)
      if (isTerminal(record.state)) expect(['closed', 'closed-unproven']).toContain(record.state);
    }
    if (record.state === 'closed') {
      expect(record.emptyListings.length).toBeGreaterThanOrEqual(2);
      expect(
        s.events('exception.contested').filter(({ subject }) => subject === record.id && record.contested),
      ).toEqual([]);
    }
  }
}

/** All detectors alive, no faults: everything that was attempted must come to its end by itself. */
async function comesToRest(w: World): Promise<void> {
  const { s } = w;
  s.state.aws.database.exec('DELETE FROM faults');
  await take(w, { kind: 'unmute' });
  if (storesContent(s.setting()) && !(await leases(s)).some((lease) => isTowards(s.setting(), lease)))
    s.somebodyDeletes();
  await s.surviving(() => s.advanceTo(Math.max(s.now(), ENDS + 3 * HOUR_MS) + 2 * DAY_MS + 2 * HOUR_MS));
  await invariants(w);
  for (const id of w.ids) {
    const record = await s.record(id);
    const isDone = isTerminal(record.state) || record.contested !== undefined;
    expect(isDone, `${id} is ${record.state}\n${s.says().slice(-25).join('\n')}`).toBe(true);
    expect(s.contentOf(id), `content of ${id} is left`).toBe(0);
  }
  expect(s.isOn()).toBe(false);
}

const WALK = {
  firstApproved: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
  secondApproved: fc.constantFrom('by three' as const, 'by one' as const, 'not' as const),
  steps: fc.array(stepArb, { minLength: 3, maxLength: 14 }),
};

test('no history keeps content storage on beyond its end, enables without a lease and its quorum, or closes over content', {
  timeout: 300_000,
}, async () => {
  const seed = Number(process.env['PROVISO_SEED'] ?? Date.now() % 2 ** 31);
  const numRuns = Number(process.env['PROVISO_RUNS'] ?? 200);
  const seen = { on: 0, closed: 0, contested: 0, overdue: 0, deaths: 0 };
  await fc.assert(
    fc.asyncProperty(fc.record(WALK), async ({ firstApproved, secondApproved, steps }) => {
      const holder: { w?: World } = {};
      await simulate(
        async (s) => {
          const w: World = { s, ids: [], muted: new Set(), stopped: new Set(), fuse: 0 };
          w.ids.push(
            await s.request(),
            await s.request({ from: ENDS, to: ENDS + 2 * HOUR_MS, reference: 'INC-2' }),
          );
          holder.w = w;
          if (firstApproved && w.ids[0]) await s.approve(w.ids[0]);
          if (secondApproved === 'by three' && w.ids[1]) await s.approve(w.ids[1]);
          // One person for every role: only the first of them may count.
          for (const role of secondApproved === 'by one' ? ['legal', 'security', 'executive'] : [])
            if (w.ids[1]) await s.decide(w.ids[1], 'max', role);
          await s.advanceTo(BEGINS - 10 * MINUTE_MS);
          for (const step of steps) {
            await take(w, step);
            await s.surviving(async () => undefined);
            await invariants(w);
          }
          w.fuse = 0;
          await comesToRest(w);
          seen.on += s.puts.length > 0 ? 1 : 0;
          seen.closed += s.events('exception.closed').length;
          seen.contested += s.events('exception.contested').length;
          seen.overdue += s.events('exception.overdue').length > 0 ? 1 : 0;
          seen.deaths += s.deaths;
        },
        {
          crash: () => {
            const { w } = holder;
            if (w === undefined || w.fuse === 0) return false;
            w.fuse -= 1;
            return w.fuse === 0;
          },
        },
      );
    }),
    { seed, numRuns, endOnFailure: false },
  );
  process.stdout.write(`histories: ${numRuns} runs, seed ${seed}: ${JSON.stringify(seen)}\n`);
  // Histories in which nothing happens would prove nothing.
  expect(seen.on).toBeGreaterThan(numRuns / 4);
  for (const often of [seen.closed, seen.contested, seen.overdue, seen.deaths])
    expect(often).toBeGreaterThan(0);
});

void [INCIDENT, START];
