import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe } from 'vitest';
import {
  embeddedRetention,
  embeddedSchedules,
  embeddedSettings,
  embeddedStorage,
  openAwsDatabase,
} from '../../src/adapters/embedded/aws/index.ts';
import { certificateFiles } from '../../src/adapters/embedded/certificate-files.ts';
import { eventHistory, openEventFile } from '../../src/adapters/embedded/event-file.ts';
import { sqliteRecordStore } from '../../src/adapters/embedded/record-store.ts';
import { fileSigner } from '../../src/adapters/embedded/signing-key.ts';
import { accountId, epochMs, region } from '../../src/core/index.ts';
import { parsePeople, type SignedCertificate } from '../../src/exceptions/index.ts';
import { randomIds } from '../../src/runtime/index.ts';
import { Simulation } from '../simulation/harness.ts';
import { certificatesContract } from './certificate-store.ts';
import { retentionContract } from './data-retention.ts';
import { destinationsContract } from './destinations.ts';
import { directoryContract, PEOPLE } from './directory.ts';
import { drainageContract } from './drainage.ts';
import { executionsContract } from './executions.ts';
import { historyContract } from './history.ts';
import { idempotencyContract } from './idempotency.ts';
import { settingsContract } from './prompt-storage-settings.ts';
import { recordStoreContract } from './record-store.ts';
import { recorderContract } from './recorder.ts';
import { schedulesContract } from './schedules.ts';
import { signerContract } from './signer.ts';
import { vaultCopiesContract } from './vault-copies.ts';

/* The contracts of the ports, on what runs on one machine; test/aws/contracts.test.ts runs the same on AWS's. */

const directory = mkdtempSync(join(tmpdir(), 'proviso-contracts-'));
const cleanups: (() => void)[] = [];
afterAll(() => {
  for (const cleanup of cleanups) cleanup();
  rmSync(directory, { recursive: true, force: true });
});
let files = 0;
const fresh = (name: string) => join(directory, `${++files}-${name}`);

const clock = { now: () => epochMs(Date.parse('2026-11-21T09:00:00Z')) };
const ACCOUNT = accountId('222222222222');
const pair = { accountId: ACCOUNT, region: region('us-east-1') };
const elsewhere = { accountId: ACCOUNT, region: region('eu-central-1') };
const KEY = 'arn:aws:kms:us-east-1:222222222222:key/0f0f0f0f-1111-2222-3333-444444444444';

const aws = () => openAwsDatabase(':memory:');

describe('the record store on SQLite', () => {
  recordStoreContract(async () => sqliteRecordStore(new DatabaseSync(':memory:')));
});

describe('idempotency keys on SQLite', () => {
  idempotencyContract(async () => sqliteRecordStore(new DatabaseSync(':memory:')));
});

describe('the history of the event file', () => {
  historyContract(async () => {
    const events = openEventFile(fresh('history.ndjson'), clock);
    cleanups.push(() => events.close());
    return { recorder: events, history: eventHistory(events) };
  });
});

describe('the event file', () => {
  recorderContract(async () => {
    const file = fresh('events.ndjson');
    let open: ReturnType<typeof openEventFile> | undefined;
    return {
      async open() {
        open?.close();
        open = openEventFile(file, clock);
        return open;
      },
      events: async () => open?.events() ?? [],
    };
  });
});

describe('the embedded data-retention mode', () => {
  retentionContract(async () => {
    const retention = embeddedRetention(aws(), clock);
    retention.setModeBySomebodyElse(elsewhere, 'default');
    return { retention, pairs: [pair, elsewhere] };
  });
});

describe('the embedded settings', () => {
  settingsContract(async () => {
    const database = aws();
    const storage = embeddedStorage(database, clock, randomIds);
    storage.createBucket(pair, 'here', { isVersioned: false, hasObjectLock: false });
    storage.createBucket(elsewhere, 'there', { isVersioned: false, hasObjectLock: false });
    return {
      settings: embeddedSettings(database, clock),
      pairs: [pair, elsewhere],
      buckets: ['here', 'there'],
    };
  });
});

