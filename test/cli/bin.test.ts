import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { REPOSITORY } from './harness.ts';

const run = promisify(execFile);
const BIN = join(REPOSITORY, 'bin/proviso.js');

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

describe('the program as a process', () => {
  test('gives the exit code of the command', async () => {
    const child = spawn(process.execPath, [BIN, 'check'], { cwd: REPOSITORY });
    expect(await ended(child)).toMatchObject({ code: EXIT.malformed, stdout: '' });
  });

  const CHECK = `"${process.execPath}" "${BIN}" check --snapshot examples/organization --format json`;
  const shell = (script: string) => run('bash', ['-c', script], { cwd: REPOSITORY });

  test('a reader that closes early is no error, and the exit code still means what it says', async () => {
    const { stdout, stderr } = await shell(`${CHECK} | head -c 10; echo " \${PIPESTATUS[0]}"`);
    expect({ stdout, stderr }).toEqual({ stdout: `{"accounts ${EXIT.findings}\n`, stderr: '' });
  });

  test.skipIf(process.platform !== 'linux')('a full disk is a fault, since the data is lost', async () => {
    const { stdout, stderr } = await shell(`${CHECK} > /dev/full; echo $?`);
    expect(stdout).toBe(`${EXIT.fault}\n`);
    expect(stderr).toContain('could not be written: ENOSPC');
  });
});

/*
 * A copy of the bin with a Node of an older kind: the version is pretended by a preload, and beside the bin stands a package with
 * a binary of ours, as `npm ci` would have put it.
 */
describe('on an older Node', () => {
  let root = '';
  let bundled = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'proviso-bin-'));
    const name = `node-linux-${process.arch}`;
    const manifest = join(root, 'node_modules', name, 'package.json');
    bundled = join(root, 'node_modules', name, 'bin', 'node');
    await mkdir(join(root, 'bin'));
    await mkdir(join(bundled, '..'), { recursive: true });
    await mkdir(join(root, 'src/cli'), { recursive: true });
    await copyFile(BIN, join(root, 'bin/proviso.js'));
    await writeFile(join(root, 'package.json'), '{"type":"module"}');
    await writeFile(manifest, JSON.stringify({ name, version: '24.0.0' }));
    // A shell script stands for the newer Node: it runs this test's own, whose version is not pretended.
    await writeFile(bundled, `#!/bin/sh\nshift 2\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
    await writeFile(
      join(root, 'src/cli/main.ts'),
      `export async function runProcess(argv) {
         console.log(JSON.stringify(argv));
         if (argv[0] === 'wait') { setTimeout(() => {}, 60_000); await new Promise(() => {}); }
         return Number(argv[0] ?? 0);
       }`,
    );
    await writeFile(
      join(root, 'old.cjs'),
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });`,
    );
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const start = (argv: readonly string[]): ChildProcess =>
    spawn(process.execPath, ['--require', join(root, 'old.cjs'), join(root, 'bin/proviso.js'), ...argv], {
      cwd: root,
    });

  test.skipIf(process.platform !== 'linux')(
    'it restarts with the one beside it, arguments and exit code kept',
    async () => {
      expect(await ended(start(['3', 'a b', '--x']))).toMatchObject({
        code: 3,
        stdout: '["3","a b","--x"]\n',
      });
    },
  );

  test.skipIf(process.platform !== 'linux').each(['SIGTERM', 'SIGINT'] as const)(
    '%s reaches the command, and ends us as it ended it',
    async (signal) => {
      const child = start(['wait']);
      const result = ended(child);
      await once(child.stdout ?? child, 'data');
      child.kill(signal);
      expect(await result).toMatchObject({ code: null, signal });
    },
  );

  test('without one beside it, it says what to do, and is exit 4', async () => {
    await rm(join(root, 'node_modules'), { recursive: true });
    const { code, stdout, stderr } = await ended(start(['0']));
    expect({ code, stdout }).toEqual({ code: EXIT.fault, stdout: '' });
    expect(stderr).toContain('this is Node 20.20.2');
    expect(stderr).toContain('npm ci');
  });
});

describe('`proviso serve`', () => {
  let root = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'proviso-serve-'));
    const made = [
      '--mode',
      'embedded',
      '--snapshot',
      'examples/organization',
      '--people',
      'examples/people.yaml',
    ];
    await run(process.execPath, [BIN, 'state', 'init', '--state', join(root, 's'), ...made], {
      cwd: REPOSITORY,
    });
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test.each(['SIGINT', 'SIGTERM'] as const)('stopped cleanly by %s is exit 0', async (signal) => {
    const argv = ['serve', '--state', join(root, 's'), '--port', '0'];
    const child = spawn(process.execPath, [BIN, ...argv], { cwd: REPOSITORY });
    const result = ended(child);
    await once(child.stderr, 'data');
    child.kill(signal);
    const { code, stderr } = await result;
    expect({ code, stderr }).toEqual({
      code: EXIT.fine,
      stderr: expect.stringContaining('interrupt to stop'),
    });
  });
});
