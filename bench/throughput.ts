import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createState, type OpenState, openState } from '../src/compose.ts';
import { accountId, epochMs, formatInstant, HOUR, MINUTE, principalId, region } from '../src/core/index.ts';
import { adoptPolicy, decideException, requestException } from '../src/enforcement/index.ts';
import { SNAPSHOT_SCHEMA_VERSION, type Snapshot } from '../src/evidence/index.ts';
import { approvalSubject, type ExceptionRecord, parseRequest } from '../src/exceptions/index.ts';
import { parsePolicy } from '../src/policy/index.ts';
import { type Measurement, type Suite, timed } from './measure.ts';

/*
 * Many exceptions at once in one state directory on disk: PROVISO_LEASES of them (1,000 by default), one per account and Region, all live
 * at the same time, each from request to certificate. Transitions, records and events share syncs; nothing is called before its
 * intent is on disk.
 */

const LEASES = Number(process.env['PROVISO_LEASES'] ?? 1000);
const TOGETHER = 256;
const REGIONS = ['us-east-1', 'eu-west-1', 'eu-central-1'].map(region);
const STARTS = epochMs(Date.parse('2026-11-20T08:00:00Z'));
const BEGINS = epochMs(STARTS + 4 * HOUR);
const ENDS = epochMs(BEGINS + HOUR);
const POLICY_FILE = join(import.meta.dirname, '../policies/prompt-storage.yaml');
const PEOPLE = `kind: People
schemaVersion: 1
people:
  - { id: sam, name: Sam, roles: [security] }
  - { id: lena, name: Lena, roles: [legal] }
  - { id: priya, name: Priya, roles: [security] }
  - { id: omar, name: Omar, roles: [executive] }
`;

const pairOf = (index: number) => ({
  accountId: accountId(String(100_000_000_000 + Math.floor(index / REGIONS.length))),
  region: REGIONS[index % REGIONS.length] ?? region('us-east-1'),
});

