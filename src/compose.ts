import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type FunctionName, HANDLERS } from '../handlers/index.ts';
import {
  type EmbeddedSchedules,
  type EmbeddedStacks,
  embeddedConfig,
  embeddedEventRules,
  embeddedEvidence,
  embeddedInspection,
  embeddedOrganization,
  embeddedRetention,
  embeddedSchedules,
  embeddedSettings,
  embeddedStorage,
  embeddedTrail,
  formerOrganization,
  openAwsDatabase,
  scheduledConfigEvent,
  seedFromSnapshot,
  underFaults,
  withFaults,
} from './adapters/embedded/aws/index.ts';
import { certificateFiles } from './adapters/embedded/certificate-files.ts';
import { type EventFile, eventHistory, openEventFile } from './adapters/embedded/event-file.ts';
import { notificationFile } from './adapters/embedded/notification-file.ts';
import { sqliteRecordStore } from './adapters/embedded/record-store.ts';
import { fileSigner } from './adapters/embedded/signing-key.ts';
import {
  createStateDirectory,
  readStateDescription,
  type StateMode,
  type StateProblem,
  statePaths,
} from './adapters/embedded/state-files.ts';
import { textFiles } from './adapters/embedded/text-files.ts';
import { World } from './adapters/embedded/world.ts';
import { metadataTexts } from './adapters/metadata-texts.ts';
import { policyInForceOf } from './adapters/policy-in-force.ts';
import {
  type Clock,
  type EpochMs,
  err,
  formatInstant,
  formatProblem,
  isExceptionId,
  ok,
  type Problem,
  type Result,
} from './core/index.ts';
import type { Services } from './enforcement/index.ts';
import type { Snapshot } from './evidence/index.ts';
import {
  correlating,
  type ExecutionStatus,
  type Executions,
  isFiltered,
  notifyingRecorder,
  type Person,
  parsePeople,
  placesOf,
  type RecordStore,
  readException,
} from './exceptions/index.ts';
import {
  type FaultHook,
  parseStateMachine,
  randomIds,
  SeededIds,
  SimulatedClock,
  type StateMachine,
  systemClock,
  WorkflowRuntime,
} from './runtime/index.ts';

/*
 * The one place where ports meet adapters. Here: a state directory on one machine, with the embedded AWS and the embedded
 * workflow runtime. Nothing else in the project constructs an adapter.
 */

const WORKFLOWS = join(import.meta.dirname, '..', 'workflows');
const MACHINES = { exception: 'prompt-storage-exception', ending: 'prompt-storage-ending' } as const;
const SWEEP_EVERY_MS = 15 * 60_000;
const DRAIN_EVERY_MS = 10 * 60_000;
/** In the header of both databases: a file without it was not made by `createState`, or lost what it held. */
const STATE_MARK = 0x50525653;

export interface NewState {
  readonly directory: string;
  readonly mode: StateMode;
  /** The organization, its identities and settings that the embedded AWS starts from. */
  readonly snapshot: Snapshot;
  readonly peopleFile: string;
  /** First instant of a simulated clock. */
  readonly startsAt: EpochMs;
  /** Of a simulated state's ids. */
  readonly seed?: string;
}

/** Creates a state directory, whole or not at all. Its mode never changes. */
export async function createState(state: NewState): Promise<Result<void, StateProblem>> {
  const description = {
    kind: 'State',
    schemaVersion: 1,
    mode: state.mode,
    createdAt: formatInstant(state.startsAt),
  } as const;
  return createStateDirectory(state.directory, description, async (draft) => {
    const paths = statePaths(draft);
    copyFileSync(state.peopleFile, paths.people);
    const database = new DatabaseSync(paths.state);
    database.exec(`PRAGMA application_id = ${STATE_MARK}`);
    if (state.mode === 'simulated') {
      new SimulatedClock(database, state.startsAt);
      new SeededIds(database, state.seed ?? 'proviso');
    }
    database.close();
    const aws = openAwsDatabase(paths.aws);
    aws.exec(`PRAGMA application_id = ${STATE_MARK}`);
    seedFromSnapshot(aws, state.snapshot);
    embeddedSchedules(aws).createRate('sweeper', 'sweep', SWEEP_EVERY_MS, state.startsAt);
    aws.close();
    // There from the start: a record that is missing later was lost, not never begun.
    writeFileSync(paths.events, '', { mode: 0o600 });
    // Content while a lease is on, task tokens, names of people: for their owner alone, also once copied elsewhere.
    for (const file of [paths.state, paths.aws, paths.people]) chmodSync(file, 0o600);
  });
}

