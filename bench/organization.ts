import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { SEVENTEEN_REGIONS, writeOrganization } from './estates/organization.ts';
import { type Measurement, measure, type Suite } from './measure.ts';

const ROOT = join(import.meta.dirname, '..');
const SIZES = [10, 100, 1000] as const;
const ROLES = 200;

interface Run {
  readonly seconds: number;
  readonly megabytes: number;
}

/** Runs the command line in a process of its own and asks the operating system for its time and its largest memory. */
function check(argv: readonly string[]): Promise<Run> {
  // The command's own output goes nowhere; what is measured comes out at the end on another channel.
  const program = `
    import { runProcess } from ${JSON.stringify(join(ROOT, 'src/cli/main.ts'))};
    const started = process.hrtime.bigint();
    const exitCode = await runProcess(${JSON.stringify(argv)});
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    process.send({ exitCode, seconds, megabytes: process.resourceUsage().maxRSS / 1024 });
    process.disconnect();
  `;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    let answer: (Run & { readonly exitCode: number }) | undefined;
    child.on('message', (message: Run & { exitCode: number }) => {
      answer = message;
    });
    child.on('close', () => {
      if (answer === undefined || answer.exitCode > 3) reject(new Error('the check failed'));
      else resolve(answer);
    });
  });
}

export const suite: Suite = {
  name: 'organization',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'proviso-bench-'));
    try {
      const shipped = parse(readFileSync(join(ROOT, 'policies/prompt-storage.yaml'), 'utf8'));
      shipped.storage.scope.regions = [...SEVENTEEN_REGIONS];
      const policy = join(folder, 'policy.yaml');
      writeFileSync(policy, stringify(shipped));
      const results: Measurement[] = [];
      for (const accounts of SIZES) {
        const dir = join(folder, String(accounts));
        const bytes = writeOrganization(dir, { accounts, roles: ROLES, regions: SEVENTEEN_REGIONS });
        const what = `${accounts} accounts x ${SEVENTEEN_REGIONS.length} Regions x ${ROLES} roles`;
        const runs: Run[] = [];
        const argv = ['check', '--snapshot', dir, '--policy', policy];
        results.push(
          await measure(
            `check of ${what}`,
            's',
            accounts === 1000 ? 1 : 3,
            async () => {
              runs.push(await check(argv));
              return runs.at(-1)?.seconds ?? 0;
            },
            `${Math.round(bytes / 1e6)} MB of snapshot, ${shipped.controls.length} controls, text report; how it is spread stands in bench/estates/organization.ts`,
          ),
        );
        const memory = Math.max(...runs.map(({ megabytes }) => megabytes));
        results.push(await measure(`largest memory of that process`, 'MB', 1, async () => memory, what));
        if (accounts === 1000)
          results.push(
            await measure(
              'the same with every finding as NDJSON',
              's',
              1,
              async () => (await check([...argv, '--format', 'ndjson'])).seconds,
            ),
          );
        rmSync(dir, { recursive: true });
      }
      return results;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
