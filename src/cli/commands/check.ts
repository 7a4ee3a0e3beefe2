import { type Command, Option } from 'commander';
import manifest from '../../../package.json' with { type: 'json' };
import {
  type AccountId,
  type DurationMs,
  type EpochMs,
  formatDuration,
  formatInstant,
} from '../../core/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import type { Finding } from '../../rules/index.ts';
import type { CommandContext } from '../context.ts';
import type { ShownCheck } from '../deployed-check.ts';
import { apiOption, type DeskOptions, tokenFileOption } from '../desk.ts';
import { readEarlier } from '../earlier.ts';
import { findingView, openEstate } from '../estate.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { writeTextFile } from '../files.ts';
import {
  DEFAULT_POLICY,
  DEFAULT_STATE,
  examples,
  formatOption,
  maxAgeOption,
  nowOption,
  policyOption,
  readAccounts,
  readPrincipal,
  readTexts,
  snapshotOption,
  stateToReadOption,
} from '../options.ts';
import { note } from '../output.ts';
import { ExitJudge, FAIL_ON, type FailOn } from '../report/exit-code.ts';
import { REPORT_FORMATS, type ReportFormat, reportStream, saysScan, showsAll } from '../report/formats.ts';
import { ChangeCounter } from '../report/history.ts';
import { Spool } from '../report/spool.ts';
import { type FindingView, seen } from '../report/view.ts';
import { painter } from '../terminal/index.ts';

interface Options extends Omit<DeskOptions, 'state'> {
  readonly policy: string;
  readonly snapshot?: string;
  readonly state?: string;
  readonly now?: EpochMs;
  readonly maxAge?: DurationMs;
  readonly format: ReportFormat;
  readonly out?: string;
  readonly control?: readonly string[];
  readonly account?: readonly AccountId[];
  readonly since?: string;
  readonly newSince?: string;
  readonly failOn?: FailOn;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('check')
    .description(
      'Judge a snapshot, or the embedded AWS of a state directory, by the policy, or show the last check that a deployment made. The same snapshot, policy and instant always give the same report. Exit code 1 for a violation that nothing covers, 3 when something could not be decided and nothing is worse.',
    )
    .addOption(policyOption())
    .addOption(snapshotOption())
    .addOption(stateToReadOption())
    .addOption(nowOption())
    .addOption(maxAgeOption())
    .option('--control <id>', 'show only this control (repeatable)', readTexts)
    .option('--account <id>', 'show only this account (repeatable)', readAccounts)
    .option(
      '--since <file>',
      'tell when findings were first and last seen, by an earlier `--format json` report',
    )
    .option('--new-since <file>', 'as --since, and exit 1 only for violations that are new since then')
    .addOption(
      new Option(
        '--fail-on <level>',
        'what exit 1 is for: violations from a severity upwards, or all and everything unknown',
      ).choices(FAIL_ON),
    )
    .addOption(apiOption())
    .addOption(tokenFileOption())
    .addOption(
      new Option(
        '--as <id>',
        'for an API on this machine: who asks; their token is read from --state',
      ).argParser(readPrincipal),
    )
    .addOption(formatOption(...REPORT_FORMATS))
    .option('--out <file>', 'write the report to a file')
    .addHelpText(
      'after',
      `${examples(
        'proviso check --snapshot examples/organization',
        'proviso check --snapshot snapshot/ --format html --out report.html',
        'proviso check --snapshot snapshot/ --control CP-01',
        'proviso check --snapshot snapshot/ --new-since yesterday.json --fail-on high',
        'proviso check --state .proviso/',
        'proviso check --api https://abc123.execute-api.eu-central-1.amazonaws.com',
      )}\n\nCounts and exit code are always of the whole check, whatever is shown.`,
    )
    .action((options: Options, command: Command) => check(options, command, context));
}

