import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { progressReporter } from '../../src/cli/progress.ts';
import { epochMs } from '../../src/core/index.ts';
import { REPOSITORY, run, testContext } from './harness.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const PEOPLE = `kind: People
schemaVersion: 1
people:
  - id: anna
    name: Anna
    roles: [security]
`;

async function workspace(): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), 'proviso-test-'));
  folders.push(cwd);
  await writeFile(join(cwd, 'people.yaml'), PEOPLE);
  return cwd;
}

const policy = ['--policy', join(REPOSITORY, 'policies')] as const;
const example = join(REPOSITORY, 'examples/organization');

async function withState(): Promise<string> {
  const cwd = await workspace();
  const { exitCode, stderr } = await run(
    ['state', 'init', '--mode', 'simulated', '--snapshot', example, '--people', 'people.yaml'],
    { cwd },
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: EXIT.fine, stderr: '' });
  return cwd;
}

describe('collecting from the embedded AWS of a state', () => {
  test('gives a snapshot that is judged as the one the state started from', async () => {
    const cwd = await withState();
    const collected = await run(['collect', '--state', '.proviso', '--out', 'snapshot', ...policy], { cwd });
    expect(collected.stdout).toMatch(
      /^snapshot: 12 accounts, 3 Regions and 14 more that accounts can use, 64 files\n$/,
    );
    // The example has an account that could not be read.
    expect(collected.exitCode).toBe(EXIT.undecided);
    expect(collected.stderr).toContain('131313131313');
    // Asked of a state and not of a snapshot: reviews and exceptions are on record there alone.
    const ofRecords = ['CP-18', 'CP-19', 'PT-6'];
    const judge = async (...from: readonly string[]) => {
      const ran = await run(['check', ...from, ...policy, '--format', 'json'], { cwd });
      const { byControl } = JSON.parse(ran.stdout) as { byControl: readonly { controlId: string }[] };
      expect(byControl.length).toBeGreaterThan(5);
      return byControl.filter(({ controlId }) => !ofRecords.includes(controlId));
    };
    expect(await judge('--snapshot', 'snapshot')).toEqual(await judge('--snapshot', example));
    expect(await judge('--state', '.proviso')).toEqual(await judge('--snapshot', example));
    expect(JSON.parse(await readFile(join(cwd, 'snapshot/leases.json'), 'utf8'))).toEqual({
      schemaVersion: 1,
      rows: [],
    });
  });

  test('asks each account where it can use Bedrock too, and says of which accounts that is not known', async () => {
    const cwd = await workspace();
    const estate = join(cwd, 'estate');
    await cp(example, estate, { recursive: true });
    const at = { at: '2026-11-20T08:00:00Z', source: { call: 'account:ListRegions' } };
    const list = async (id: string, regions: unknown) => {
      const file = join(estate, 'accounts', id, 'account.json');
      const json = JSON.parse(await readFile(file, 'utf8')) as { sections?: object };
      await writeFile(file, JSON.stringify({ ...json, sections: { ...json.sections, regions } }));
    };
    const usable = ['us-east-1', 'ap-south-1'].map((region) => ({ region, optStatus: 'ENABLED_BY_DEFAULT' }));
    await list('444444444444', { kind: 'observed', value: usable, ...at });
    await list('555555555555', { kind: 'unobservable', reason: 'access-denied', source: at.source });
    const init = ['state', 'init', '--mode', 'simulated', '--snapshot', estate, '--people', 'people.yaml'];
    expect(await run(init, { cwd })).toMatchObject({ exitCode: EXIT.fine });
    const ran = await run(['collect', '--state', '.proviso', '--out', 'snapshot', ...policy], { cwd });
    expect(ran.stdout).toBe('snapshot: 12 accounts, 3 Regions and 14 more that accounts can use, 65 files\n');
    expect(ran.stderr.replace(/\s+/g, ' ')).toMatch(
      /regions; the role is not allowed account:ListRegions: [0-9, ]*555555555555[^;]*; which other Regions these accounts can use is not known, and none was asked/,
    );
    const { stdout } = await run(['check', '--snapshot', 'snapshot', ...policy, '--format', 'json'], { cwd });
    const { findings } = JSON.parse(stdout) as {
      findings: readonly { controlId: string; subject: Record<string, string>; outcome: string }[];
    };
    const outcomes = findings.flatMap(({ controlId, subject, outcome }) =>
      (controlId === 'CP-01' && subject['region'] === 'ap-south-1') ||
      (controlId === 'CP-22' && ['444444444444', '555555555555'].includes(subject['accountId'] ?? ''))
        ? [`${controlId} ${subject['accountId']} ${outcome}`]
        : [],
    );
    expect(outcomes).toEqual([
      // The example itself shows this account in ap-south-1.
      'CP-01 222222222222 compliant',
      'CP-01 444444444444 compliant',
      'CP-22 444444444444 compliant',
      'CP-22 555555555555 indeterminate',
    ]);
  });

  test('asks only the Regions that are named', async () => {
    const cwd = await withState();
    const { stdout } = await run(
      ['collect', '--state', '.proviso', '--out', 'snapshot', '--region', 'eu-west-1', '--format', 'json'],
      { cwd },
    );
    expect(JSON.parse(stdout)).toMatchObject({ accounts: 12, regions: ['eu-west-1'] });
    expect(await readdir(join(cwd, 'snapshot/accounts/444444444444'))).toEqual([
      'account.json',
      'eu-west-1.json',
    ]);
  });

  test('overwrites nothing that is not a snapshot', async () => {
    const cwd = await withState();
    const { exitCode, stderr } = await run(['collect', '--state', '.proviso', '--out', '.', ...policy], {
      cwd,
    });
    expect(exitCode).toBe(EXIT.malformed);
    expect(stderr).toContain('is not overwritten');
    expect(await readFile(join(cwd, 'people.yaml'), 'utf8')).toBe(PEOPLE);
  });

  test('stopped half-way, it keeps the accounts that are whole, and goes on without reading them again', async () => {
    const cwd = await withState();
    const argv = ['collect', '--state', '.proviso', '--out', 'snapshot', ...policy];
    const interrupt = new AbortController();
    let isFirst = true;
    const stopped = await run(argv, {
      cwd,
      signal: interrupt.signal,
      isErrorTerminal: true,
      // The first sign of progress is the first account on disk.
      stderr: {
        write: () => {
          if (isFirst) interrupt.abort();
          isFirst = false;
        },
      },
    });
    expect(stopped.exitCode).toBe(EXIT.fault);
    const kept = (await readdir(join(cwd, 'snapshot.partial/accounts'))).filter(
      (name) => !name.startsWith('.'),
    );
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(12);
    // One account shows that it can use 17 Regions.
    for (const name of kept)
      expect(await readdir(join(cwd, 'snapshot.partial/accounts', name))).toHaveLength(
        name === '222222222222' ? 18 : 4,
      );

    // Half a snapshot is not judged, and not begun anew by mistake.
    const judged = await run(['check', '--snapshot', 'snapshot.partial', ...policy], { cwd });
    expect(judged).toMatchObject({ exitCode: EXIT.malformed, stdout: '' });
    expect(judged.stderr).toContain('[incomplete]');
    expect(await run(argv, { cwd })).toMatchObject({ exitCode: EXIT.malformed });

    // Marked, so that reading an account again would show.
    const marked = join(cwd, 'snapshot.partial/accounts', kept[0] ?? '', 'account.json');
    const text = (await readFile(marked, 'utf8')).replace('GetAccountAuthorizationDetails', 'KeptFromBefore');
    await writeFile(marked, text);
    const resumed = await run([...argv, '--resume'], { cwd });
    expect(resumed.stdout).toMatch(
      /^snapshot: 12 accounts, 3 Regions and 14 more that accounts can use, 64 files\n$/,
    );
    expect(await readFile(join(cwd, 'snapshot/accounts', kept[0] ?? '', 'account.json'), 'utf8')).toBe(text);
    expect(await readdir(cwd)).not.toContain('snapshot.partial');
    const whole = await run(['collect', '--state', '.proviso', '--out', 'other', ...policy], { cwd });
    expect(whole.exitCode).toBe(EXIT.undecided);
    const judge = async (dir: string) =>
      (await run(['check', '--snapshot', dir, ...policy, '--format', 'csv'], { cwd })).stdout.replaceAll(
        'KeptFromBefore',
        'GetAccountAuthorizationDetails',
      );
    expect(await judge('snapshot')).toBe(await judge('other'));
  });

  test('there must be something to go on with, and it must have asked the same Regions', async () => {
    const cwd = await withState();
    const argv = ['collect', '--state', '.proviso', '--out', 'snapshot', ...policy];
    const { exitCode, stderr } = await run([...argv, '--resume'], { cwd });
    expect(exitCode).toBe(EXIT.malformed);
    expect(stderr).toContain('no collection to go on with');
    const interrupt = new AbortController();
    const stop = {
      cwd,
      signal: interrupt.signal,
      isErrorTerminal: true,
      stderr: { write: () => interrupt.abort() },
    };
    await run(argv, stop);
    const other = await run([...argv, '--resume', '--region', 'eu-west-1'], { cwd });
    expect(other.exitCode).toBe(EXIT.malformed);
    expect(other.stderr).toContain('other Regions');
  });

  test('says by account which call was refused', async () => {
    const cwd = await withState();
    const argv = ['collect', '--state', '.proviso', '--out', 'snapshot', ...policy];
    const { stderr } = await run(argv, { cwd });
    expect(stderr).toContain('not seen (access-denied)');
    const json = JSON.parse((await run([...argv, '--format', 'json'], { cwd })).stdout);
    expect(json.unobserved).toContainEqual(
      expect.objectContaining({
        accountId: '131313131313',
        reason: 'access-denied',
        action: expect.stringMatching(/^(iam|sts):/),
      }),
    );
  });

  test('a directory that is no state is refused', async () => {
    const cwd = await workspace();
    const { exitCode } = await run(['collect', '--state', 'nosuch', '--out', 'snapshot', ...policy], { cwd });
    expect(exitCode).toBe(EXIT.malformed);
    expect(await readdir(cwd)).toEqual(['people.yaml']);
  });
});

describe('progress', () => {
  const shown = (isErrorTerminal: boolean): string => {
    let text = '';
    let now = 0;
    const progress = progressReporter(
      testContext({
        isErrorTerminal,
        stderr: {
          write: (piece) => {
            text += piece;
          },
        },
        clock: { now: () => epochMs(now) },
      }),
    );
    for (let done = 1; done <= 100; done++) {
      now += 100;
      progress.show(done, 100);
    }
    progress.end();
    return text;
  };

  test('is a line now and then where stderr is no terminal, the last one always, with the rate', () => {
    expect(shown(false).split('\n')).toEqual([
      'read 1 of 100, 10.0 a second, about 10 s left',
      'read 51 of 100, 10.0 a second, about 5 s left',
      'read 100 of 100, 10.0 a second',
      '',
    ]);
  });

  test('is one line drawn again on a terminal', () => {
    expect(shown(true)).toMatch(/^\rread 1 of 100.*\rread 100 of 100, 10\.0 a second\u001b\[K\n$/s);
  });
});