/** What makes every account dedicated: nobody but the role that its request names can invoke a model. */
const ONLY_SUBJECTS = JSON.stringify({
  Version: '2012-10-17',
  Statement: {
    Effect: 'Deny',
    Action: ['bedrock:InvokeModel*', 'bedrock:CreateModelInvocationJob', 'bedrock-mantle:CreateInference'],
    Resource: '*',
    Condition: { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/Responder' } },
  },
});

function estate(): Snapshot {
  const ids = Array.from(
    { length: Math.ceil(LEASES / REGIONS.length) },
    (_, index) => pairOf(index * REGIONS.length).accountId,
  );
  const at = STARTS;
  const observed = <T>(value: T) => ({ kind: 'observed' as const, value, at, source: { call: 'bench' } });
  return {
    schemaVersion: SNAPSHOT_SCHEMA_VERSION,
    takenAt: at,
    regions: REGIONS,
    organization: {
      id: 'o-benchbench',
      managementAccountId: accountId('999999999999'),
      units: [{ id: 'r-ex01', name: 'Root' }],
      accounts: [accountId('999999999999'), ...ids].map((id) => ({
        id,
        name: id,
        state: 'ACTIVE',
        parentId: 'r-ex01',
      })),
      serviceControlPolicies: observed([
        { id: 'p-onlysubj', name: 'OnlyRespondersInvoke', document: ONLY_SUBJECTS },
      ]),
      attachments: observed([
        { targetId: 'r-ex01', policyIds: ['p-FullAWSAccess', 'p-onlysubj'] },
        ...[accountId('999999999999'), ...ids].map((targetId) => ({
          targetId,
          policyIds: ['p-FullAWSAccess'],
        })),
      ]),
      delegatedAdministrators: observed([]),
    },
    accounts: ids.map((id) => ({
      accountId: id,
      iam: observed({ users: [], groups: [], roles: [], managedPolicies: [] }),
    })),
    accountRegions: [],
  };
}

function requestOf(index: number) {
  const pair = pairOf(index);
  const text = `kind: ExceptionRequest
schemaVersion: 1
reference: INC-${index}
justification: A measurement.
subjects: ["arn:aws:iam::${pair.accountId}:role/Responder"]
models: ["anthropic.claude-sonnet-4-5-20250929-v1:0"]
modalities: [text]
account: "${pair.accountId}"
region: ${pair.region}
topology: dedicated
destination: { kind: s3, bucketName: content-${index}, keyPrefix: incidents/, kmsKeyArn: "arn:aws:kms:${pair.region}:${pair.accountId}:key/0f0f0f0f-1111-2222-3333-444444444444" }
readers: ["arn:aws:iam::${pair.accountId}:role/Responder"]
startsAt: "${formatInstant(BEGINS)}"
endsAt: "${formatInstant(ENDS)}"
retention: 7d
notice: { kind: given, how: "mail" }
dataProtectionAssessment: { kind: made, reference: DPIA-1 }
purgedBy: Platform team
`;
  const parsed = parseRequest(text, 'request.yaml');
  if (!parsed.ok) throw new Error(parsed.error[0]?.message);
  return parsed.value;
}

/** At most `TOGETHER` at a time, so that what runs at the same time can share syncs. */
async function inTurns(act: (index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < LEASES; from += TOGETHER)
    await Promise.all(
      Array.from({ length: Math.min(TOGETHER, LEASES - from) }, (_, offset) => act(from + offset)),
    );
}

async function prepare(directory: string): Promise<OpenState> {
  const peopleFile = join(directory, '..', 'people.yaml');
  writeFileSync(peopleFile, PEOPLE);
  const created = await createState({
    directory,
    mode: 'simulated',
    snapshot: estate(),
    peopleFile,
    startsAt: STARTS,
  });
  if (!created.ok) throw new Error(created.error.message);
  const opened = openState(directory, undefined, TOGETHER);
  if (!opened.ok) throw new Error(opened.error.message);
  const state = opened.value;
  for (let index = 0; index < LEASES; index++) {
    const pair = pairOf(index);
    const kmsKeyArn = `arn:aws:kms:${pair.region}:${pair.accountId}:key/0f0f0f0f-1111-2222-3333-444444444444`;
    state.aws.storage.createBucket(pair, `content-${index}`, {
      isVersioned: true,
      hasObjectLock: false,
      kmsKeyArn,
    });
  }
  return state;
}

const ROLES = [
  ['lena', 'legal'],
  ['priya', 'security'],
  ['omar', 'executive'],
] as const;

/** Counts the commits of the state while `act` runs: those that wait for the disk. The embedded AWS has a database of its own. */
async function commitsIn<T>(
  state: OpenState,
  act: () => Promise<T>,
): Promise<{ readonly result: T; readonly commits: number }> {
  const { run } = StatementSync.prototype;
  const { prepare } = DatabaseSync.prototype;
  const ofAws = new WeakSet<StatementSync>();
  let commits = 0;
  Object.assign(DatabaseSync.prototype, {
    prepare(this: DatabaseSync, ...given: Parameters<typeof prepare>) {
      const statement = prepare.apply(this, given);
      if (this === state.aws.database) ofAws.add(statement);
      return statement;
    },
  });
  Object.assign(StatementSync.prototype, {
    run(this: StatementSync, ...given: unknown[]): unknown {
      if (this.sourceSQL === 'COMMIT' && !ofAws.has(this)) commits += 1;
      return Reflect.apply(run, this, given);
    },
  });
  try {
    return { result: await act(), commits };
  } finally {
    Object.assign(StatementSync.prototype, { run });
    Object.assign(DatabaseSync.prototype, { prepare });
  }
}

/** State transitions as AWS counts them for a Standard workflow: entries into states. */
async function transitionsOf(state: OpenState): Promise<number> {
  let transitions = 0;
  for (const { machine, name } of await state.runtime.list())
    for (const { type } of await state.runtime.history(machine, name))
      if (type.endsWith('StateEntered')) transitions += 1;
  return transitions;
}

interface Stage {
  readonly name: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly heapMiB: number;
}

// What is left after a collection is what is held; without this flag nobody outside can ask for one.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapMiB(): number {
  collect();
  return Math.round(process.memoryUsage().heapUsed / 2 ** 20);
}

async function stageOf(name: string, act: () => Promise<unknown>): Promise<Stage> {
  const before = process.cpuUsage();
  const seconds = (await timed(act)) / 1000;
  const { user, system } = process.cpuUsage(before);
  const stage = { name, seconds, cpuSeconds: (user + system) / 1e6, heapMiB: heapMiB() };
  process.stderr.write(
    `  ${name}: ${seconds.toFixed(1)} s (${stage.cpuSeconds.toFixed(1)} s of processor), heap ${stage.heapMiB} MiB, resident ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB\n`,
  );
  return stage;
}

