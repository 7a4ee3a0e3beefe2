import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ACTS } from '../../scripts/permissions.ts';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { runCli } from '../../src/cli/program.ts';
import { generateConfig } from '../../src/compliance/index.ts';
import { LIVE_CHECKS } from '../../src/doctor/index.ts';
import { testContext } from '../cli/harness.ts';
import { loadPolicy } from '../simulation/harness.ts';

/*
 * The commands of the pages, as an operator types them. `proviso …` goes through the real parser; `aws …` is compared with the commands and
 * inputs of the installed SDK clients; files, parameters and outputs of templates, and names of stacks must exist. Nothing is run.
 */

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const inDocs = (folder: string) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
const FOLLOWED = ['docs/deploy.md', 'docs/operations.md', 'docs/guardrails.md', ...inDocs('docs/runbooks')];
const PAGES = [...inDocs('docs'), ...inDocs('docs/runbooks'), 'README.md'];

/** Services of the AWS CLI whose SDK client has another name, and those that no client is installed for: their commands are not looked at. */
const CLIENT_OF: Readonly<Record<string, string>> = {
  s3api: 's3',
  configservice: 'config-service',
  logs: 'cloudwatch-logs',
  events: 'eventbridge',
  stepfunctions: 'sfn',
};
const NO_CLIENT = ['sns', 'sqs'];

interface Named {
  readonly page: string;
  readonly text: string;
}

/** Lines of the `sh` blocks, continued ones as one. */
const blockLines = (page: string): readonly Named[] =>
  [...read(page).matchAll(/^( *)```sh\n([\s\S]*?)\n\1```/gm)].flatMap(([, , block = '']) =>
    block
      .replaceAll(/\\\n\s*/g, ' ')
      .split('\n')
      .map((line) => ({ page, text: line.trim().replace(/\s+# .*$/, '') })),
  );
const spans = (page: string): readonly Named[] =>
  [
    ...read(page)
      .replaceAll(/```[\s\S]*?```/g, '')
      .matchAll(/`([^`]+)`/g),
  ].map(([, text = '']) => ({
    page,
    text: text.replaceAll(/\s+/g, ' '),
  }));

/** As a shell splits them, as far as these pages go. */
const wordsOf = (text: string): readonly string[] =>
  [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replaceAll(/["']/g, ''));

/** `aws …`, wherever it stands in a line: after `$(`, in a loop. */
const awsIn = ({ page, text }: Named): readonly Named[] =>
  [...text.matchAll(/(?:^|\$\(|\s)(aws [a-z0-9]+ [a-z][^|>]*)/g)].map(([, found = '']) => ({
    page,
    text: found.replaceAll(/\$\(([^)]*)\)/g, '$1').trim(),
  }));

describe('`proviso` commands', () => {
  const found = new Map<string, Command>();
  beforeAll(async () => {
    const { Command: Program } = await import('commander');
    const program = new Program('proviso');
    for (const row of COMMANDS) (await row.load()).register(program, testContext());
    const walk = (command: Command, path: readonly string[]) => {
      if (command.commands.length === 0) found.set(path.join(' '), command);
      for (const each of command.commands) walk(each, [...path, each.name()]);
    };
    walk(program, []);
  });

  it('that a page names exist, with their options', () => {
    const faults: string[] = [];
    let looked = 0;
    for (const { page, text } of PAGES.flatMap((page) => [...blockLines(page), ...spans(page)])) {
      const words = wordsOf(/^(?:npx )?proviso (.*)$/.exec(text)?.[1] ?? '');
      if (words.length === 0 || words[0]?.startsWith('-') === true || words[0] === '…') continue;
      const isGroup = [...found.keys()].some((path) => path.startsWith(`${words.join(' ')} `));
      const path = [3, 2, 1]
        .map((length) => words.slice(0, length).join(' '))
        .find((each) => found.has(each));
      const isPart = words.includes('…') && [...found.keys()].some((each) => each.startsWith(`${words[0]} `));
      if (isGroup || (path === undefined && isPart)) continue;
      const command = path === undefined ? undefined : found.get(path);
      looked += 1;
      if (command === undefined) faults.push(`${page}: \`${text}\` is no command`);
      for (const word of words.filter((each) => /^--[a-z]/.test(each))) {
        const option = word.split('=')[0];
        if (command !== undefined && !command.options.some(({ long }) => long === option))
          faults.push(`${page}: \`${path}\` has no ${option}`);
      }
    }
    expect(looked).toBeGreaterThan(60);
    expect(faults).toEqual([]);
  });

  it('of blocks to follow go through the parser', async () => {
    const parsing = COMMANDS.map((row) => ({
      ...row,
      load: async () => {
        const module = await row.load();
        return {
          register: (program: Command, context: Parameters<typeof module.register>[1]) => {
            module.register(program, context);
            const stop = (command: Command): void => {
              if (command.commands.length === 0) command.action(() => undefined);
              for (const each of command.commands) stop(each);
            };
            stop(program);
          },
        };
      },
    }));
    const lines = FOLLOWED.flatMap(blockLines).filter(({ text }) => text.startsWith('npx proviso '));
    expect(lines.length).toBeGreaterThan(10);
    for (const { page, text } of lines) {
      const argv = wordsOf(text)
        .slice(2)
        .map((word) =>
          word
            .replace('$(output ApiAddress)', 'https://a.execute-api.eu-central-1.amazonaws.com')
            .replaceAll(/\$(\w+)/g, (_, name: string) => VALUES[name] ?? `$${name}`),
        );
      let said = '';
      const context = testContext({
        stderr: {
          write: (more) => {
            said += more;
          },
        },
      });
      expect(await runCli(argv, context, parsing), `${page}: ${text}\n${said}`).toBe(0);
    }
    // One that is wrong is seen.
    expect(await runCli(['doctor', '--stak', 'x'], testContext(), parsing)).toBe(2);
  });
});

