import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { COMMANDS, type CommandRow } from '../../src/cli/command-table.ts';
import type { CommandContext } from '../../src/cli/context.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { CliFailure } from '../../src/cli/failure.ts';
import { runCli } from '../../src/cli/program.ts';
import { displayWidth } from '../../src/cli/terminal/index.ts';
import { REPOSITORY, run, testContext } from './harness.ts';

describe('a wrong command line is exit 2, with a complaint on stderr and nothing on stdout:', () => {
  test.each([
    ['an unknown command', ['nosuch'], 'unknown command `nosuch`'],
    ['an unknown command of a group', ['policy', 'nosuch'], 'unknown command `nosuch`'],
    ['a group without a command', ['policy'], 'Usage: proviso policy'],
    ['an unknown option', ['check', '--nosuch'], 'unknown option `--nosuch`'],
    ['a format that does not exist', ['check', '--format', 'xml'], '`xml`'],
    ['an instant without time', ['check', '--now', '2026-12-01'], 'absolute UTC instant'],
    ['an instant with an offset', ['check', '--now', '2026-12-01T09:00:00+01:00'], 'absolute UTC instant'],
    ['an account id that is none', ['check', '--account', '123'], '12 digits'],
    ['a Region that is none', ['collect', '--out', 'x', '--region', 'nowhere'], 'AWS Region code'],
    ['a missing argument', ['finding', 'explain'], 'the argument `id` is missing'],
    ['a missing option', ['collect'], '--out'],
    ['an escape sequence in the command', ['no\u001b[2Jsuch'], '\\u001b[2J'],
    ['a missing value', ['check', '--format'], 'the option `--format <format>` was given without its value'],
    ['two arguments where none is taken', ['check', 'a', 'b'], 'it takes none, and 2 were given (`a, b`)'],
    ['a misspelled option', ['check', '--snapshto', 'x'], 'did you mean `--snapshot`?'],
    ['a misspelled command', ['chekc'], 'did you mean `check`?'],
    [
      "a quotation mark in the option's value",
      ['check', '--format', "x' y"],
      "cannot be `x' y`: expected one of",
    ],
  ])('%s', async (_name, argv, says) => {
    const result = await run(argv);
    expect(result.exitCode).toBe(EXIT.malformed);
    expect(result.stdout).toBe('');
    expect(result.stderr.replace(/\n */g, ' ')).toContain(says);
    expect(result.stderr).not.toContain('\u001b');
  });

  test('it says that nothing was done and which help to ask, in no words of the parser', async () => {
    const { stderr } = await run(['policy', 'review', 'status', '--nosuch']);
    expect(stderr).toBe(
      'proviso: unknown option `--nosuch`\n  nothing was done; `proviso policy review status --help` shows how it is used\n',
    );
    for (const argv of [
      ['collect'],
      ['check', '--format'],
      ['check', 'a'],
      ['check', '--now', 'x'],
      ['finding', 'explain'],
    ]) {
      const said = (await run(argv)).stderr;
      expect(said).toMatch(
        /^proviso: .*\n(?:.*\n)* {2}nothing was done; `proviso [a-z ]+ --help` shows how it\s+is used\n$/,
      );
      expect(said).not.toMatch(
        /error:|is invalid|not specified|argument missing|Allowed choices|Expected \d/,
      );
    }
  });
});

describe('help', () => {
  test('without arguments it is shown, on stdout', async () => {
    const [bare, asked] = [await run([]), await run(['--help'])];
    expect(bare).toEqual(asked);
    expect(bare.exitCode).toBe(EXIT.fine);
    expect(bare.stdout).toContain('Exit codes:');
  });

  const paths = COMMANDS.map(({ path }) => path.join(' '));
  test.each(paths)('%s --help has an example and fits 80 columns', async (path) => {
    const { exitCode, stdout, stderr } = await run([...path.split(' '), '--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: EXIT.fine, stderr: '' });
    expect(stdout).toContain(`$ proviso ${path.split(' ')[0]}`);
    for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });

  test('options that must be given say so, and only those', async () => {
    const { stdout } = await run(['exception', 'revoke', '--help']);
    const marked = stdout.split(/\n(?= {2}-)/).filter((option) => /\(required\)/.test(option));
    expect(marked.map((option) => option.trim().split(' ')[0]).sort()).toEqual(['--reason']);
  });

  test('it is the same from `help COMMAND`', async () => {
    expect(await run(['help', 'check'])).toEqual(await run(['check', '--help']));
  });

  test('it loads neither AWS SDK nor parsers nor database', async () => {
    const spy = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); process.stderr.write(found.url + '\\n'); return found; } });`;
    const { stderr, stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(spy)}`, 'bin/proviso.js', '--help'],
      { cwd: REPOSITORY },
    );
    expect(stdout).toContain('Usage: proviso');
    const loaded = stderr.split('\n');
    expect(loaded.some((url) => url.includes('commander'))).toBe(true);
    expect(
      loaded.filter((url) => /@aws-sdk|@smithy|\/zod\/|\/yaml\/|sqlite|json-rules-engine/.test(url)),
    ).toEqual([]);
  });
});

describe('what a command throws', () => {
  const row = (act: (context: CommandContext) => void): readonly CommandRow[] => [
    {
      path: ['act'],
      summary: 'acts',
      load: async () => ({
        register: (program, context) => {
          program.command('act').action(() => act(context));
        },
      }),
    },
  ];
  const runRow = async (act: (context: CommandContext) => void, env: Record<string, string> = {}) => {
    const written: string[] = [];
    const context = testContext({ env, stderr: { write: (text) => void written.push(text) } });
    return { exitCode: await runCli(['act'], context, row(act)), stderr: written.join('') };
  };

  test('a failure is told with its details and its remedy, and gives its exit code', async () => {
    const { exitCode, stderr } = await runRow(() => {
      throw new CliFailure(EXIT.malformed, 'this is \u001b[31mwrong', {
        details: ['a\n  b'],
        remedy: 'do that',
      });
    });
    expect(exitCode).toBe(EXIT.malformed);
    expect(stderr).toBe('proviso: this is \\u001b[31mwrong\n\na\n  b\n\n  do that\n');
  });

  test('a bug is exit 4, told without a stack', async () => {
    const { exitCode, stderr } = await runRow(() => {
      throw new TypeError('x is undefined');
    });
    expect(exitCode).toBe(EXIT.fault);
    expect(stderr).toContain('x is undefined');
    expect(stderr).not.toContain('frame.test.ts');
  });

  test('with PROVISO_DEBUG=1 the stack is shown', async () => {
    const { stderr } = await runRow(
      () => {
        throw new TypeError('x is undefined');
      },
      { PROVISO_DEBUG: '1' },
    );
    expect(stderr).toContain('frame.test.ts');
  });

  test('an exit code of an earlier run is forgotten', async () => {
    const context = testContext({ exitCode: EXIT.fault });
    expect(
      await runCli(
        ['act'],
        context,
        row(() => undefined),
      ),
    ).toBe(EXIT.fine);
  });
});

test('colour is an option of the terminal, and the words stay the same', async () => {
  const plain = await run(['check', '--snapshot', 'examples/organization']);
  const colored = await run(['check', '--snapshot', 'examples/organization'], {
    color: true,
    isTerminal: true,
  });
  expect(plain.stdout).not.toContain('\u001b');
  expect(colored.stdout).toContain('\u001b[31m');
  expect(colored.stdout.replace(/\u001b\[[0-9;]*m/g, '')).toBe(plain.stdout);
});
