import { type Command, Option } from 'commander';
import { ok, type PrincipalId } from '../../core/index.ts';
import type { Preview } from '../../enforcement/index.ts';
import type { CommandContext } from '../context.ts';
import { isRemote, withDesk } from '../desk.ts';
import { loadSnapshot } from '../estate.ts';
import { type CommonOptions, exceptionCommand, readRequest } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { readPrincipal, snapshotOption } from '../options.ts';
import { note, writeJson, writeLines } from '../output.ts';
import { refused } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends CommonOptions {
  readonly as?: PrincipalId;
  readonly snapshot?: string;
}

export function register(program: Command, context: CommandContext): void {
  exceptionCommand(
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

async function preview(file: string, options: Options, context: CommandContext): Promise<void> {
  const request = await readRequest(file, context);
  const { snapshot } = options;
  if (snapshot !== undefined && isRemote(options, context))
    throw new CliFailure(EXIT.malformed, '`--snapshot` is for a state directory', {
      remedy: 'leave it out: a deployment reads the identities of the request’s accounts itself',
    });
  const brought =
    snapshot === undefined
      ? {}
      : { surroundings: { of: async () => ok(await loadSnapshot(snapshot, context)) } };
  await withDesk(
    options,
    context,
    async (desk) => {
      const told = await desk.call('previewException', { params: {}, body: { request } });
      if (!told.ok) return refused(context, told.error);
      const { notSeen, ...made } = told.value;
      if (notSeen !== undefined) note(context, `the identities could not be read: ${notSeen}`);
      context.exitCode = EXIT_OF[made.outcome];
      if (options.format === 'json') return writeJson(context, { schemaVersion: 1, ...made });
      writeLines(context, previewLines(made, context.width));
    },
    brought,
  );
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
