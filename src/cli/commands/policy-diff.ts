import { type Command, Option } from 'commander';
import { coverageOf } from '../../compliance/index.ts';
import { countOf } from '../../core/index.ts';
import {
  comparePolicies,
  impactOnRequests,
  impactOnSnapshot,
  type PolicyDiff,
  type RequestsImpact,
  type SnapshotImpact,
} from '../../diff/index.ts';
import { type ExceptionRequest, parseRequest } from '../../exceptions/index.ts';
import type { CommandContext } from '../context.ts';
import { leasesOf, loadSnapshot } from '../estate.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { listFiles, readTextFile, writeTextFile } from '../files.ts';
import { examples, formatOption, policyOption, readTexts } from '../options.ts';
import { jsonLine, note } from '../output.ts';
import { malformedDocuments } from '../policies.ts';
import {
  answerOf,
  type GateAnswer,
  readRecord,
  readSigners,
  signersOption,
} from '../policy-diff/approvals.ts';
import { diffJson } from '../policy-diff/json.ts';
import { diffMarkdown } from '../policy-diff/markdown.ts';
import { type DiffReport, type FailOn, isRefused, resultOf } from '../policy-diff/report.ts';
import { diffSarif } from '../policy-diff/sarif.ts';
import { type PolicyPair, pairPolicies, readSides, type Sides } from '../policy-diff/sides.ts';
import { diffText } from '../policy-diff/text.ts';
import { groupOf } from '../program.ts';
import { painter } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly snapshot?: readonly string[];
  readonly requests?: string;
  readonly failOn?: FailOn;
  readonly format: string;
  readonly out?: string;
  readonly approvals?: string;
  readonly signers?: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy')
    .command('diff')
    .description(
      'Say what changes in meaning between two versions of a policy: what is looser, what is stricter, what is only written differently. Every loosening and tightening comes with an example that both versions were asked about.',
    )
    .argument('<old>', 'a policy, a folder, a git revision, REV:path, or a range such as main..HEAD')
    .argument('[new]', 'the same; without it, --policy as it is now')
    .addOption(policyOption())
    .option('--snapshot <dir>', 'tell which accounts would come out differently (repeatable)', readTexts)
    .option('--requests <dir>', 'tell which exception requests would be judged differently')
    .addOption(
      new Option('--fail-on <what>', 'exit code 1 for a loosening, or for any change').choices([
        'loosening',
        'any',
      ]),
    )
    .option(
      '--approvals <file>',
      'with --fail-on loosening: let a loosening pass that every reviewer of the old policy has approved in this record',
    )
    .addOption(signersOption())
    .addOption(formatOption('text', 'json', 'markdown', 'sarif'))
    .option('--out <file>', 'write the report to a file')
    .addHelpText(
      'after',
      `${examples(
        'proviso policy diff old.yaml new.yaml',
        'proviso policy diff main..HEAD --fail-on loosening',
        'proviso policy diff main..HEAD --fail-on loosening --approvals policy-approvals.json',
        'proviso policy diff v1.2.0:policies/prompt-storage.yaml draft.yaml',
        'proviso policy diff main --snapshot examples/organization --requests examples/requests',
      )}\n\nWhat could not be decided counts as a loosening.`,
    )
    .action((old: string, next: string | undefined, options: Options) => diff(old, next, options, context));
}

async function diff(
  old: string,
  next: string | undefined,
  options: Options,
  context: CommandContext,
): Promise<void> {
  if (options.approvals !== undefined && options.failOn !== 'loosening')
    throw new CliFailure(EXIT.malformed, '`--approvals` says what may pass `--fail-on loosening`', {
      remedy: 'give both, or neither',
    });
  if (options.signers !== undefined && options.approvals === undefined)
    throw new CliFailure(EXIT.malformed, '`--signers` says who may have signed `--approvals`', {
      remedy: 'give both, or neither',
    });
  const sides = await readSides(old, next, options.policy, context);
  const pairs = pairPolicies(sides);
  const report = await reportOn(pairs, options, await gateOf(sides, options, context), context);
  const text = render(report, options, context);
  if (options.out === undefined) context.stdout.write(text);
  else {
    await writeTextFile(options.out, text, context);
    note(context, `the diff is in ${options.out}`);
  }
  context.exitCode = isRefused(report, options.failOn) ? EXIT.findings : EXIT.fine;
}

