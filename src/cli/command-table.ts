import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

/** What every file in commands/ exports: it adds its command, or its group with all subcommands, to the program. */
export interface CommandModule {
  readonly register: (program: Command, context: CommandContext) => void;
}

export interface CommandRow {
  /** `['check']`; `['policy', 'validate']` inside a group; `['policy', 'review', 'start']` inside a group of a group. */
  readonly path: readonly [string, ...string[]];
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** What a group is for, by its words. */
export const GROUPS: Readonly<Record<string, string>> = {
  policy: 'validate, test, explain, adopt and review policies',
  'policy cases': 'suggest cases that a policy lacks',
  'policy review': 'hold the review of the policy: dossier, signatures, objections',
  finding: 'explain what a check found',
  iam: 'ask who may do what',
  state: 'create a state directory',
  config: 'rules for AWS Config',
  guardrails: 'control policies from the policy',
  enforce: 'see what undoing drift would do',
  exception: 'ask for, decide on, end and follow exceptions',
  clock: 'move the clock of a simulated state',
  simulate: 'play events and faults on a simulated state',
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
    path: ['policy', 'coverage'],
    summary: 'tell which clauses the cases exercise, in both directions',
    load: () => import('./commands/policy-coverage.ts'),
  },
  {
    path: ['policy', 'mutate'],
    summary: 'put mistakes into a policy and tell which no case notices',
    load: () => import('./commands/policy-mutate.ts'),
  },
  {
    path: ['policy', 'cases', 'suggest'],
    summary: 'write the cases that are missing, for a person to accept',
    load: () => import('./commands/policy-cases-suggest.ts'),
  },
  {
    path: ['policy', 'diff'],
    summary: 'say what a policy change makes looser and stricter, with examples',
    load: () => import('./commands/policy-diff.ts'),
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
    path: ['policy', 'adopt'],
    summary: 'put a policy in force in a state',
    load: () => import('./commands/policy-adopt.ts'),
  },
  {
    path: ['enforce', 'plan'],
    summary: 'what `enforce` would do today; writes nothing',
    load: () => import('./commands/enforce-plan.ts'),
  },
  {
    path: ['config', 'generate'],
    summary: 'the AWS Config rules of a policy, as files',
    load: () => import('./commands/config-generate.ts'),
  },
  {
    path: ['guardrails', 'generate'],
    summary: 'control policies, with plan, proof and rollback',
    load: () => import('./commands/guardrails-generate.ts'),
  },
  {
    path: ['guardrails', 'diff'],
    summary: 'what of them a snapshot has attached',
    load: () => import('./commands/guardrails-diff.ts'),
  },
  {
    path: ['adopt'],
    summary: 'take over what somebody else configured, with a restore file',
    load: () => import('./commands/adopt.ts'),
  },
  {
    path: ['policy', 'review', 'start'],
    summary: 'open a review of the policy and write its dossier',
    load: () => import('./commands/policy-review-start.ts'),
  },
  {
    path: ['policy', 'review', 'sign'],
    summary: 'sign the dossier for one body, object, or answer an objection',
    load: () => import('./commands/policy-review-sign.ts'),
  },
  {
    path: ['policy', 'review', 'status'],
    summary: 'complete, due or overdue, and who has still to sign',
    load: () => import('./commands/policy-review-status.ts'),
  },
  {
    path: ['policy', 'review', 'approve-change'],
    summary: 'sign a change of the policy for one body, for the gate of policy diff',
    load: () => import('./commands/policy-review-approve-change.ts'),
  },
  {
    path: ['policy', 'review', 'declare-change'],
    summary: 'declare a major change of the platform: a review is due at once',
    load: () => import('./commands/policy-review-declare-change.ts'),
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
    path: ['inventory'],
    summary: 'list every place in which content can stay',
    load: () => import('./commands/inventory.ts'),
  },
  {
    path: ['export'],
    summary: 'write the suppressions that another scanner needs beside this policy',
    load: () => import('./commands/export.ts'),
  },
  {
    path: ['finding', 'explain'],
    summary: 'show every condition behind one finding, and its evidence',
    load: () => import('./commands/finding-explain.ts'),
  },
  {
    path: ['iam', 'who-can'],
    summary: 'who may store, read or send prompts, and how they get there',
    load: () => import('./commands/iam-who-can.ts'),
  },
  {
    path: ['iam', 'explain'],
    summary: 'whether one principal may do one action, by which statements',
    load: () => import('./commands/iam-explain.ts'),
  },
  {
    path: ['state', 'init'],
    summary: 'create a state directory from a snapshot',
    load: () => import('./commands/state-init.ts'),
  },
  {
    path: ['exception', 'preview'],
    summary: 'what a request would mean, before anybody asks; writes nothing',
    load: () => import('./commands/exception-preview.ts'),
  },
  {
    path: ['exception', 'request'],
    summary: 'ask for an exception',
    load: () => import('./commands/exception-request.ts'),
  },
  {
    path: ['exception', 'list'],
    summary: 'list exceptions',
    load: () => import('./commands/exception-list.ts'),
  },
  {
    path: ['exception', 'show'],
    summary: 'what is asked, who decided, what happened',
    load: () => import('./commands/exception-show.ts'),
  },
  {
    path: ['exception', 'status'],
    summary: 'what is on where, until when, overdue minutes',
    load: () => import('./commands/exception-status.ts'),
  },
  {
    path: ['exception', 'report'],
    summary: 'a quarter: minutes on and overdue, who approved what, near-misses',
    load: () => import('./commands/exception-report.ts'),
  },
  {
    path: ['exception', 'siem-window'],
    summary: 'the calls that exceptions will make, for whoever watches CloudTrail',
    load: () => import('./commands/exception-siem-window.ts'),
  },
  {
    path: ['exception', 'sheet'],
    summary: 'the decision sheet: what approvers read and sign',
    load: () => import('./commands/exception-sheet.ts'),
  },
  {
    path: ['exception', 'approve'],
    summary: 'approve in one role',
    load: () => import('./commands/exception-approve.ts'),
  },
  {
    path: ['exception', 'reject'],
    summary: 'reject in one role; final',
    load: () => import('./commands/exception-reject.ts'),
  },
  {
    path: ['exception', 'take-back'],
    summary: 'take an approval of your own back, before anything is enabled',
    load: () => import('./commands/exception-take-back.ts'),
  },
  {
    path: ['exception', 'withdraw'],
    summary: 'take a request back before it is enabled',
    load: () => import('./commands/exception-withdraw.ts'),
  },
  {
    path: ['exception', 'revoke'],
    summary: 'end an exception now',
    load: () => import('./commands/exception-revoke.ts'),
  },
  {
    path: ['exception', 'hold'],
    summary: 'legal hold: the purge waits, switching off does not',
    load: () => import('./commands/exception-hold.ts'),
  },
  {
    path: ['exception', 'release'],
    summary: 'end a legal hold; purging goes on',
    load: () => import('./commands/exception-release.ts'),
  },
  {
    path: ['exception', 'close-unproven'],
    summary: 'close without proof, signed with a reason',
    load: () => import('./commands/exception-close-unproven.ts'),
  },
  {
    path: ['exception', 'timeline'],
    summary: 'everything that happened, in order',
    load: () => import('./commands/exception-timeline.ts'),
  },
  {
    path: ['exception', 'certificate'],
    summary: 'print and verify the certificate of closure',
    load: () => import('./commands/exception-certificate.ts'),
  },
  {
    path: ['clock', 'advance'],
    summary: 'move a simulated clock forward; what is due happens',
    load: () => import('./commands/clock-advance.ts'),
  },
  {
    path: ['simulate', 'play'],
    summary: 'play a scenario file and print its timeline',
    load: () => import('./commands/simulate-play.ts'),
  },
  {
    path: ['simulate', 'do'],
    summary: 'make one event or fault happen',
    load: () => import('./commands/simulate-do.ts'),
  },
  {
    path: ['serve'],
    summary: 'serve the API on this machine, over a state directory',
    load: () => import('./commands/serve.ts'),
  },
  {
    path: ['doctor'],
    summary: 'what is not well with a deployment or a state, and what to do',
    load: () => import('./commands/doctor.ts'),
  },
  {
    path: ['run'],
    summary: 'stay up and do what is due, with the real clock',
    load: () => import('./commands/run.ts'),
  },
  {
    path: ['workflow', 'lint'],
    summary: 'check state machines for the portable subset and its traps',
    load: () => import('./commands/workflow-lint.ts'),
  },
  {
    path: ['workflow', 'render'],
    summary: 'draw a state machine, or the life of an exception, as a Mermaid diagram',
    load: () => import('./commands/workflow-render.ts'),
  },
];
