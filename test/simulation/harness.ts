import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  clearFaults,
  deliver,
  embeddedOrganization,
  type Fault,
  hasFaults,
  plantFault,
  writeOrganization,
} from '../../src/adapters/embedded/aws/index.ts';
import { prepared as statement } from '../../src/adapters/embedded/statements.ts';
import { createState, type OpenState, openState } from '../../src/compose.ts';
import {
  accountId,
  type EpochMs,
  type ExceptionId,
  epochMs,
  formatInstant,
  formatProblem,
  HOUR,
  principalId,
  type Result,
  region,
} from '../../src/core/index.ts';
import {
  adoptPolicy,
  bucketsOf,
  invokersOf,
  type Pair,
  planEnforcement,
  revoke,
  wakeDecided,
} from '../../src/enforcement/index.ts';
import type { LoggingConfiguration, Organization, Snapshot } from '../../src/evidence/index.ts';
import {
  approvalSubject,
  decide,
  type ExceptionRecord,
  isSamePlace,
  type Lease,
  type Notification,
  type PlacedLease,
  parseRequest,
  type Refusal,
  readLeases,
  requireException,
  storesContent,
  submit,
} from '../../src/exceptions/index.ts';
import { type LoadedPolicy, parsePolicy } from '../../src/policy/index.ts';
import { AT, observed, organization, snapshot } from '../evidence/snapshots.ts';

/*
 * The whole exception path on one machine, driven as the command line drives it. Scenarios start from copies of one prepared
 * state directory, on a memory file system where there is one: production's syncs stay as they are, they only cost less there.
 */

export const INCIDENT = accountId('222222222222');
export const OTHER = accountId('333333333333');
export const VIRGINIA = region('us-east-1');
export const PAIR: Pair = { accountId: INCIDENT, region: VIRGINIA };
export const KEY = 'arn:aws:kms:us-east-1:222222222222:key/0f0f0f0f-1111-2222-3333-444444444444';
export const BUCKET = 'example-incident-content';
export const VAULT_KEY = 'arn:aws:kms:us-east-1:222222222222:key/aaaaaaaa-1111-2222-3333-444444444444';
/** The clock of a new simulation. */
export const START: EpochMs = AT;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** The usual request: on four hours after the beginning of the simulation, for six hours. Closed 25 hours after that. */
export const BEGINS: EpochMs = epochMs(START + 4 * HOUR_MS);
export const ENDS: EpochMs = epochMs(BEGINS + 6 * HOUR_MS);
export const LONG_AFTER: EpochMs = epochMs(ENDS + 26 * HOUR_MS);

const PEOPLE = `kind: People
schemaVersion: 1
people:
  - { id: sam, name: Sam Okafor, roles: [security] }
  - { id: lena, name: Lena Fischer, roles: [legal] }
  - { id: priya, name: Priya Raman, roles: [security] }
  - { id: omar, name: Omar Haddad, roles: [executive] }
  - { id: max, name: Max Weber, roles: [legal, security, executive] }
  - { id: dora, name: Dora Novak, roles: [data-protection] }
  - { id: gone, name: Gone Away, roles: [legal, security, executive], active: false }
`;

const POLICY_FILE = join(import.meta.dirname, '../../policies/prompt-storage.yaml');
export const POLICY_TEXT = readFileSync(POLICY_FILE, 'utf8');

/** The shipped policy, or a changed one: every pair of `edits` is found once and replaced. */
export function policyText(...edits: readonly (readonly [string, string])[]): string {
  return edits.reduce((text, [from, to]) => {
    if (text.split(from).length !== 2) throw new Error(`\`${from}\` stands not exactly once in the policy`);
    return text.replace(from, to);
  }, POLICY_TEXT);
}

/** The shipped policy with a fourth role to approve. */
export const withRole = (): string =>
  policyText([
    '    expireAfter: 7d',
    '      - role: data-protection\n        title: Data protection\n        source: [{ document: policy, section: 7 Exception Policy }]\n    expireAfter: 7d',
  ]);

const loaded = new Map<string, LoadedPolicy>();