export interface OpenState {
  readonly directory: string;
  readonly mode: StateMode;
  readonly clock: Clock;
  /** Only in a simulated state. */
  readonly simulatedClock?: SimulatedClock;
  readonly services: Services;
  readonly runtime: WorkflowRuntime;
  readonly world: World;
  readonly events: EventFile;
  /** The record of events is damaged or lost. What ends goes on ending, and is recorded in a file beside it. */
  readonly recordFault?: StateProblem;
  readonly aws: EmbeddedAws;
  close(): void;
}

/** The embedded AWS with what only a simulation may do to it. */
export interface EmbeddedAws {
  readonly database: DatabaseSync;
  readonly settings: ReturnType<typeof embeddedSettings>;
  readonly retention: ReturnType<typeof embeddedRetention>;
  readonly storage: ReturnType<typeof embeddedStorage>;
  readonly schedules: ReturnType<typeof embeddedSchedules>;
  readonly eventRules: ReturnType<typeof embeddedEventRules>;
  readonly config: ReturnType<typeof embeddedConfig>;
  readonly evidence: ReturnType<typeof embeddedEvidence>;
  readonly stacks: EmbeddedStacks;
}

/**
 * Opens a state directory for one writer. Nothing is fired here: `world.pump()` does what is due.
 *
 * @param together - how many branches of workflows are worked on at the same time; above 1 their commits and events share syncs
 */
export function openState(
  directory: string,
  faults?: FaultHook,
  together = 1,
): Result<OpenState, StateProblem> {
  const description = readStateDescription(directory);
  if (!description.ok) return description;
  const { mode } = description.value;
  const paths = statePaths(directory);
  const locked = openLocked(paths.state);
  if (!locked.ok) return locked;
  const database = locked.value;
  const simulatedClock = mode === 'simulated' ? new SimulatedClock(database, 0 as EpochMs) : undefined;
  const clock: Clock = simulatedClock ?? systemClock;
  const opened = openEmbeddedAws(paths.aws);
  if (!opened.ok) {
    database.close();
    return opened;
  }
  const { events, fault: recordFault } = openRecord(paths.events, clock, together > 1);
  const ids = mode === 'simulated' ? new SeededIds(database, '') : randomIds;

  const awsDatabase = opened.value;
  const schedules = embeddedSchedules(awsDatabase);
  const eventRules = embeddedEventRules(awsDatabase, clock, ids, schedules);
  const config = embeddedConfig(awsDatabase, schedules);
  const trail = embeddedTrail(awsDatabase, clock);
  const called: typeof eventRules.called = (pair, eventSource, eventName, by) => {
    trail.called(pair, eventName, by);
    eventRules.called(pair, eventSource, eventName, by);
  };
  const settings = embeddedSettings(awsDatabase, clock, called);
  const retention = embeddedRetention(awsDatabase, clock, called);
  const storage = embeddedStorage(awsDatabase, clock, ids);
  const evidence = embeddedEvidence(awsDatabase, clock, settings);
  const inspection = embeddedInspection(awsDatabase, clock, evidence);
  const { store, recorder } = correlating({
    store: sqliteRecordStore(
      database,
      (operation, act) => withFaults(awsDatabase, operation, {}, act),
      together > 1,
    ),
    recorder: events,
  });

  const archive = textFiles(paths.archive);
  const readPeople = peopleReader(paths.people);
  let readLast: readonly Person[] | undefined;
  const people = async (): Promise<readonly Person[]> => {
    const stale = (): readonly Person[] => readLast ?? readPeople();
    readLast = withFaults(awsDatabase, 'identitystore:ListUsers', {}, readPeople, undefined, stale);
    return readLast;
  };
  const signer = fileSigner(paths.signingKey);
  const certificates = certificateFiles(paths.certificates, together > 1);
  const notifier = notificationFile(paths.notifications);
  const invoke = (name: string, event: unknown): Promise<unknown> => {
    if (!Object.hasOwn(HANDLERS, name)) throw new Error(`there is no function \`${name}\``);
    return HANDLERS[name as FunctionName](event, services);
  };
  /** The schedule of a Config rule knows a place and a time; the function gets what Config would send. */
  const invokeFromAws = (name: string, event: unknown): Promise<unknown> =>
    invoke(
      name,
      name === 'configSettings'
        ? scheduledConfigEvent(event as Parameters<typeof scheduledConfigEvent>[0])
        : event,
    );
  const runtime = new WorkflowRuntime({
    database,
    machines: loadMachines(),
    handlers: (name) => (Object.hasOwn(HANDLERS, name) ? (event) => invoke(name, event) : undefined),
    clock,
    ids,
    together,
    ...(faults === undefined ? {} : { faults }),
  });
  const services: Services = {
    clock,
    ids,
    recorder: notifyingRecorder(recorder, () => services),
    history: eventHistory(events),
    store,
    directory: { people },
    policyInForce: policyInForceOf(store),
    organizationView: {
      organization: async () =>
        withFaults(
          awsDatabase,
          'organizations:DescribeOrganization',
          {},
          () => embeddedOrganization(awsDatabase),
          undefined,
          () => formerOrganization(awsDatabase),
        ),
    },
    settings,
    retention,
    destinations: storage,
    drainage: storage,
    metadata: metadataTexts(archive),
    inspection,
    identities: evidence,
    reports: config,
    secondLever: inspection,
    vaultCopies: storage,
    trail,
    evidence,
    archive,
    schedules,
    executions: withDestinations(executionsOf(runtime, awsDatabase), store, inspection, schedules, clock),
    signer: { sign: (bytes) => underFaults(awsDatabase, 'kms:Sign', () => signer.sign(bytes)) },
    certificates: {
      ...certificates,
      save: (id, certificate) =>
        underFaults(awsDatabase, 's3:PutObject', () => certificates.save(id, certificate)),
    },
    notifier: {
      notify: (told) => underFaults(awsDatabase, 'events:PutEvents', () => notifier.notify(told)),
    },
  };
  return ok({
    directory,
    mode,
    clock,
    ...(recordFault === undefined ? {} : { recordFault }),
    ...(simulatedClock === undefined ? {} : { simulatedClock }),
    services,
    runtime,
    world: new World({ clock, runtime, schedules, settings, invoke: invokeFromAws }),
    events,
    aws: {
      database: awsDatabase,
      settings,
      retention,
      storage,
      schedules,
      eventRules,
      evidence,
      stacks: inspection,
      config,
    },
    close() {
      events.close();
      awsDatabase.close();
      database.close();
    },
  });
}

