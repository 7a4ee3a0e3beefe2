import type { Command } from 'commander';
import { type DurationMs, type EpochMs, formatInstant, wellFormed } from '../../core/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import type { Finding } from '../../rules/index.ts';
import { REPORT_SCHEMA_VERSION } from '../../rules/index.ts';
import type { CommandContext } from '../context.ts';
import { readEarlier } from '../earlier.ts';
import { findingView, openEstate } from '../estate.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import {
  examples,
  formatOption,
  maxAgeOption,
  nowOption,
  policyOption,
  snapshotOption,
  stateToReadOption,
} from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { groupOf } from '../program.ts';
import { type ExplanationLine, explanationLines } from '../report/explanation.ts';
import type { Seen } from '../report/history.ts';
import { findingJson } from '../report/json.ts';
import { seen } from '../report/view.ts';
import {
  describeCoverage,
  describeSubject,
  type Standing,
  standingOf,
  TRUTH_WORDS,
} from '../report/words.ts';
import { type Paint, painter, printable, wrap } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly snapshot?: string;
  readonly state?: string;
  readonly now?: EpochMs;
  readonly maxAge?: DurationMs;
  readonly since?: string;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'finding')
    .command('explain')
    .description(
      'Show every condition behind one finding: what it asks, what was seen, where, and which clause decided. The exit code is that of a check that found nothing else.',
    )
    .argument('<id>', 'the id that `check` shows, or its beginning if that is enough')
    .addOption(policyOption())
    .addOption(snapshotOption())
    .addOption(stateToReadOption())
    .addOption(nowOption())
    .addOption(maxAgeOption())
    .option(
      '--since <file>',
      'tell when it was first and last seen, by an earlier `check --format json` report',
    )
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'proviso finding explain 3f2a9c01d4e5b677 --snapshot examples/organization',
        'proviso finding explain 3f2a9c01 --snapshot snapshot/ --since yesterday.json',
      ),
    )
    .action((id: string, options: Options) => explain(id, options, context));
}

const SHORTEST_ID = 4;

async function explain(id: string, options: Options, context: CommandContext): Promise<void> {
  if (id.length < SHORTEST_ID)
    throw new CliFailure(EXIT.malformed, `\`${id}\` is too short for the id of a finding`, {
      remedy: `give at least its first ${SHORTEST_ID} characters, as \`proviso check\` shows it`,
    });
  const estate = await openEstate(options, context);
  const { policy } = estate;
  const view = findingView(estate);
  const earlier = options.since === undefined ? undefined : await readEarlier(options.since, view, context);
  const matching: Finding[] = [];
  await estate.check((make) => {
    const each = make();
    if (each.id.startsWith(id.toLowerCase())) matching.push(each);
  });
  const finding = onlyOf(id, matching);
  // Without an earlier run nobody knows when it was first seen, and "now" would read as an answer.
  const when = earlier === undefined ? undefined : seen({ ...view, earlier }, finding);
  context.exitCode = EXIT_OF[standingOf(finding)];
  if (options.format === 'json') {
    const control = controlOf(finding, policy);
    const explained = {
      schemaVersion: REPORT_SCHEMA_VERSION,
      kind: 'Finding',
      finding: findingJson(finding, when),
      source: control.source,
      ...(control.erratum === undefined ? {} : { erratum: control.erratum }),
    };
    writeJson(context, wellFormed(explained));
    return;
  }
  writeLines(context, explanationText({ finding, when }, policy, context.width, painter(context.color)));
}

const EXIT_OF = {
  'non-compliant': EXIT.findings,
  indeterminate: EXIT.undecided,
  covered: EXIT.fine,
  compliant: EXIT.fine,
  'not-applicable': EXIT.fine,
} as const satisfies Record<Standing, ExitCode>;

function onlyOf(id: string, matching: readonly Finding[]): Finding {
  const [only] = matching;
  if (only !== undefined && matching.length === 1) return only;
  if (matching.length > 1)
    throw new CliFailure(EXIT.malformed, `\`${id}\` is the beginning of ${matching.length} findings`, {
      remedy: 'give more of the id',
    });
  throw new CliFailure(EXIT.malformed, `there is no finding \`${id}\` in this check`, {
    remedy:
      'take an id from `proviso check` with the same policy and snapshot; at least its first 4 characters',
  });
}

