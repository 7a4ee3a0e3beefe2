import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type FileKey, readSigningKey } from '../../adapters/files/index.ts';
import type { PrincipalId } from '../../core/index.ts';
import { comparePolicies, isLoosening } from '../../diff/index.ts';
import {
  approveChange,
  type ChangeRecord,
  encodeChangeRecord,
  judgeChange,
  needsApproval,
  type PolicyChangeHashes,
  type ReviewBody,
} from '../../review/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { writeTextFile } from '../files.ts';
import { examples, formatOption, policyOption, readPrincipal } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { hashesOf, readRecord, readSigners, signersOption } from '../policy-diff/approvals.ts';
import { pairPolicies, readSides } from '../policy-diff/sides.ts';
import { groupOf } from '../program.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly as: PrincipalId;
  readonly body: string;
  readonly key: string;
  readonly record: string;
  readonly signers?: string;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy', 'review')
    .command('approve-change')
    .description(
      'Sign one change of the policy for one body, with an Ed25519 key. The record then lets the gate of `policy diff` pass, once every body that the old policy names has signed, each by another person. Read `policy diff` of the same two sides first: what is signed is their hashes.',
    )
    .argument('<old>', 'a policy, a folder, a git revision, REV:path, or a range such as main..HEAD')
    .argument('[new]', 'the same; without it, --policy as it is now')
    .addOption(policyOption())
    .addOption(
      new Option('--as <id>', 'who signs: an id of the signers file')
        .makeOptionMandatory()
        .argParser(readPrincipal),
    )
    .requiredOption('--body <body>', 'the body that approves: a reviewer of the old policy')
    .requiredOption('--key <file>', 'your private key, Ed25519 in PEM; it is read and never shown or copied')
    .requiredOption('--record <file>', 'the record to add the approval to; made if there is none')
    .addOption(signersOption())
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'openssl genpkey -algorithm ed25519 -out lena.pem',
        'proviso policy review approve-change main..HEAD --as lena --body legal --key lena.pem --record policy-approvals.json',
      ),
    )
    .action((old: string, next: string | undefined, options: Options) =>
      approve(old, next, options, context),
    );
}

async function approve(
  old: string,
  next: string | undefined,
  options: Options,
  context: CommandContext,
): Promise<void> {
  const sides = await readSides(old, next, options.policy, context);
  const signers = await readSigners(sides, options.signers, context);
  const { record } = await readRecord(options.record, context);
  const changes: { readonly change: PolicyChangeHashes; readonly bodies: readonly ReviewBody[] }[] = [];
  for (const pair of pairPolicies(sides)) {
    const compared = comparePolicies(pair.old, pair.new);
    if (!compared.ok)
      throw new CliFailure(EXIT.malformed, compared.error.message, { remedy: compared.error.remedy });
    const change = hashesOf(pair, signers);
    if (needsApproval(compared.value.changes.some(isLoosening), change) !== undefined)
      changes.push({ change, bodies: compared.value.reviewers });
  }
  if (changes.length === 0) {
    if (options.format === 'json') return writeJson(context, { result: 'not-needed' });
    return writeLines(context, ['nothing here needs an approval; nothing was written']);
  }
  const key = await keyOf(options.key, context);
  // A body need not review every policy of a folder; one that reviews none of them is refused by the first.
  const mine = changes.filter(({ bodies }) => bodies.some(({ body }) => body === options.body));
  let after: ChangeRecord = record;
  for (const { change, bodies } of mine.length === 0 ? changes.slice(0, 1) : mine) {
    const approved = approveChange({
      change,
      bodies,
      signers: signers.old?.signers ?? [],
      record: after,
      by: options.as,
      body: options.body,
      key,
    });
    if (!approved.ok) return refuse(approved.error, options, context);
    after = approved.value;
  }
  await writeTextFile(options.record, encodeChangeRecord(after), context);
  const missing = changes.flatMap(
    ({ change, bodies }) => judgeChange(change, bodies, signers.old?.signers ?? [], after).missing,
  );
  const left = [...new Set(missing.map(({ body }) => body))];
  if (options.format === 'json')
    return writeJson(context, {
      result: 'approved',
      record: options.record,
      approvals: after.approvals.slice(record.approvals.length),
      missing: left,
    });
  writeLines(context, [
    ...mine.flatMap(({ change }) =>
      wrap(
        printable(
          `${change.policyId} ${change.oldHash.slice(0, 12)}..${change.newHash.slice(0, 12)}  approved by ${options.as} for ${options.body}, in ${options.record}`,
        ),
        context.width,
      ),
    ),
    left.length === 0 ? 'every body has approved' : `still to approve: ${left.join(', ')}`,
  ]);
}

function refuse(
  refusal: { readonly code: string; readonly message: string },
  options: Options,
  context: CommandContext,
): void {
  if (options.format === 'json') writeJson(context, { result: 'refused', ...refusal });
  const lines = wrap(`refused: ${printable(refusal.message)}`, context.width);
  context.stderr.write(`${[...lines, `  [${refusal.code}]`].join('\n')}\n`);
  context.exitCode = EXIT.findings;
}

const KEY_FAULTS = {
  missing: ['is not there', 'check the path'],
  unreadable: ['could not be read', 'check what it is and its permissions'],
  'not-ed25519': [
    'holds no Ed25519 private key in PEM that can be read',
    'make one with `openssl genpkey -algorithm ed25519`, without a passphrase; or take that off into a file for this one use',
  ],
} as const;

async function keyOf(path: string, context: CommandContext): Promise<FileKey> {
  const key = await readSigningKey(resolve(context.cwd, path));
  if (key.ok) return key.value;
  const [what, remedy] = KEY_FAULTS[key.error];
  throw new CliFailure(EXIT.malformed, `the key \`${path}\` ${what}`, { remedy });
}
