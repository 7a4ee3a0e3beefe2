import { type Command, Option } from 'commander';
import { type PrincipalId, principalId } from '../../core/index.ts';
import { bucketsOf, invokersOf } from '../../enforcement/index.ts';
import { collectSnapshot } from '../../evidence/index.ts';
import { judge, parseRequest, readLeaseRows } from '../../exceptions/index.ts';
import type { CommandContext } from '../context.ts';
import { loadSnapshot } from '../estate.ts';
import { type StateOptions, stateCommand } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { readTextFile } from '../files.ts';
import { snapshotOption } from '../options.ts';
import { note, writeJson, writeLines } from '../output.ts';
import { malformedDocuments } from '../policies.ts';
import { type Preview, previewOf } from '../preview.ts';
import { readPrincipal, withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends StateOptions {
  readonly as?: PrincipalId;
  readonly snapshot?: string;
}

export function register(program: Command, context: CommandContext): void {
  stateCommand(
    program,
    'preview',
    'Say what a request would mean before anybody asks for it: whose prompts would be captured, who would fight it, when content is gone, and each condition of the policy. Nothing is recorded. Exit code 1 where the policy would refuse it, 3 where it cannot be decided.',
    'proviso exception preview examples/requests/incident.yaml --as sam.okafor',
  )
    .argument('<file>', 'the request')
    .addOption(
      new Option(
        '--as <id>',
        'who would ask; without it, whether the approvers differ from them is not judged',
      ).argParser(readPrincipal),
    )
    .addOption(snapshotOption())
    .action((file: string, options: Options) => preview(file, options, context));
}

/** An id that nobody has: every role then needs a person of its own, and none of them is taken out. */
const NOBODY = principalId('not-named');

async function preview(file: string, options: Options, context: CommandContext): Promise<void> {
  const parsed = parseRequest(await readTextFile(file, context), file);
  if (!parsed.ok) throw malformedDocuments(parsed.error, `\`${file}\` is not a request that can be judged`);
  const request = parsed.value;
  await withState(options.state, context, async (state) => {
    const { services } = state;
    const policy = await services.policyInForce.current();
    const now = services.clock.now();
    const rows = (await readLeaseRows(services.store, request)).map((row) => row?.value);
    const organization = await services.organizationView.organization();
    const judgement = judge({
      request,
      requesterId: options.as ?? NOBODY,
      policy,
      organization,
      people: await services.directory.people(),
      rows,
      buckets: await bucketsOf(services, request),
      invokers: await invokersOf(services, request, organization),
      scope: 'submission',
      now,
    });
    const collected =
      options.snapshot === undefined
        ? await collectSnapshot(state.aws.evidence, {
            regions: policy.policy.storage.scope.regions,
            takenAt: now,
            signal: context.signal,
          })
        : { ok: true as const, value: await loadSnapshot(options.snapshot, context) };
    if (!collected.ok) note(context, `the identities could not be read: ${collected.error.message}`);
    const snapshot = collected.ok ? collected.value : undefined;
    const made = previewOf({ request, policy, judgement, snapshot, rows, now });
    context.exitCode = EXIT_OF[made.outcome];
    if (options.format === 'json') return writeJson(context, { schemaVersion: 1, ...made });
    writeLines(context, previewLines(made, context.width));
  });
}

const EXIT_OF = { admitted: EXIT.fine, refused: EXIT.findings, undecided: EXIT.undecided } as const;
const VERDICT = {
  admitted: 'The policy in force would admit it.',
  refused: 'The policy in force would REFUSE it.',
  undecided: 'Whether the policy in force admits it cannot be decided.',
} as const;
const HOLDS = { met: 'met      ', 'not-met': 'NOT met  ', undecided: 'undecided' } as const;
const ORDER = { 'not-met': 0, undecided: 1, met: 2 } as const;

const previewLines = ({ outcome, conditions, parts }: Preview, width: number): readonly string[] => [
  VERDICT[outcome],
  ...parts.flatMap(({ title, says }) => [
    '',
    title,
    ...says.flatMap((sentence) => wrap(`- ${printable(sentence)}`, width, '  ', '    ')),
  ]),
  '',
  'Conditions of the policy',
  ...conditions
    .toSorted((a, b) => ORDER[a.holds] - ORDER[b.holds])
    .flatMap(({ clause, holds, says }) =>
      wrap(printable(`${clause}: ${says}`), width, `  ${HOLDS[holds]}  `, ' '.repeat(13)),
    ),
];