type Gate = (pair: PolicyPair, diff: PolicyDiff) => GateAnswer;

/** Reads who may sign and what was signed, once for all policies. */
async function gateOf(sides: Sides, options: Options, context: CommandContext): Promise<Gate | undefined> {
  if (options.approvals === undefined) return undefined;
  const signers = await readSigners(sides, options.signers, context);
  const { record, isThere } = await readRecord(options.approvals, context);
  if (!isThere) note(context, `there is no \`${options.approvals}\`: nobody has approved anything yet`);
  return (pair, diff) => answerOf(pair, diff, signers, record);
}

async function reportOn(
  pairs: readonly PolicyPair[],
  options: Options,
  gate: Gate | undefined,
  context: CommandContext,
): Promise<DiffReport> {
  const results = pairs.map((pair) => {
    const compared = comparePolicies(pair.old, pair.new);
    if (!compared.ok)
      throw new CliFailure(EXIT.malformed, compared.error.message, { remedy: compared.error.remedy });
    const result = resultOf(pair, compared.value);
    return { pair, result: gate === undefined ? result : { ...result, gate: gate(pair, compared.value) } };
  });
  const requests = options.requests === undefined ? undefined : await readRequests(options.requests, context);
  const snapshots: SnapshotImpact[] = [];
  for (const dir of options.snapshot ?? []) {
    const snapshot = await loadSnapshot(dir, context);
    const coverage = coverageOf(snapshot, leasesOf(snapshot, dir), snapshot.takenAt);
    for (const { pair, result } of results)
      snapshots.push(
        await impactOnSnapshot(
          { name: dir, snapshot, coverage },
          pair.old.policy,
          pair.new.policy,
          result.diff.renamedControls,
        ),
      );
  }
  const judged: readonly RequestsImpact[] =
    requests === undefined
      ? []
      : results.map(({ pair }) => impactOnRequests(requests, pair.old.policy, pair.new.policy));
  return {
    results: results.map(({ result }) => result),
    snapshots,
    ...(requests === undefined
      ? {}
      : { requests: { requests: requests.length, changes: judged.flatMap(({ changes }) => changes) } }),
  };
}

async function readRequests(
  dir: string,
  context: CommandContext,
): Promise<readonly { readonly file: string; readonly request: ExceptionRequest }[]> {
  const files = await listFiles(dir, (name) => /\.ya?ml$/.test(name), context);
  if (files.length === 0)
    throw new CliFailure(EXIT.malformed, `there is no request in \`${dir}\``, {
      remedy: 'a request is a file such as `incident.yaml`',
    });
  const read = await Promise.all(
    files.map(async (file) => ({ file, parsed: parseRequest(await readTextFile(file, context), file) })),
  );
  const problems = read.flatMap(({ parsed }) => (parsed.ok ? [] : parsed.error));
  if (problems.length > 0)
    throw malformedDocuments(
      problems,
      `${countOf(read.filter(({ parsed }) => !parsed.ok).length, 'request')} in \`${dir}\` cannot be read`,
    );
  return read.flatMap(({ file, parsed }) => (parsed.ok ? [{ file, request: parsed.value }] : []));
}

function render(report: DiffReport, options: Options, context: CommandContext): string {
  switch (options.format) {
    case 'json':
      return jsonLine(diffJson(report));
    case 'markdown':
      return diffMarkdown(report);
    case 'sarif':
      return jsonLine(diffSarif(report));
    default: {
      const hasColor = context.color && options.out === undefined;
      return `${diffText(report, { width: context.width, paint: painter(hasColor) }).join('\n')}\n`;
    }
  }
}