export function loadPolicy(text: string = POLICY_TEXT): LoadedPolicy {
  const known = loaded.get(text);
  if (known !== undefined) return known;
  const parsed = parsePolicy(text, 'policies/prompt-storage.yaml');
  if (!parsed.ok) throw new Error(parsed.error.map(formatProblem).join('\n'));
  loaded.set(text, parsed.value);
  return parsed.value;
}

/** What makes an account dedicated: nobody but the role that requests name can invoke a model. */
const ONLY_SUBJECTS = JSON.stringify({
  Version: '2012-10-17',
  Statement: {
    Effect: 'Deny',
    Action: ['bedrock:InvokeModel*', 'bedrock:CreateModelInvocationJob', 'bedrock-mantle:CreateInference'],
    Resource: '*',
    Condition: { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/IncidentResponder' } },
  },
});

/** Four accounts (one of them suspended), one pair with somebody's bucket, nothing switched on. */
export function smallEstate(): Snapshot {
  const base = organization();
  const more = (id: string, name: string, state: string) => ({
    id: accountId(id),
    name,
    state,
    parentId: 'ou-ex01-product01',
  });
  const accounts = [
    ...base.accounts,
    more(OTHER, 'other', 'ACTIVE'),
    more('999999999999', 'suspended', 'SUSPENDED'),
  ];
  return snapshot({
    regions: [VIRGINIA, region('eu-west-1')],
    organization: {
      ...base,
      accounts,
      serviceControlPolicies: observed([
        { id: 'p-onlysubj', name: 'OnlyIncidentRespondersInvoke', document: ONLY_SUBJECTS },
      ]),
      attachments: observed(
        [...base.units, ...accounts].map(({ id }) => ({
          targetId: id,
          policyIds: id === 'r-ex01' ? ['p-FullAWSAccess', 'p-onlysubj'] : ['p-FullAWSAccess'],
        })),
      ),
    },
  });
}

export interface PlaceOptions {
  readonly account?: string;
  readonly region?: string;
  readonly bucket?: string;
  readonly key?: string;
}

export interface RequestOptions {
  readonly from?: number;
  readonly to?: number;
  readonly account?: string;
  readonly region?: string;
  readonly bucket?: string;
  readonly key?: string;
  readonly retention?: string;
  readonly reference?: string;
  readonly modalities?: string;
  readonly topology?: string;
  readonly subjects?: string;
  /** Replaces the usual S3 destination. */
  readonly destination?: string;
  /** Further places; each gets a bucket and a key of its own when it is submitted. */
  readonly also?: readonly PlaceOptions[];
  readonly notice?: string;
  /** `null`: none. */
  readonly assessment?: string | null;
  /** Why it cannot wait. */
  readonly breakGlass?: string;
}

/** A request file. */
export function requestText(options: RequestOptions = {}): string {
  const account = options.account ?? INCIDENT;
  const instant = (at: number) => formatInstant(epochMs(at));
  return `kind: ExceptionRequest
schemaVersion: 1
reference: ${options.reference ?? 'INC-2026-1142'}
justification: The exact prompts are needed to reproduce the injection.
subjects: ${options.subjects ?? `[${subjectsOf(options)}]`}
models: ["anthropic.claude-sonnet-4-5-20250929-v1:0"]
modalities: ${options.modalities ?? '[text]'}
${whereText(options)}readers: ["arn:aws:iam::${account}:role/IncidentResponder"]
startsAt: "${instant(options.from ?? BEGINS)}"
endsAt: "${instant(options.to ?? ENDS)}"
retention: ${options.retention ?? '7d'}
notice: ${options.notice ?? '{ kind: given, how: "mail to the response team" }'}
${options.assessment === null ? '' : `dataProtectionAssessment: ${options.assessment ?? '{ kind: made, reference: DPIA-2026-31 }'}\n`}purgedBy: Platform team
${options.breakGlass === undefined ? '' : `breakGlass: { reason: "${options.breakGlass}" }\n`}`;
}

/** One in every account. */
const subjectsOf = ({ account, also = [] }: RequestOptions): string =>
  [...new Set([{ account }, ...also].map((place) => place.account ?? INCIDENT))]
    .map((id) => `"arn:aws:iam::${id}:role/IncidentResponder"`)
    .join(', ');

const destinationText = ({ bucket, key }: PlaceOptions): string =>
  `{ kind: s3, bucketName: ${bucket ?? BUCKET}, keyPrefix: incidents/, kmsKeyArn: "${key ?? KEY}" }`;

function whereText({ destination, topology = 'dedicated', also = [], ...first }: RequestOptions): string {
  const { account = INCIDENT, region: code = VIRGINIA } = first;
  if (also.length === 0)
    return `account: "${account}"
region: ${code}
topology: ${topology}
destination: ${destination ?? destinationText(first)}
`;
  return `topology: ${topology}
places:
${[first, ...also]
  .map(
    (place) =>
      `  - { account: "${place.account ?? INCIDENT}", region: ${place.region ?? VIRGINIA}, destination: ${destinationText(place)} }\n`,
  )
  .join('')}`;
}

export function parsedRequest(options: RequestOptions = {}) {
  const parsed = parseRequest(requestText(options), 'request.yaml');
  if (!parsed.ok) throw new Error(parsed.error.map(formatProblem).join('\n'));
  return parsed.value;
}

/** A memory file system where there is one. */
const scratch = (): string => mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'proviso-'));

