import type { Command } from 'commander';
import type { AccountId, EpochMs } from '../../core/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import { exitCodeOf, type Finding } from '../../rules/index.ts';
import type { CommandContext } from '../context.ts';
import { type Estate, readEstate } from '../estate.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { writeTextFile } from '../files.ts';
import {
  examples,
  formatOption,
  nowOption,
  policyOption,
  readAccounts,
  readTexts,
  snapshotOption,
  stateToReadOption,
} from '../options.ts';
import { jsonLine, note } from '../output.ts';
import { renderHtml } from '../report/html.ts';
import { reportJson } from '../report/json.ts';
import { renderText } from '../report/text.ts';
import { painter } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly snapshot?: string;
  readonly state?: string;
  readonly now?: EpochMs;
  readonly format: string;
  readonly out?: string;
  readonly control?: readonly string[];
  readonly account?: readonly AccountId[];
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('check')
    .description(
      'Judge a snapshot, or the embedded AWS of a state directory, by the policy. The same snapshot, policy and instant always give the same report. Exit code 1 for a violation that no live exception covers, 3 when something could not be decided and nothing is worse.',
    )
    .addOption(policyOption())
    .addOption(snapshotOption())
    .addOption(stateToReadOption())
    .addOption(nowOption())
    .option('--control <id>', 'show only this control (repeatable)', readTexts)
    .option('--account <id>', 'show only this account (repeatable)', readAccounts)
    .addOption(formatOption('text', 'json', 'html'))
    .option('--out <file>', 'write the report to a file')
    .addHelpText(
      'after',
      `${examples(
        'proviso check --snapshot examples/organization',
        'proviso check --snapshot snapshot/ --format html --out report.html',
        'proviso check --snapshot snapshot/ --control CP-01',
        'proviso check --state .proviso/',
      )}\n\nCounts and exit code are always of the whole check, whatever is shown.`,
    )
    .action((options: Options) => check(options, context));
}

async function check(options: Options, context: CommandContext): Promise<void> {
  const estate = await readEstate(options, context);
  const isShown = filterOf(options, estate);
  const text = render(estate, isShown, options, context);
  if (options.out === undefined) context.stdout.write(text);
  else {
    await writeTextFile(options.out, text, context);
    note(context, `the report is in ${options.out}`);
  }
  context.exitCode = exitCodeOf(estate.report);
}

function render(
  { report, policy, timeline }: Estate,
  isShown: (finding: Finding) => boolean,
  options: Options,
  context: CommandContext,
): string {
  switch (options.format) {
    case 'json':
      return jsonLine(reportJson(report, isShown));
    case 'html':
      return renderHtml({ report, title: policy.policy.metadata.title, timeline, isShown });
    default: {
      const hasColor = context.color && options.out === undefined;
      return `${renderText(report, { width: context.width, paint: painter(hasColor), isShown }).join('\n')}\n`;
    }
  }
}

function filterOf(
  { control, account }: Options,
  { policy, snapshot }: Estate,
): (finding: Finding) => boolean {
  for (const id of control ?? []) requireControl(id, policy);
  const known = new Set(snapshot.organization.accounts.map(({ id }) => id));
  // A filter that can match nothing would show an empty, reassuring page.
  for (const id of account ?? [])
    if (!known.has(id))
      throw new CliFailure(EXIT.malformed, `the snapshot has no account \`${id}\``, {
        remedy: 'check the id',
      });
  return ({ controlId, subject }) =>
    (control === undefined || control.includes(controlId)) &&
    (account === undefined || account.includes(subject.accountId));
}

function requireControl(id: string, { policy }: LoadedPolicy): void {
  const ids = policy.controls.map((control) => control.id);
  if (!ids.includes(id))
    throw new CliFailure(EXIT.malformed, `the policy has no control \`${id}\``, {
      remedy: `it has ${ids.join(', ')}`,
    });
}