/** What `export` lines of docs/deploy.md set. */
const VALUES = Object.fromEntries(
  [...read('docs/deploy.md').matchAll(/^ *export (\w+)=("[^"]*"|'[^']*'|\S+)/gm)].map(
    ([, name, value = '']) => [name, value.replaceAll(/["']/g, '')],
  ),
);

describe('`aws` commands', () => {
  const commands = [
    ...PAGES.flatMap((page) => [...blockLines(page), ...spans(page)]).flatMap(awsIn),
    ...LIVE_CHECKS.flatMap(({ id, read: reading, write }) =>
      [...reading, ...write].map((text) => ({ page: id, text: text.replace(/ # .*$/, '') })),
    ).flatMap(awsIn),
  ];

  it('exist, with their options, in the installed SDK', () => {
    const faults: string[] = [];
    const skipped = new Set<string>();
    for (const { page, text } of commands) {
      const [, service = '', operation = '', ...rest] = wordsOf(text);
      if (operation === '…') continue;
      if (NO_CLIENT.includes(service)) {
        skipped.add(service);
        continue;
      }
      const name = operation.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
      const folder = `node_modules/@aws-sdk/client-${CLIENT_OF[service] ?? service}/dist-types/commands`;
      if (!existsSync(join(ROOT, folder))) {
        faults.push(`${page}: no client of \`aws ${service}\` is installed to compare with`);
        continue;
      }
      const file = readdirSync(join(ROOT, folder)).find(
        (each) => each.toLowerCase() === `${name.toLowerCase()}command.d.ts`,
      );
      if (file === undefined) {
        faults.push(`${page}: \`aws ${service} ${operation}\` is no operation`);
        continue;
      }
      // The example of the installed typings names every member of the input.
      const input = /const input = \{[\s\S]*?\n \* \};/.exec(read(`${folder}/${file}`))?.[0] ?? '';
      const members = new Set(
        [...input.matchAll(/^ \* {3}(\w+):/gm)].map(([, each = '']) => each.toLowerCase()),
      );
      for (const word of rest.filter((each) => /^--[a-z]/.test(each))) {
        const option = word.slice(2).replaceAll('-', '').toLowerCase();
        if (!members.has(option) && !OF_THE_CLI.has(word))
          faults.push(`${page}: \`aws ${service} ${operation}\` has no ${word}`);
      }
    }
    expect(commands.length).toBeGreaterThan(60);
    expect(faults).toEqual([]);
    expect([...skipped].sort()).toEqual(NO_CLIENT);
  });

  const stacks = FOLLOWED.flatMap(blockLines)
    .flatMap(awsIn)
    .filter(({ text }) => text.includes('--template-body'));

  it('give templates the parameters they have, every one that has no default, and the capability they need', () => {
    expect(stacks.length).toBeGreaterThanOrEqual(5);
    for (const { text } of stacks) {
      const file = /--template-body file:\/\/(\S+)/.exec(text)?.[1] ?? '';
      const template = parse(read(file), { logLevel: 'silent' }) as {
        readonly Parameters: Readonly<
          Record<string, { Default?: unknown; AllowedPattern?: string; AllowedValues?: readonly string[] }>
        >;
      };
      const given = new Map(
        [...text.matchAll(/ParameterKey=(\w+),ParameterValue=(\S+)/g)].map(([, key = '', value = '']) => [
          key,
          value.replaceAll(/["']/g, '').replaceAll(/\$(\w+)/g, (_, name: string) => VALUES[name] ?? ''),
        ]),
      );
      const needed = Object.entries(template.Parameters)
        .filter(([, { Default }]) => Default === undefined)
        .map(([key]) => key);
      expect(Object.keys(template.Parameters), file).toEqual(expect.arrayContaining([...given.keys()]));
      expect([...given.keys()], file).toEqual(expect.arrayContaining(needed));
      for (const [key, value] of given) {
        const { AllowedPattern, AllowedValues } = template.Parameters[key] ?? {};
        if (AllowedPattern !== undefined && value !== '' && value !== 'output')
          expect(value, key).toMatch(new RegExp(`^(?:${AllowedPattern})$`));
        if (AllowedValues !== undefined) expect(AllowedValues).toContain(value);
      }
      const names = /\bRoleName:/.test(read(file));
      expect(/--capabilities (\w+)/.exec(text)?.[1], file).toBe(
        names ? 'CAPABILITY_NAMED_IAM' : 'CAPABILITY_IAM',
      );
      // What a command can send: more has to be uploaded first.
      expect(read(file).length).toBeLessThan(51_200);
    }
  });

  it('ask for outputs that the stack has, by its name', () => {
    const page = read('docs/deploy.md');
    const asked = [...page.matchAll(/\$\(output (\w+)\)/g)].map(([, name]) => name);
    const outputs = /^Outputs:\n([\s\S]*)/m.exec(read('deploy/governance.yml'))?.[1] ?? '';
    expect(new Set(asked).size).toBeGreaterThanOrEqual(3);
    for (const name of asked) expect(outputs).toMatch(new RegExp(`^  ${name}:`, 'm'));
    const stage = /serverless deploy --stage (\w+)/.exec(page)?.[1];
    const service = /^service: (\w+)/m.exec(read('serverless.yml'))?.[1];
    for (const { text } of FOLLOWED.flatMap(blockLines)) {
      const stack = /describe-stacks .*--stack-name (\S+)|doctor --stack (\S+)/.exec(text);
      if (stack !== null) expect(stack[1] ?? stack[2]).toBe(`${service}-${stage}`);
    }
  });

  it('name files that are there, or that an earlier line of the page makes', () => {
    for (const page of FOLLOWED) {
      const made: string[] = [];
      for (const { text } of blockLines(page)) {
        const named = [
          ...[...text.matchAll(/file:\/\/([^\s"]+)/g)].map(([, file = '']) => file),
          ...[...text.matchAll(/(?:^|[\s"])((?:templates|deploy|policies|examples|scripts)\/[\w./-]+)/g)].map(
            ([, file = '']) => file,
          ),
        ];
        for (const file of named)
          expect(
            existsSync(join(ROOT, file)) || made.some((each) => file === each || file.startsWith(`${each}/`)),
            `${page}: ${file}`,
          ).toBe(true);
        made.push(...[...text.matchAll(/(?:--out|>) (\S+)/g)].map(([, file = '']) => file));
      }
    }
    const rules = generateConfig(loadPolicy(), {
      governanceAccount: VALUES['GOVERNANCE_ACCOUNT'] as never,
      functionPrefix: 'proviso-prod',
      partition: 'aws',
      excluded: [],
    });
    const names = rules.ok
      ? rules.value.regions[0]?.rules.map((rule) => rule.OrganizationConfigRuleName)
      : [];
    const put = [...read('docs/deploy.md').matchAll(/dist\/config\/\$region\/([\w-]+)\.json/g)].map(
      ([, name]) => name,
    );
    expect(put.sort()).toEqual([...(names ?? [])].sort());
  });

  it('about stack sets speak as the delegated administrator, whose sets are others than the account’s own', () => {
    const commands = PAGES.flatMap((page) => [...blockLines(page), ...spans(page)])
      .flatMap(awsIn)
      .filter(({ text }) => /^aws cloudformation \S*stack-(?:set|instance)s?\b/.test(text));
    expect(commands.length).toBeGreaterThan(4);
    expect(commands.filter(({ text }) => !text.includes('--call-as DELEGATED_ADMIN'))).toEqual([]);
  });

  it('delegate what the functions read of the organization, and no more', () => {
    const { Statement } = JSON.parse(read('deploy/organizations-delegation.json')) as {
      Statement: readonly { Action: readonly string[] }[];
    };
    const ours = (['organizationView.organization', 'governance.ofAccounts'] as const)
      .flatMap((act): readonly string[] => ACTS[act].actions)
      .filter((action) => action.startsWith('organizations:'));
    expect(Statement.flatMap(({ Action }) => Action)).toEqual(ours.sort());
  });
});

/** Options of the AWS CLI itself, and of its own kinds of waiting and paging. */
const OF_THE_CLI: ReadonlySet<string> = new Set([
  '--region',
  '--query',
  '--output',
  '--cli-input-json',
  '--cli-read-timeout',
  '--max-items',
]);
