import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  LONG_AFTER,
  MINUTE_MS,
  type Simulation,
  simulate,
} from '../simulation/harness.ts';
import { pack } from './pack.ts';

/*
 * node test/histories/record.ts: records state directories at several stages of an exception, and a snapshot, under the version of
 * package.json (test/histories/README.md). What is recorded once is never recorded again.
 */

const ROOT = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

/** What is played before the state is put away. */
const STAGES: Readonly<Record<string, (s: Simulation) => Promise<unknown>>> = {
  submitted: async (s) => {
    const id = await s.request();
    await s.decide(id, 'lena', 'legal');
  },
  scheduled: (s) => s.approved(),
  active: (s) => s.active(),
  ending: async (s) => {
    await s.active();
    s.fault({ operation: 'bedrock:DeleteModelInvocationLoggingConfiguration', kind: 'deny', times: 60 });
    await s.advanceTo(ENDS + 10 * MINUTE_MS);
  },
  purging: async (s) => {
    await s.active();
    await s.advanceTo(ENDS + 5 * HOUR_MS);
  },
  contested: async (s) => {
    await s.active();
    s.somebodyPuts({ textDataDeliveryEnabled: true, s3Config: { bucketName: 'somebodys-bucket' } });
    await s.advanceTo(BEGINS + 2 * DAY_MS);
  },
  closed: async (s) => {
    await s.active();
    await s.advanceTo(LONG_AFTER);
  },
};

for (const [stage, play] of Object.entries(STAGES)) {
  await simulate(async (s) => {
    await play(s);
    s.shut();
    pack(s.directory, join(import.meta.dirname, version, `${stage}.json.gz`));
    process.stdout.write(`${version}/${stage}.json.gz\n`);
  });
}
pack(join(ROOT, 'examples/organization'), join(import.meta.dirname, version, 'snapshot.json.gz'));