const controlOf = ({ controlId }: Finding, { policy }: LoadedPolicy) => {
  const control = policy.controls.find(({ id }) => id === controlId);
  if (control === undefined) throw new Error(`a finding of unknown control \`${controlId}\``);
  return control;
};

function explanationText(
  { finding, when: times }: { readonly finding: Finding; readonly when: Seen | undefined },
  loaded: LoadedPolicy,
  width: number,
  paint: Paint,
): readonly string[] {
  const control = controlOf(finding, loaded);
  const titles = new Map(loaded.policy.sources.map(({ id, title }) => [id, title]));
  const part = (heading: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : ['', paint('bold', heading), ...lines];
  const block = (text: string): readonly string[] =>
    wrap(printable(text.trim().replace(/\s+/g, ' ')), width, '  ');
  const { coveredBy } = finding;
  const { when, require } = finding.explanation;
  const tree = (node: typeof when): readonly string[] =>
    node === undefined
      ? []
      : explanationLines(node, finding.decidingClause).flatMap((line) => conditionLines(line, width, paint));
  const [first = '', ...more] = wrap(`${finding.controlId} ${printable(control.title)}`, width);
  return [
    paint('bold', first),
    ...more,
    ...wrap(`finding ${finding.id}: ${standingOf(finding)}, ${finding.severity}`, width),
    ...wrap(`${printable(finding.accountName)}: ${printable(describeSubject(finding.subject))}`, width),
    ...(coveredBy === undefined
      ? []
      : wrap(
          printable(`covered by ${describeCoverage(coveredBy)} until ${formatInstant(coveredBy.until)}`),
          width,
        )),
    ...(times === undefined
      ? []
      : wrap(
          `first seen ${formatInstant(times.first)}, last seen ${formatInstant(times.last)}${times.change === undefined ? '' : `, ${times.change}`}`,
          width,
        )),
    ...part('What it means', finding.outcome === 'non-compliant' ? block(finding.message) : []),
    ...part(
      'Evidence',
      finding.evidence.flatMap((line) => wrap(`- ${printable(line)}`, width, '  ', '    ')),
    ),
    ...part('The control applies only when', tree(when)),
    ...part('It is compliant exactly when', tree(require)),
    ...part(
      'Where it comes from',
      control.source.flatMap(({ document, section }) =>
        wrap(`- ${printable(titles.get(document) ?? document)}, ${printable(section)}`, width, '  ', '    '),
      ),
    ),
    ...part('Correction of the source', control.erratum === undefined ? [] : block(control.erratum)),
    ...part(
      'What to do',
      finding.outcome === 'compliant' || finding.outcome === 'not-applicable' ? [] : block(finding.remedy),
    ),
  ];
}

const TRUTH_TONES = { true: 'good', false: 'bad', unknown: 'warning' } as const;
const DEEPEST_INDENT = 12;

function conditionLines(line: ExplanationLine, width: number, paint: Paint): readonly string[] {
  const indent = ' '.repeat(2 + Math.min(DEEPEST_INDENT, line.depth * 2));
  const word = TRUTH_WORDS[line.truth];
  const [first = '', ...more] = wrap(`[${word}] ${printable(line.asks)}`, width, indent, `${indent}  `);
  const aside = (text: string): readonly string[] => wrap(printable(text), width, `${indent}    `);
  return [
    first.replace(`[${word}]`, `[${paint(TRUTH_TONES[line.truth], word)}]`),
    ...more,
    ...(line.seen === undefined ? [] : aside(line.seen)),
    ...(line.source === undefined || line.source === '' ? [] : aside(`from ${line.source}`)),
    ...(line.isDeciding
      ? wrap(`<- this clause decided: ${line.path}`, width, `${indent}    `).map((text) =>
          paint('bold', text),
        )
      : []),
  ];
}