const prepared = new Map<string, Promise<string>>();

/** One state directory per policy text: created, the bucket made, the policy adopted. */
function preparedState(text: string): Promise<string> {
  const known = prepared.get(text) ?? prepare(text);
  prepared.set(text, known);
  return known;
}

const untilTheEnd = new Set<string>();

/** A folder until the process ends. */
function lasting(): string {
  if (untilTheEnd.size === 0)
    process.once('exit', () => {
      for (const root of untilTheEnd) rmSync(root, { recursive: true, force: true });
    });
  const root = scratch();
  untilTheEnd.add(root);
  return root;
}

/** A copy of a state directory that nobody has open, for simulations to begin from: `SimulationOptions.from`. */
export function keep(directory: string): string {
  const kept = join(lasting(), 'state');
  cpSync(directory, kept, { recursive: true });
  return kept;
}

async function prepare(text: string): Promise<string> {
  const root = lasting();
  const peopleFile = join(root, 'people.yaml');
  writeFileSync(peopleFile, PEOPLE);
  const directory = join(root, 'state');
  must(
    await createState({
      directory,
      mode: 'simulated',
      snapshot: smallEstate(),
      peopleFile,
      startsAt: START,
      seed: 'simulation',
    }),
  );
  const state = must(openState(directory));
  state.aws.storage.createBucket(PAIR, BUCKET, { isVersioned: true, hasObjectLock: false, kmsKeyArn: KEY });
  state.aws.storage.createBucket({ ...PAIR, accountId: OTHER }, 'bucket-of-another-account', {
    isVersioned: false,
    hasObjectLock: false,
    kmsKeyArn: KEY,
  });
  state.aws.storage.createBucket(PAIR, 'somebodys-bucket', { isVersioned: false, hasObjectLock: false });
  must(await adoptPolicy(state.services, loadPolicy(text), text, principalId('sam')));
  state.close();
  return directory;
}