describe('the embedded storage', () => {
  destinationsContract(async () => {
    const storage = embeddedStorage(aws(), clock, randomIds);
    storage.createBucket(pair, 'versioned', { isVersioned: true, hasObjectLock: false, kmsKeyArn: KEY });
    storage.createBucket(pair, 'plain', { isVersioned: false, hasObjectLock: false });
    return {
      destinations: storage,
      pair,
      elsewhere,
      versioned: 'versioned',
      plain: 'plain',
      kmsKeyArn: KEY,
      put: async (bucket, key, body) => storage.putObject(bucket, key, body),
      remove: async (bucket, key) => storage.deleteObject(bucket, key),
      startUpload: async (bucket, key) => storage.startUpload(bucket, key, 'part'),
    };
  });
});

describe('the embedded drainage', () => {
  drainageContract(async () => {
    const { storage, ...subject } = storageSubject();
    return { drainage: storage, ...subject };
  });
});

describe('the embedded copying into vaults', () => {
  vaultCopiesContract(async () => {
    const { storage, ...subject } = storageSubject();
    storage.createBucket(pair, 'vault', { isVersioned: false, hasObjectLock: false, kmsKeyArn: KEY });
    return {
      copies: storage,
      vault: 'vault',
      ...subject,
      now: clock.now(),
      logGroup: async (events) => {
        await storage.createLogGroup(pair, '/incidents/ex-1', KEY, 14);
        for (const { message, ...more } of events)
          storage.appendLogEvent(pair, '/incidents/ex-1', message, more);
        return '/incidents/ex-1';
      },
    };
  });
});

function storageSubject() {
  const database = aws();
  const storage = embeddedStorage(database, clock, randomIds);
  storage.createBucket(pair, 'versioned', { isVersioned: true, hasObjectLock: false, kmsKeyArn: KEY });
  storage.createBucket(pair, 'plain', { isVersioned: false, hasObjectLock: false });
  return {
    storage,
    pair,
    versioned: 'versioned',
    plain: 'plain',
    kmsKeyArn: KEY,
    put: async (bucket: string, key: string, body: string) => storage.putObject(bucket, key, body),
    read: async (bucket: string, key: string) => {
      const row = database
        .prepare('SELECT body FROM versions WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1')
        .get(bucket, key) as { body: Uint8Array } | undefined;
      if (row === undefined) throw new Error(`nothing at ${key}`);
      return Buffer.from(row.body).toString('utf8');
    },
  };
}

describe('the embedded schedules', () => {
  schedulesContract(async () => embeddedSchedules(aws()));
});

describe('the embedded runtime', () => {
  executionsContract(async () => {
    const simulation = await Simulation.create();
    cleanups.push(() => simulation.close());
    return simulation.state.services.executions;
  });
});

describe('the signing key file', () => {
  signerContract(async () => fileSigner(fresh('key.pem')));
});

describe.each([false, true])('the certificate files (gathered: %s)', (isGathered) => {
  certificatesContract(async () => {
    const folder = fresh('certificates');
    return {
      store: certificateFiles(folder, isGathered),
      read: async (exceptionId) =>
        readdirSync(folder)
          .filter((name) => name.startsWith(exceptionId))
          .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as SignedCertificate),
    };
  });
});

describe('the people file', () => {
  directoryContract(async () => {
    const text = `kind: People\nschemaVersion: 1\npeople:\n${PEOPLE.map(({ name, roles }) => `  - { id: ${name}, name: ${name}, roles: [${roles.join(', ')}] }\n`).join('')}`;
    const people = parsePeople(text, 'people.yaml');
    if (!people.ok) throw new Error('the people do not parse');
    return { directory: { people: async () => people.value } };
  });
});
