import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSnapshot } from '../src/adapters/files/index.ts';
import { parsePolicy } from '../src/policy/index.ts';
import { checkSnapshot } from '../src/rules/index.ts';
import { measure, type Suite, timed } from './measure.ts';

const ROOT = join(import.meta.dirname, '..');

export const suite: Suite = {
  name: 'check',
  async run() {
    const file = join(ROOT, 'policies/prompt-storage.yaml');
    const text = readFileSync(file, 'utf8');
    const policy = parsePolicy(text, file);
    if (!policy.ok) throw new Error('the shipped policy does not parse');
    const organization = join(ROOT, 'examples/organization');
    return [
      await measure('parse and validate the shipped policy', 'ms', 15, () =>
        timed(() => parsePolicy(text, file)),
      ),
      await measure(
        'read and check the example organization',
        'ms',
        15,
        () =>
          timed(async () => {
            const snapshot = await readSnapshot(organization);
            if (!snapshot.ok) throw new Error('the example organization does not read');
            await checkSnapshot({
              snapshot: snapshot.value,
              policy: policy.value,
              now: snapshot.value.takenAt,
              coverage: () => undefined,
            });
          }),
        '12 accounts, 3 Regions, 57 principals',
      ),
    ];
  },
};
