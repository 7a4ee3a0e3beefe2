import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandRow } from '../../src/cli/command-table.ts';
import type { CommandContext } from '../../src/cli/context.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { CliFailure } from '../../src/cli/failure.ts';
import { runCli } from '../../src/cli/program.ts';
import { displayWidth } from '../../src/cli/terminal/index.ts';
import { run, testContext } from './harness.ts';

interface ErrorJson {
  readonly schemaVersion: number;
  readonly error: {
    readonly code?: string;
    readonly exitCode: number;
    readonly message: string;
    readonly remedy?: string;
    readonly problems: readonly Record<string, unknown>[];
    readonly details?: readonly string[];
  };
}

const errorOf = (stdout: string): ErrorJson['error'] => {
  expect(stdout.trimEnd()).not.toContain('\n');
  const { schemaVersion, error } = JSON.parse(stdout) as ErrorJson;
  expect(schemaVersion).toBe(1);
  return error;
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'proviso-json-failure-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('with --format json a failure is one JSON object, beside the words on stderr:', () => {
  test.each<readonly [string, readonly string[], string]>([
    ['an option that does not exist', ['check', '--nosuch', '--format', 'json'], 'unknown option `--nosuch`'],
    ['spelled with `=`', ['check', '--format=json', '--nosuch'], 'unknown option `--nosuch`'],
    ['a missing argument', ['finding', 'explain', '--format', 'json'], 'the argument `id` is missing'],
    ['nothing to judge', ['check', '--format', 'json'], 'no snapshot was given'],
    [
      'a state that is not there',
      ['exception', 'list', '--format', 'json', '--state', '/nowhere'],
      '/nowhere',
    ],
  ])('%s', async (_name, argv, says) => {
    const { exitCode, stdout, stderr } = await run(argv);
    const error = errorOf(stdout);
    expect(exitCode).toBe(EXIT.malformed);
    expect(error).toMatchObject({ exitCode: EXIT.malformed, problems: [] });
    expect(error.message).toContain(says);
    expect(error.remedy).toBeTruthy();
    expect(stderr).toContain('proviso: ');
  });

  test('the faults of a document come with their places', async () => {
    const file = join(folder, 'broken.yaml');
    await writeFile(file, 'a: 1\na: 2\n');
    const { stdout } = await run([
      'check',
      '--snapshot',
      'examples/organization',
      '--policy',
      file,
      '--format',
      'json',
    ]);
    expect(errorOf(stdout).problems).toEqual([
      {
        file,
        line: 2,
        column: 1,
        path: 'a',
        code: 'duplicate-key',
        message: '`a` stands twice in the same mapping',
        remedy: 'keep one of the two',
      },
    ]);
  });

  test('faults without a line are told as text', async () => {
    const { stdout } = await run(['check', '--snapshot', folder, '--format', 'json']);
    expect(errorOf(stdout).details?.join()).toContain('organization.json');
  });

  const acting = async (
    act: (context: CommandContext) => void,
    argv: readonly string[] = ['--format', 'json'],
  ) => {
    const rows: readonly CommandRow[] = [
      {
        path: ['act'],
        summary: 'acts',
        load: async () => ({
          register: (program, context) => {
            program
              .command('act')
              .option('--format <format>')
              .action(() => act(context));
          },
        }),
      },
    ];
    const written: string[] = [];
    const context = testContext({ stdout: { write: (text) => void written.push(text) } });
    const exitCode = await runCli(['act', ...argv], context, rows);
    return { exitCode, stdout: written.join('') };
  };

  test.each([EXIT.findings, EXIT.malformed, EXIT.undecided, EXIT.fault])('exit code %i', async (code) => {
    const { exitCode, stdout } = await acting(() => {
      throw new CliFailure(code, 'it did not work', { remedy: 'do that' });
    });
    expect(exitCode).toBe(code);
    expect(errorOf(stdout)).toEqual({
      exitCode: code,
      message: 'it did not work',
      remedy: 'do that',
      problems: [],
    });
  });

  test('a bug', async () => {
    const { exitCode, stdout } = await acting(() => {
      throw new TypeError('x is undefined');
    });
    expect(exitCode).toBe(EXIT.fault);
    expect(errorOf(stdout).message).toContain('x is undefined');
  });

  test('a refusal that was told to people only, with its code', async () => {
    const { stdout } = await acting((context) => {
      context.stderr.write('refused: one person\n  counts once\n  [SAME_PERSON]\n');
      context.exitCode = EXIT.findings;
    });
    expect(errorOf(stdout)).toEqual({
      code: 'SAME_PERSON',
      exitCode: EXIT.findings,
      message: 'refused: one person counts once',
      problems: [],
    });
  });

  test('what a command has printed itself stands alone', async () => {
    const { stdout } = await acting((context) => {
      context.stdout.write('{"own":true}\n');
      throw new CliFailure(EXIT.findings, 'and then it failed');
    });
    expect(stdout).toBe('{"own":true}\n');
  });

  test('findings in a report that went to a file are no failure', async () => {
    const { exitCode, stdout } = await acting((context) => {
      context.stderr.write('the report is in r.json\n');
      context.exitCode = EXIT.findings;
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: EXIT.findings, stdout: '' });
  });

  test('text is asked for where json is not, and after `--` nothing is an option', async () => {
    const fails = () => {
      throw new CliFailure(EXIT.malformed, 'no');
    };
    for (const argv of [[], ['--format', 'text'], ['--format', 'json', '--format', 'text']])
      expect((await acting(fails, argv)).stdout).toBe('');
  });
});

describe('a complaint about the command line fits the page', () => {
  test('however long the word is', async () => {
    const { stderr } = await run(['check', '--format', `no-${'such'.repeat(60)}`]);
    for (const line of stderr.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    expect(stderr).toContain('`proviso check --help` shows how it is used');
  });
});