/** Every stage in the life of all of them; between `enabling` and `ending` all are live. */
async function lives(state: OpenState): Promise<readonly Stage[]> {
  const { services, simulatedClock: clock, world } = state;
  if (clock === undefined) throw new Error('the state is not simulated');
  const text = readFileSync(POLICY_FILE, 'utf8');
  const policy = parsePolicy(text, POLICY_FILE);
  if (!policy.ok) throw new Error('the shipped policy does not parse');
  await adoptPolicy(services, policy.value, text, principalId('priya'));
  const submitOne = async (index: number): Promise<ExceptionRecord> => {
    const submitted = await requestException(services, requestOf(index), principalId('sam'), policy.value);
    if (!submitted.ok) throw new Error(submitted.error.message);
    return submitted.value.record;
  };
  const decideOne = async (record: ExceptionRecord): Promise<void> => {
    const { id } = record;
    const subjectHash = approvalSubject(record, policy.value.hash) ?? '';
    for (const [who, role] of ROLES) {
      const decision = { id, principalId: principalId(who), role, decision: 'approve' as const, subjectHash };
      const decided = await decideException(services, decision);
      if (!decided.ok) throw new Error(decided.error.message);
    }
  };
  const to = (name: string, at: number) => stageOf(name, () => world.advanceTo(clock, epochMs(at)));
  const records: ExceptionRecord[] = [];
  const stages = [
    await stageOf('requests', () =>
      inTurns(async (index) => {
        records[index] = await submitOne(index);
      }),
    ),
    await stageOf('asking', () => world.pump()),
    await stageOf('decisions', () =>
      inTurns(async (index) => {
        const record = records[index];
        if (record !== undefined) await decideOne(record);
      }),
    ),
    await to('waiting for the start', BEGINS - 1),
    await to('enabling', BEGINS + 10 * MINUTE),
  ];
  const on = state.aws.database.prepare('SELECT count(*) AS n FROM settings WHERE logging IS NOT NULL').get();
  if (on?.['n'] !== LEASES) throw new Error(`only ${String(on?.['n'])} of ${LEASES} leases are live`);
  stages.push(
    await to('live', ENDS - 1),
    await to('ending', ENDS + 2 * MINUTE),
    await to('purging and closing', ENDS + 27 * HOUR),
  );
  return stages;
}

async function play(): Promise<readonly Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'proviso-bench-'));
  const directory = join(folder, 'state');
  try {
    const state = await prepare(directory);
    const empty = heapMiB();
    const { result: stages, commits } = await commitsIn(state, () => lives(state));
    const transitions = await transitionsOf(state);
    const ended = heapMiB();
    const closed = state.events.events().filter(({ type }) => type === 'exception.closed').length;
    if (closed !== LEASES) throw new Error(`only ${closed} of ${LEASES} closed`);
    state.close();
    const sum = (pick: (stage: Stage) => number) => stages.reduce((total, stage) => total + pick(stage), 0);
    const most = Math.max(...stages.map((stage) => stage.heapMiB));
    const figure = (name: string, unit: string, value: number, note: string): Measurement => {
      const rounded = Math.round(value * 100) / 100;
      return { name, unit, median: rounded, min: rounded, max: rounded, runs: 1, note };
    };
    const note = `${LEASES} exceptions of one hour live at the same time, request to certificate, one state directory on disk, every sweep included; simulated clock, and commits shared by up to ${TOGETHER}, which no command asks for`;
    return [
      figure('whole exceptions a second', 'exceptions/s', LEASES / sum(({ seconds }) => seconds), note),
      figure(
        'whole exceptions a second of processor',
        'exceptions/s',
        LEASES / sum(({ cpuSeconds }) => cpuSeconds),
        'what is left when nothing else runs on the machine',
      ),
      figure('heap while all are live, above an empty state', 'MiB', most - empty, 'after a collection'),
      figure('heap when all have closed, above an empty state', 'MiB', ended - empty, 'after a collection'),
      figure('commits an exception', 'commits', commits / LEASES, `of up to ${TOGETHER} at once, shared`),
      figure('state transitions an exception', 'transitions', transitions / LEASES, 'both workflows'),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const suite: Suite = { name: 'throughput', run: play };