async function check(options: Options, command: Command, context: CommandContext): Promise<void> {
  const earlierFile = earlierFileOf(options);
  const api = addressOf(options, command, context);
  const shown =
    api === undefined ? await checkHere(options, context) : await checkThere(options, api, command, context);
  const { view: before, timeline, attestations, notice, scan } = shown;
  const earlier = earlierFile === undefined ? undefined : await readEarlier(earlierFile, before, context);
  const early: FindingView = { ...before, earlier };
  const isShown = filterOf(options, shown);
  const counter = earlier === undefined ? undefined : new ChangeCounter(earlier, early.report);
  const spool = new Spool();
  const stream = reportStream(options.format, spool, early, {
    width: context.width,
    paint: painter(context.color && options.out === undefined),
    isShown,
    timeline,
  });
  const judge = new ExitJudge(options.failOn);
  try {
    const summary = await shown.run((make, { standing }) => {
      // Of what is fine, some formats say no more than the number; with an earlier run it may be fine again.
      const isFine = standing === 'compliant' || standing === 'not-applicable';
      if (isFine && counter === undefined && !showsAll(options.format)) return;
      const finding = make();
      counter?.see(finding);
      judge.see(finding, options.newSince === undefined || seen(early, finding)?.change === 'new');
      stream.see(finding);
    });
    const pieces = stream.pieces({
      report: summary,
      organizationId: before.organizationId,
      policy: before.policy,
      earlier,
      changes: counter?.changes(),
      attestations,
      notice,
      scan,
      sameEvidence: shown.sameEvidence,
      version: manifest.version,
    });
    if (options.out === undefined) for (const piece of pieces) context.stdout.write(piece);
    else {
      await writeTextFile(options.out, pieces, context);
      note(context, `the report is in ${options.out}`);
    }
    // Of an account that the scan left out nothing is known, whatever the severities of what was asked.
    const hasGap = scan !== undefined && scan.notScanned.length > 0;
    const exitCode = judge.exitCode();
    context.exitCode = hasGap && exitCode === EXIT.fine ? EXIT.undecided : exitCode;
  } finally {
    spool.close();
  }
}

async function checkHere(options: Options, context: CommandContext): Promise<ShownCheck> {
  for (const [name, value] of [
    ['--as', options.as],
    ['--token-file', options.tokenFile],
  ] as const)
    if (value !== undefined)
      throw new CliFailure(EXIT.malformed, `\`${name}\` says who asks an API, and none was named`, {
        remedy: 'name it with `--api URL`, or leave the option out',
      });
  const estate = await openEstate(options, context);
  const known = new Set(estate.head.organization.accounts.map(({ id }) => id));
  return {
    view: findingView(estate),
    attestations: estate.attestations,
    timeline: estate.timeline,
    notice: estate.notice,
    sameEvidence: sameEvidence(options),
    requireAccount: (id) => {
      if (!known.has(id))
        throw new CliFailure(EXIT.malformed, `the snapshot has no account \`${id}\``, {
          remedy: 'check the id',
        });
    },
    run: (receive) => estate.check(receive),
  };
}

async function checkThere(
  options: Options,
  api: string,
  command: Command,
  context: CommandContext,
): Promise<ShownCheck> {
  const isPolicyGiven = command.getOptionValueSource('policy') === 'cli';
  for (const [name, isGiven, remedy] of [
    ['--snapshot', options.snapshot !== undefined, 'leave one of the two out'],
    [
      '--policy',
      isPolicyGiven,
      'leave it out: a deployment judges by the policy in force there, which `proviso policy adopt --api URL` changes',
    ],
    ['--now', options.now !== undefined, 'leave it out: the report says as of when it was judged'],
    [
      '--max-age',
      options.maxAge !== undefined,
      'leave it out: the report says when the evidence was taken; `proviso collect` and `check --snapshot` judge it anew',
    ],
  ] as const)
    if (isGiven)
      throw new CliFailure(EXIT.malformed, `\`${name}\` is for a check that is made here`, { remedy });
  const { deployedCheck } = await import('../deployed-check.ts');
  const isCompared = options.since !== undefined || options.newSince !== undefined;
  return deployedCheck(
    { ...options, state: options.state ?? DEFAULT_STATE, api },
    { isCompared, saysScan: saysScan(options.format) },
    context,
  );
}

/**
 * The API that is asked, if one is. An address in the environment counts only where no evidence was named: a check of a snapshot must not
 * become one of something else.
 */
function addressOf(
  { api, snapshot, state }: Options,
  command: Command,
  { env }: CommandContext,
): string | undefined {
  if (command.getOptionValueSource('api') === 'cli') return api;
  return snapshot === undefined && state === undefined ? api || env['PROVISO_API'] || undefined : undefined;
}

/** Options for a shell, as they were given here. */
function sameEvidence({ policy, snapshot, state, maxAge, now }: Options): string {
  const word = (text: string): string =>
    /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
  return [
    snapshot === undefined ? `--state ${word(state ?? '')}` : `--snapshot ${word(snapshot)}`,
    ...(policy === DEFAULT_POLICY ? [] : [`--policy ${word(policy)}`]),
    ...(now === undefined ? [] : [`--now ${formatInstant(now)}`]),
    ...(maxAge === undefined ? [] : [`--max-age ${formatDuration(maxAge)}`]),
  ].join(' ');
}

function earlierFileOf({ since, newSince }: Options): string | undefined {
  if (since !== undefined && newSince !== undefined)
    throw new CliFailure(EXIT.malformed, '`--since` and `--new-since` were both given', {
      remedy: 'give one: `--new-since` says all that `--since` says',
    });
  return newSince ?? since;
}

function filterOf(
  { control, account }: Options,
  { view, requireAccount }: ShownCheck,
): (finding: Finding) => boolean {
  for (const id of control ?? []) requireControl(id, view.policy);
  for (const id of account ?? []) requireAccount(id);
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