function must<T, E extends { readonly message: string }>(result: Result<T, E>): T {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

/** Something that our own code does to the world, at which the process may die. */
export interface Moment {
  readonly when: 'before' | 'after';
  /** `store.commit`, `recorder.record exception.off`, `runtime before-commit exception/WaitForTick`, … */
  readonly what: string;
}

export interface SimulationOptions {
  readonly policy?: string;
  /** A directory that `keep` kept, to begin from instead of a new state. */
  readonly from?: string;
  /** Called at every moment; returning true kills the process there. */
  readonly crash?: (moment: Moment) => boolean;
  /** How far the clock that the functions read runs before the true one (negative: behind). The embedded AWS keeps the true one. */
  readonly skewMs?: number;
  /** The same for the functions that workflows call, where their clock is not the sweeper's and the switch's. */
  readonly workflowSkewMs?: number;
}

/** What is thrown where the process dies. Everything after it fails too: its files are closed. */
export class ProcessDied extends Error {}

/** A change of what the embedded AWS stores in the pair. */
export interface Switched {
  readonly at: EpochMs;
  readonly isOn: boolean;
}

/** One simulated estate with one state directory. */
export class Simulation {
  readonly directory: string;
  state: OpenState;
  /** Configurations that our own code put, in order, over all processes; `at` by the clock of the functions. */
  readonly puts: { readonly at: EpochMs; readonly configuration: LoggingConfiguration }[] = [];
  /** What the embedded AWS itself said after every instant at which anything happened. */
  readonly switched: Switched[] = [];
  deaths = 0;
  /** The last instant at which a fault was planted that can keep anything from being switched off (`#isOffRefused`). */
  faultyUntil = Number.NEGATIVE_INFINITY;
  readonly #crash: ((moment: Moment) => boolean) | undefined;
  readonly #skewMs: number;
  readonly #workflowSkewMs: number;
  #isInWorkflow = false;
  #isDead = false;
  #destinations = 0;

  private constructor(directory: string, options: SimulationOptions) {
    this.directory = directory;
    this.#crash = options.crash;
    this.#skewMs = options.skewMs ?? 0;
    this.#workflowSkewMs = options.workflowSkewMs ?? this.#skewMs;
    this.state = this.#open();
  }

  static async create(options: SimulationOptions = {}): Promise<Simulation> {
    const root = scratch();
    const directory = join(root, 'state');
    cpSync(options.from ?? (await preparedState(options.policy ?? POLICY_TEXT)), directory, {
      recursive: true,
    });
    return new Simulation(directory, options);
  }

  /** A state directory from elsewhere, such as a recorded one. The folder around it is removed by `close`. */
  static open(directory: string): Simulation {
    return new Simulation(directory, {});
  }

  now(): EpochMs {
    return this.state.clock.now();
  }

  #open(): OpenState {
    const state = must(
      openState(this.directory, (point) => {
        if (point.moment === 'before-call') this.#isInWorkflow = true;
        if (point.moment === 'after-call') this.#isInWorkflow = false;
        this.#moment(
          'before',
          `runtime ${point.moment} ${point.machine}/${point.functionName ?? point.stateName}`,
        );
      }),
    );
    this.#isDead = false;
    this.#isInWorkflow = false;
    // A death here is an exception between two statements, never a torn write: real kills are played in kills.test.ts.
    state.aws.database.exec('PRAGMA journal_mode = MEMORY');
    this.#instrument(state);
    return state;
  }

  /** Puts the moments around the ports, and counts the Puts. The handlers read these fields anew at every call. */
  #instrument(state: OpenState): void {
    const around = <T extends object, K extends keyof T & string>(
      port: T,
      name: string,
      methods: readonly K[],
    ): T => {
      const wrapped = Object.create(port) as Record<string, unknown>;
      for (const method of methods) {
        const original = port[method] as (...parameters: unknown[]) => Promise<unknown>;
        wrapped[method] = async (...parameters: unknown[]) => {
          const detail = method === 'record' ? ` ${(parameters[0] as { type: string }).type}` : '';
          this.#moment('before', `${name}.${method}${detail}`);
          const result = await original.apply(port, parameters);
          this.#moment('after', `${name}.${method}${detail}`);
          return result;
        };
      }
      return wrapped as T;
    };
    const { services } = state;
    const { settings } = services;
    const counted: typeof settings = {
      getInvocationLogging: (pair) => settings.getInvocationLogging(pair),
      deleteInvocationLogging: (pair) => settings.deleteInvocationLogging(pair),
      putInvocationLogging: async (pair, configuration, timeoutMs) => {
        this.puts.push({ at: services.clock.now(), configuration });
        await settings.putInvocationLogging(pair, configuration, timeoutMs);
      },
    };
    Object.assign(services, {
      clock: {
        now: () => epochMs(state.clock.now() + (this.#isInWorkflow ? this.#workflowSkewMs : this.#skewMs)),
      },
      store: around(services.store, 'store', ['commit']),
      recorder: around(services.recorder, 'recorder', ['record']),
      settings: around(counted, 'settings', ['putInvocationLogging', 'deleteInvocationLogging']),
      retention: around(services.retention, 'retention', ['setDataRetentionToNone']),
      schedules: around(services.schedules, 'schedules', ['create', 'delete']),
      destinations: around(services.destinations, 'destinations', [
        'deleteVersions',
        'abortUploads',
        'deleteLogGroup',
      ]),
      vaultCopies: around(services.vaultCopies, 'vaultCopies', ['copyVersion', 'writePart']),
      drainage: around(services.drainage, 'drainage', [
        'writeVault',
        'copyToVault',
        'readOrMakeKey',
        'deleteRaw',
      ]),
      metadata: around(services.metadata, 'metadata', ['pass']),
      certificates: around(services.certificates, 'certificates', ['save']),
    });
  }

  #moment(when: Moment['when'], what: string): void {
    if (this.#isDead) throw new ProcessDied('dead already');
    if (this.#crash?.({ when, what }) !== true) return;
    this.#isDead = true;
    this.deaths += 1;
    this.state.close();
    throw new ProcessDied(`${when} ${what}`);
  }

  /** Does `act`; when the process dies in it, opens the directory again and does what the next command would: pump, then `act`. */
  async surviving<T>(act: () => Promise<T>): Promise<T> {
    for (let life = 0; life < 200; life++) {
      try {
        if (this.#isDead) {
          this.state = this.#open();
          await this.state.world.pump();
        }
        return await act();
      } catch (error) {
        if (!this.#isDead) throw error;
      }
    }
    throw new Error('the process died 200 times in a row');
  }

  /** The process ends here. */
  shut(): void {
    if (!this.#isDead) this.state.close();
    this.#isDead = true;
  }

  /** The process ends here and another one opens the directory. */
  reopen(): void {
    this.shut();
    this.state = this.#open();
  }

  close(): void {
    this.shut();
    rmSync(join(this.directory, '..'), { recursive: true, force: true });
  }

  /** Plays time up to `to`, and watches the embedded AWS at every instant. */
  async advanceTo(to: number): Promise<void> {
    const { simulatedClock } = this.state;
    if (simulatedClock === undefined) throw new Error('not a simulated state');
    await this.pump();
    await this.state.world.advanceTo(simulatedClock, epochMs(to), () => {
      this.look();
      return true;
    });
    this.look();
  }

  advance(length: number): Promise<void> {
    return this.advanceTo(this.now() + length);
  }

  async pump(): Promise<void> {
    await this.state.world.pump();
    this.look();
  }

  /** A vault for legal holds, as templates/hold-vault.yml makes it. @returns its name */
  makeVault(pair: Pair = PAIR, name = 'proviso-hold-example'): string {
    this.state.aws.storage.createBucket(pair, name, {
      isVersioned: false,
      hasObjectLock: false,
      kmsKeyArn: VAULT_KEY,
    });
    return name;
  }

  /** Reads the embedded AWS past every port of ours. */
  setting(pair: Pair = PAIR): LoggingConfiguration | undefined {
    this.state.aws.settings.land();
    const row = statement(
      this.state.aws.database,
      'SELECT logging FROM settings WHERE account = ? AND region = ?',
    ).get(pair.accountId, pair.region) as { logging: string | null } | undefined;
    return row?.logging == null ? undefined : (JSON.parse(row.logging) as LoggingConfiguration);
  }

  isOn(pair: Pair = PAIR): boolean {
    return storesContent(this.setting(pair));
  }

  /** Whether a fault is planted that can keep anything from being switched off, or from being noted. */
  #isOffRefused(): boolean {
    const { database } = this.state.aws;
    if (!hasFaults(database)) return false;
    const sql =
      "SELECT 1 FROM faults WHERE operation LIKE 'bedrock:%' OR operation LIKE 'dynamodb:%' LIMIT 1";
    return statement(database, sql).get() !== undefined;
  }

  look(): void {
    // A Put on its way is trouble that lasts until it has landed.
    if (this.#isOffRefused() || this.state.aws.settings.landsNextAt() !== undefined)
      this.faultyUntil = this.now();
    const isOn = this.isOn();
    if ((this.switched.at(-1)?.isOn ?? false) !== isOn) this.switched.push({ at: this.now(), isOn });
  }

  /** The last instant at which content storage went off. */
  wentOffAt(): EpochMs | undefined {
    return this.switched.findLast(({ isOn }) => !isOn)?.at;
  }

  /** Something that Bedrock delivers into the raw prefix of an exception that is filtered. */
  deliverRaw(id: ExceptionId, name: string, body: string | Uint8Array, pair: Pair = PAIR): void {
    const key = `incidents/${id}/raw/AWSLogs/${pair.accountId}/BedrockModelInvocationLogs/${pair.region}/2026/11/20/12/${name}`;
    this.state.aws.storage.putObject(BUCKET, key, body);
  }

  /** Whether the vault of any exception holds a text, past every port of ours. */
  isInVault(canary: string): boolean {
    const sql =
      "SELECT count(*) AS n FROM versions WHERE key LIKE '%/vault/%' AND instr(body, CAST(? AS BLOB)) > 0";
    return Number((this.state.aws.database.prepare(sql).get(canary) as { n: number }).n) > 0;
  }

  /** Bytes and uploads that stand below the exception's own place, past every port of ours. */
  contentOf(id: ExceptionId, part = ''): number {
    const { database } = this.state.aws;
    const like = `%${id}${part}%`;
    const count = (sql: string) => Number((database.prepare(sql).get(like) as { n: number }).n);
    return (
      count('SELECT count(*) AS n FROM versions WHERE length(body) > 0 AND key LIKE ?') +
      count('SELECT count(*) AS n FROM uploads WHERE key LIKE ?') +
      count('SELECT count(*) AS n FROM log_events WHERE name LIKE ?')
    );
  }

  /** Somebody uses a model there now. @returns whether content was delivered */
  async invoke(prompt = 'CANARY-prompt', identityArn?: string, pair: Pair = PAIR): Promise<boolean> {
    const { aws, clock, services } = this.state;
    return deliver(aws.storage, clock, services.ids, pair, this.setting(pair), {
      identityArn: identityArn ?? `arn:aws:sts::${pair.accountId}:assumed-role/IncidentResponder/sam`,
      modelId: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
      prompt,
      response: 'CANARY-response',
    });
  }

  fault(fault: Partial<Fault> & Pick<Fault, 'operation' | 'kind'>): void {
    plantFault(this.state.aws.database, { times: 1, ...fault });
  }

  clearFaults(): void {
    clearFaults(this.state.aws.database);
  }

  /** Silences detectors. Muting the dead man's switch needs its schedule to exist. */
  mute(...targets: readonly ('deadMansSwitch' | 'sweep' | 'configSettings' | 'drainContent')[]): void {
    for (const target of targets) this.state.aws.schedules.setMute(target, true);
  }

  async stopWorkflow(id: ExceptionId): Promise<void> {
    await this.state.runtime.stop('exception', id, { error: 'Stopped', cause: 'by hand' });
    this.state.aws.eventRules.stopped('exception', id, 'ABORTED');
  }

  events(type?: string) {
    return this.state.events.events().filter((event) => type === undefined || event.type === type);
  }

  says(): string[] {
    return this.events().map(({ at, type, data }) => `${formatInstant(at)} ${type} ${String(data['says'])}`);
  }

  async record(id: ExceptionId): Promise<ExceptionRecord> {
    return (await requireException(this.state.services.store, id)).value;
  }

  async lease(id: ExceptionId, pair?: Pair): Promise<Lease> {
    const leases = await this.leases(id);
    const found = pair === undefined ? leases[0] : leases.find((each) => isSamePlace(each, pair));
    if (found === undefined) throw new Error(`\`${id}\` has no lease`);
    return found.lease;
  }

  /** One for every place. */
  async leases(id: ExceptionId): Promise<readonly PlacedLease[]> {
    return readLeases(this.state.services.store, await this.record(id));
  }

  /** Submits as `sam`, without starting the workflow. */
  async submit(options: RequestOptions = {}, requester = 'sam'): Promise<Result<ExceptionRecord, Refusal>> {
    const { services } = this.state;
    const request = parsedRequest(this.#withOwnDestination(options));
    const submitted = await submit({
      ...services,
      request,
      requesterId: principalId(requester),
      policy: await services.policyInForce.current(),
      organization: await services.organizationView.organization(),
      people: await services.directory.people(),
      buckets: await bucketsOf(services, request, await services.organizationView.organization()),
      invokers: await invokersOf(services, request, await services.organizationView.organization()),
      now: services.clock.now(),
    });
    return submitted.ok ? { ok: true, value: submitted.value.record } : submitted;
  }

  /** A destination belongs to one exception: the first has `BUCKET` and `KEY`, every further one a bucket and a key of its own. */
  #withOwnDestination(options: RequestOptions): RequestOptions {
    const { also, ...first } = options;
    if (also === undefined) return { ...options, ...this.#ownDestination(first) };
    return {
      ...options,
      ...this.#ownDestination(first),
      also: also.map((place) => ({ ...place, ...this.#ownDestination(place) })),
    };
  }

  #ownDestination(options: PlaceOptions & Pick<RequestOptions, 'destination'>): PlaceOptions {
    if (options.bucket !== undefined || options.key !== undefined || options.destination !== undefined)
      return {};
    const number = this.#destinations;
    this.#destinations += 1;
    if (number === 0) return {};
    const pair = {
      accountId: accountId(options.account ?? INCIDENT),
      region: region(options.region ?? VIRGINIA),
    };
    const bucket = `${BUCKET}-${number}`;
    const key = `arn:aws:kms:${pair.region}:${pair.accountId}:key/0f0f0f0f-1111-2222-3333-${String(number).padStart(12, '0')}`;
    const facts = { isVersioned: true, hasObjectLock: false, kmsKeyArn: key };
    this.state.aws.storage.createBucket(pair, bucket, facts);
    return { bucket, key };
  }

  /** Submits and starts the workflow. */
  async request(options: RequestOptions = {}, requester = 'sam'): Promise<ExceptionId> {
    const { id } = must(await this.submit(options, requester));
    await this.state.services.executions.start('exception', id, { exceptionId: id });
    await this.pump();
    return id;
  }

  async decide(
    id: ExceptionId,
    who: string,
    role: string,
    more: { readonly decision?: 'approve' | 'reject'; readonly subjectHash?: string } = {},
  ): Promise<Result<ExceptionRecord, Refusal>> {
    const { services } = this.state;
    const policy = await services.policyInForce.current();
    const shown = (await services.store.read(`exception/${id}`)) ? await this.record(id) : undefined;
    const decided = await decide({
      ...services,
      id,
      principalId: principalId(who),
      role,
      decision: more.decision ?? 'approve',
      subjectHash: more.subjectHash ?? (shown ? (approvalSubject(shown, policy.hash) ?? '') : ''),
      policyHash: policy.hash,
      people: await services.directory.people(),
      now: services.clock.now(),
    });
    await wakeDecided(services, id);
    await this.pump();
    return decided;
  }

  /** Legal, Security and an executive approve. */
  async approve(id: ExceptionId): Promise<void> {
    for (const [who, role] of [
      ['lena', 'legal'],
      ['priya', 'security'],
      ['omar', 'executive'],
    ] as const)
      must(await this.decide(id, who, role));
  }

  async approved(options: RequestOptions = {}): Promise<ExceptionId> {
    const id = await this.request(options);
    await this.approve(id);
    return id;
  }

  /** Content storage is on, an hour into the lease, and something was captured. */
  async active(options: RequestOptions = {}): Promise<ExceptionId> {
    const id = await this.approved(options);
    await this.advanceTo((options.from ?? BEGINS) + HOUR);
    if (!this.isOn()) throw new Error(`not on:\n${this.says().join('\n')}`);
    await this.invoke();
    return id;
  }

  revoke(id: ExceptionId, who = 'lena', reason = 'the incident is over') {
    return revoke(this.state.services, id, principalId(who), reason);
  }

  /** As somebody does who reads what `enforce` would do today, and confirms it. */
  async adopt(text: string, who = 'sam') {
    const { services } = this.state;
    const policy = loadPolicy(text);
    const { hash } = await planEnforcement(services, policy);
    return adoptPolicy(services, policy, text, principalId(who), hash);
  }

  /** The statements of the certificates that were saved. */
  certificates(): readonly Record<string, unknown>[] {
    const directory = join(this.directory, 'certificates');
    if (!existsSync(directory)) return [];
    return readdirSync(directory).map((name) => {
      const saved = JSON.parse(readFileSync(join(directory, name), 'utf8')) as {
        statement: Record<string, unknown>;
      };
      return saved.statement;
    });
  }

  /** Changes who exists, as an edit of the people file does. */
  editPeople(from: string, to: string): void {
    const file = join(this.directory, 'people.yaml');
    const text = readFileSync(file, 'utf8');
    if (!text.includes(from)) throw new Error(`\`${from}\` is not in the people file`);
    writeFileSync(file, text.replace(from, to));
  }

  /** Changes what AWS Organizations says of the account: suspended, moved, or as it was. */
  changeAccount(change: Partial<Organization['accounts'][number]>): void {
    const { database } = this.state.aws;
    const organization = embeddedOrganization(database);
    const accounts = organization.accounts.map((account) =>
      account.id === INCIDENT ? { ...account, ...change } : account,
    );
    writeOrganization(database, { ...organization, accounts });
  }

  /** The account leaves the organization. */
  removeAccount(): void {
    const { database } = this.state.aws;
    const organization = embeddedOrganization(database);
    const accounts = organization.accounts.filter(({ id }) => id !== INCIDENT);
    writeOrganization(database, { ...organization, accounts });
  }

  /** Everything is allowed to whom the accounts' own policies allow it; their root users among them. */
  detachControlPolicies(): void {
    const { database } = this.state.aws;
    const organization = embeddedOrganization(database);
    const attachments = observed(
      [...organization.units, ...organization.accounts].map(({ id }) => ({
        targetId: id,
        policyIds: ['p-FullAWSAccess'],
      })),
    );
    writeOrganization(database, { ...organization, attachments });
  }

  /** Nobody may read the users and roles of an account any more. @returns what gives it back */
  hideIdentities(): () => void {
    const { services } = this.state;
    const { inspection } = services;
    const readIam = async () => ({ kind: 'unobservable', reason: 'access-denied' }) as const;
    Object.assign(services, { inspection: { ...inspection, readIam } });
    return () => void Object.assign(services, { inspection });
  }

  async redriveWorkflow(id: ExceptionId): Promise<boolean> {
    return (await this.state.runtime.redrive('exception', id)).ok;
  }

  /** Somebody stops the workflows that end exceptions. @returns how many */
  async stopEndings(): Promise<number> {
    const running = await this.state.runtime.list({ machine: 'ending', status: 'RUNNING' });
    for (const { name } of running) await this.state.runtime.stop('ending', name, { cause: 'by hand' });
    return running.length;
  }

  /** What somebody else's Put does: past our ports and our records. */
  somebodyPuts(configuration: LoggingConfiguration, by?: string, pair: Pair = PAIR): void {
    this.state.aws.settings.putBySomebodyElse(pair, configuration, by);
    this.look();
  }
  somebodyDeletes(pair: Pair = PAIR): void {
    this.state.aws.settings.deleteBySomebodyElse(pair);
    this.look();
  }
}

/** Runs `play` on a new simulation and cleans up. */
export async function simulate<T>(
  play: (simulation: Simulation) => Promise<T>,
  options: SimulationOptions = {},
): Promise<T> {
  const simulation = await Simulation.create(options);
  try {
    return await play(simulation);
  } finally {
    simulation.close();
  }
}

export const ALL_ON: LoggingConfiguration = {
  textDataDeliveryEnabled: true,
  imageDataDeliveryEnabled: true,
  embeddingDataDeliveryEnabled: true,
  videoDataDeliveryEnabled: true,
  audioDataDeliveryEnabled: true,
};
export const TEXT_ONLY: LoggingConfiguration = {
  textDataDeliveryEnabled: true,
  imageDataDeliveryEnabled: false,
  embeddingDataDeliveryEnabled: false,
  videoDataDeliveryEnabled: false,
  audioDataDeliveryEnabled: false,
};
export const ALL_OFF: LoggingConfiguration = { ...TEXT_ONLY, textDataDeliveryEnabled: false };
/** Everything, into a bucket that no exception names. */
export const SOMEBODYS: LoggingConfiguration = { ...ALL_ON, s3Config: { bucketName: 'somebodys-bucket' } };

/** What people were told, oldest first. */
export function notificationsOf(s: Simulation): readonly Notification[] {
  const file = join(s.directory, 'notifications.ndjson');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Notification);
}