/** SQLite's own exclusive lock is the writer's lock: it goes with the process, however that dies. */
function openLocked(file: string): Result<DatabaseSync, StateProblem> {
  return openDatabase(file, () => {
    const database = new DatabaseSync(file);
    try {
      database.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;',
      );
      // 32 MiB of pages, and 16 MiB of log before it is copied: what many executions at once write between two commits.
      database.exec('PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4096;');
      database.exec('BEGIN IMMEDIATE; COMMIT');
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

const openEmbeddedAws = (file: string): Result<DatabaseSync, StateProblem> =>
  openDatabase(file, () => openAwsDatabase(file));

/** A database that is missing or empty was lost: opening a fresh one in its place would make a live lease vanish. */
function openDatabase(file: string, open: () => DatabaseSync): Result<DatabaseSync, StateProblem> {
  const remedy = 'restore the whole state directory from a backup';
  if (!existsSync(file)) return err({ code: 'damaged', message: `\`${file}\` is missing`, remedy });
  let database: DatabaseSync;
  try {
    database = open();
    if (markOf(database) === STATE_MARK) return ok(database);
    database.close();
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown';
    if (/locked|busy/i.test(why))
      return err({
        code: 'busy',
        message: `another process is using \`${file}\``,
        remedy: 'wait for it to finish, then try again',
      });
    return err({ code: 'damaged', message: `\`${file}\` cannot be opened (${why})`, remedy });
  }
  return err({ code: 'damaged', message: `\`${file}\` has lost what it held`, remedy });
}

const markOf = (database: DatabaseSync): unknown =>
  database.prepare('PRAGMA application_id').get()?.['application_id'];

/**
 * A damaged or lost record must not keep content storage on (OFF_NEEDS_NOTHING): what happens from now on goes to a file beside it,
 * and every command says so.
 */
function openRecord(
  file: string,
  clock: Clock,
  isGathered: boolean,
): { events: EventFile; fault?: StateProblem } {
  const beside = `${file.replace(/\.ndjson$/, '')}.after-damage.ndjson`;
  const remedy = `restore it from a backup; what happened since is in \`${beside}\``;
  if (!existsSync(file))
    return {
      events: openEventFile(beside, clock, isGathered),
      fault: { code: 'damaged', message: `the record \`${file}\` is missing`, remedy },
    };
  try {
    return { events: openEventFile(file, clock, isGathered) };
  } catch (error) {
    const why = error instanceof Error ? error.message : `\`${file}\` cannot be read`;
    return {
      events: openEventFile(beside, clock, isGathered),
      fault: { code: 'damaged', message: why, remedy },
    };
  }
}

let machines: ReadonlyMap<string, StateMachine> | undefined;

/** The workflows that come with this version; read once per process. */
export function loadMachines(): ReadonlyMap<string, StateMachine> {
  machines ??= new Map(
    Object.entries(MACHINES).map(([name, file]) => {
      const path = join(WORKFLOWS, `${file}.asl.yml`);
      const machine = parseStateMachine(readFileSync(path, 'utf8'), path);
      if (!machine.ok) throw new Error(machine.error.map(formatProblem).join('\n'));
      return [name, machine.value];
    }),
  );
  return machines;
}

/** On AWS a person deploys the destination's template for a request that was admitted; the embedded AWS plays that part too. */
function withDestinations(
  executions: Executions,
  store: RecordStore,
  stacks: EmbeddedStacks,
  schedules: EmbeddedSchedules,
  clock: Clock,
): Executions {
  return {
    ...executions,
    async start(machine, name, input) {
      const id = (input as { readonly exceptionId?: string } | null)?.exceptionId;
      const record =
        machine === 'exception' && id !== undefined && isExceptionId(id)
          ? await readException(store, id)
          : undefined;
      if (record !== undefined) {
        for (const place of placesOf(record.value.request))
          stacks.deployDestination({ ...record.value.request, ...place });
        // On AWS it is always there; here every instant at which something is due costs time.
        if (isFiltered(record.value.request))
          schedules.createRate('drain', 'drainContent', DRAIN_EVERY_MS, clock.now(), {
            everyException: true,
          });
      }
      return executions.start(machine, name, input);
    },
  };
}

function executionsOf(runtime: WorkflowRuntime, database: DatabaseSync): Executions {
  return {
    async start(machine, name, input) {
      const started = await underFaults(database, 'states:StartExecution', () =>
        runtime.start({ machine, name, input }),
      );
      if (started.status === 'refused') throw new Error(started.message);
      return started.status === 'started' && !started.repeated ? 'started' : 'already-exists';
    },
    status: (machine, name): Promise<ExecutionStatus | undefined> => runtime.status(machine, name),
    async wake(taskToken) {
      const sent = await underFaults(database, 'states:SendTaskSuccess', () =>
        runtime.sendTaskSuccess(taskToken, {}),
      );
      return sent.ok ? 'woken' : 'gone';
    },
  };
}

/** The people file of a state was changed into something that cannot be read: nobody can act until it is mended. */
export class MalformedPeople extends Error {
  readonly file: string;
  readonly problems: readonly Problem[];
  constructor(file: string, problems: readonly Problem[]) {
    super(
      problems.length === 0
        ? `the people file \`${file}\` is missing`
        : `the people file \`${file}\` cannot be read`,
    );
    this.name = 'MalformedPeople';
    this.file = file;
    this.problems = problems;
  }
}

/** By their text, whichever state they are of: a process may open one directory after another. */
let knownPeople: { readonly text: string; readonly people: readonly Person[] } | undefined;

/** Reads the people file anew each time, and parses it when it changed. */
function peopleReader(file: string) {
  return (): readonly Person[] => {
    if (!existsSync(file)) throw new MalformedPeople(file, []);
    const text = readFileSync(file, 'utf8');
    if (knownPeople?.text === text) return knownPeople.people;
    const people = parsePeople(text, file);
    if (!people.ok) throw new MalformedPeople(file, people.error);
    knownPeople = { text, people: people.value };
    return people.value;
  };
}
