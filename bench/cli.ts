import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { measure, type Suite, timed } from './measure.ts';

const ROOT = join(import.meta.dirname, '..');

const run = (...args: string[]) =>
  timed(() => {
    const ran = spawnSync(process.execPath, args, { cwd: ROOT });
    if (ran.status !== 0) throw new Error(ran.stderr.toString());
  });

export const suite: Suite = {
  name: 'cli',
  async run() {
    return [
      await measure('proviso --help', 'ms', 15, () => run('bin/proviso.js', '--help')),
      await measure('node -e 0, the baseline of the same run', 'ms', 15, () => run('-e', '0')),
    ];
  },
};
