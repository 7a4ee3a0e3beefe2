import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

/** What every file in commands/ exports: it adds its command, or its group with all subcommands, to the program. */
export interface CommandModule {
  readonly register: (program: Command, context: CommandContext) => void;
}

export interface CommandRow {
  /** `['check']`, or `['policy', 'validate']` for a command inside a group. */
  readonly path: readonly [string] | readonly [string, string];
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

export const GROUPS: Readonly<Record<string, string>> = {
  policy: 'validate, test, explain and adopt policies',
  finding: 'explain what a check found',
  workflow: 'look at the state machines',
};

/**
 * Every command, in the order in which help shows it. Implementations are loaded when they are called and not before, so that
 * `--help` needs neither the AWS SDK nor the parsers.
 */
export const COMMANDS: readonly CommandRow[] = [
  {
    path: ['policy', 'validate'],
    summary: 'tell every fault of a policy and of its cases, with its place',
    load: () => import('./commands/policy-validate.ts'),
  },
  {
    path: ['policy', 'test'],
    summary: 'run the cases beside a policy, like a test runner',
    load: () => import('./commands/policy-test.ts'),
  },
  {
    path: ['policy', 'explain'],
    summary: 'say a policy in plain sentences',
    load: () => import('./commands/policy-explain.ts'),
  },
  {
    path: ['policy', 'schema'],
    summary: 'print the JSON Schema for editors',
    load: () => import('./commands/policy-schema.ts'),
  },
  {
    path: ['collect'],
    summary: 'take a snapshot of an AWS organization (read only)',
    load: () => import('./commands/collect.ts'),
  },
  {
    path: ['check'],
    summary: 'judge a snapshot by the policy',
    load: () => import('./commands/check.ts'),
  },
  {
    path: ['finding', 'explain'],
    summary: 'show every condition behind one finding, and its evidence',
    load: () => import('./commands/finding-explain.ts'),
  },
  {
    path: ['workflow', 'lint'],
    summary: 'check state machines for the portable subset and its traps',
    load: () => import('./commands/workflow-lint.ts'),
  },
];
