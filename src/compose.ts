import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type FunctionName, HANDLERS } from '../handlers/index.ts';
import {
  embeddedEvidence,
  embeddedOrganization,
  embeddedSchedules,
  embeddedSettings,
  embeddedStorage,
  openAwsDatabase,
  seedFromSnapshot,
  withFaults,
} from './adapters/embedded/aws/index.ts';
import { certificateFiles } from './adapters/embedded/certificate-files.ts';
import { type EventFile, openEventFile } from './adapters/embedded/event-file.ts';
import { sqliteRecordStore } from './adapters/embedded/record-store.ts';
import { fileSigner } from './adapters/embedded/signing-key.ts';
import {
  createStateDirectory,
  readStateDescription,
  type StateMode,
  type StateProblem,
  statePaths,
} from './adapters/embedded/state-files.ts';
import { World } from './adapters/embedded/world.ts';
import { policyInForceOf } from './adapters/policy-in-force.ts';
import {
  type Clock,
  type EpochMs,
  err,
  formatInstant,
  formatProblem,
  ok,
  type Result,
} from './core/index.ts';
import type { Services } from './enforcement/index.ts';
import type { Snapshot } from './evidence/index.ts';
import { type ExecutionStatus, type Executions, parsePeople } from './exceptions/index.ts';
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
    if (state.mode === 'simulated') {
      new SimulatedClock(database, state.startsAt);
      new SeededIds(database, state.seed ?? 'proviso');
    }
    database.close();
    const aws = openAwsDatabase(paths.aws);
    seedFromSnapshot(aws, state.snapshot);
    embeddedSchedules(aws).createRate('sweeper', 'sweep', SWEEP_EVERY_MS, state.startsAt);
    aws.close();
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
  readonly aws: EmbeddedAws;
  close(): void;
}

/** The embedded AWS with what only a simulation may do to it. */
export interface EmbeddedAws {
  readonly database: DatabaseSync;
  readonly settings: ReturnType<typeof embeddedSettings>;
  readonly storage: ReturnType<typeof embeddedStorage>;
  readonly schedules: ReturnType<typeof embeddedSchedules>;
  readonly evidence: ReturnType<typeof embeddedEvidence>;
}

/** Opens a state directory for one writer. Nothing is fired here: `world.pump()` does what is due. */
export function openState(directory: string, faults?: FaultHook): Result<OpenState, StateProblem> {
  const description = readStateDescription(directory);
  if (!description.ok) return description;
  const { mode } = description.value;
  const paths = statePaths(directory);
  const locked = openLocked(paths.state);
  if (!locked.ok) return locked;
  const database = locked.value;
  const simulatedClock = mode === 'simulated' ? new SimulatedClock(database, 0 as EpochMs) : undefined;
  const clock: Clock = simulatedClock ?? systemClock;
  const recorded = openRecord(paths.events, clock);
  if (!recorded.ok) {
    database.close();
    return recorded;
  }
  const events = recorded.value;
  const ids = mode === 'simulated' ? new SeededIds(database, '') : randomIds;

  const awsDatabase = openAwsDatabase(paths.aws);
  const settings = embeddedSettings(awsDatabase, clock);
  const storage = embeddedStorage(awsDatabase, clock, ids);
  const schedules = embeddedSchedules(awsDatabase);
  const store = sqliteRecordStore(database, (operation, act) => withFaults(awsDatabase, operation, {}, act));

  const machines = loadMachines();
  const invoke = (name: string, event: unknown): Promise<unknown> => {
    if (!Object.hasOwn(HANDLERS, name)) throw new Error(`there is no function \`${name}\``);
    return HANDLERS[name as FunctionName](event, services);
  };
  const runtime = new WorkflowRuntime({
    database,
    machines,
    handlers: (name) => (Object.hasOwn(HANDLERS, name) ? (event) => invoke(name, event) : undefined),
    clock,
    ids,
    ...(faults === undefined ? {} : { faults }),
  });
  const services: Services = {
    clock,
    ids,
    recorder: events,
    store,
    directory: { people: async () => readPeople(paths.people) },
    policyInForce: policyInForceOf(store),
    organizationView: { organization: async () => embeddedOrganization(awsDatabase) },
    settings,
    destinations: storage,
    schedules,
    executions: executionsOf(runtime),
    signer: fileSigner(paths.signingKey),
    certificates: certificateFiles(paths.certificates),
  };
  return ok({
    directory,
    mode,
    clock,
    ...(simulatedClock === undefined ? {} : { simulatedClock }),
    services,
    runtime,
    world: new World({ clock, runtime, schedules, settings, invoke }),
    events,
    aws: {
      database: awsDatabase,
      settings,
      storage,
      schedules,
      evidence: embeddedEvidence(awsDatabase, clock, settings),
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
  const database = new DatabaseSync(file);
  try {
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;',
    );
    database.exec('BEGIN IMMEDIATE; COMMIT');
    return ok(database);
  } catch (error) {
    database.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) {
      return err({
        code: 'busy',
        message: `another process is using \`${file}\``,
        remedy: 'wait for it to finish, then try again',
      });
    }
    return err({
      code: 'damaged',
      message: `\`${file}\` cannot be opened (${error instanceof Error ? error.message : 'unknown'})`,
      remedy: 'restore it from a backup',
    });
  }
}

/** A damaged record stops everything: what happened can no longer be told, and going on would write after the damage. */
function openRecord(file: string, clock: Clock): Result<EventFile, StateProblem> {
  try {
    return ok(openEventFile(file, clock));
  } catch (error) {
    return err({
      code: 'damaged',
      message: error instanceof Error ? error.message : `\`${file}\` cannot be read`,
      remedy: 'restore the file from a backup',
    });
  }
}

export function loadMachines(): ReadonlyMap<string, StateMachine> {
  return new Map(
    Object.entries(MACHINES).map(([name, file]) => {
      const path = join(WORKFLOWS, `${file}.asl.yml`);
      const machine = parseStateMachine(readFileSync(path, 'utf8'), path);
      if (!machine.ok) throw new Error(machine.error.map(formatProblem).join('\n'));
      return [name, machine.value];
    }),
  );
}

function executionsOf(runtime: WorkflowRuntime): Executions {
  return {
    async start(machine, name, input) {
      const started = await runtime.start({ machine, name, input });
      if (started.status === 'refused') throw new Error(started.message);
      return started.status === 'started' && !started.repeated ? 'started' : 'already-exists';
    },
    async status(machine, name): Promise<ExecutionStatus | undefined> {
      return (await runtime.describe(machine, name))?.status;
    },
    async wake(taskToken) {
      return (await runtime.sendTaskSuccess(taskToken, {})).ok ? 'woken' : 'gone';
    },
  };
}

function readPeople(file: string) {
  const people = parsePeople(readFileSync(file, 'utf8'), file);
  if (!people.ok) throw new Error(people.error.map(formatProblem).join('\n'));
  return people.value;
}
