import { type Command, Option } from 'commander';
import { countOf, type EpochMs, formatInstant } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { readEstate } from '../estate.ts';
import { writeTextFile } from '../files.ts';
import { examples, nowOption, policyOption, snapshotOption, stateToReadOption } from '../options.ts';
import { note } from '../output.ts';
import { checkovSkips } from '../scanners/checkov.ts';
import { SCANNERS, type Scanner } from '../scanners/opposing.ts';
import { prowlerMutelist } from '../scanners/prowler.ts';
import { securityHubRules } from '../scanners/security-hub.ts';
import { suppressionsFor } from '../scanners/suppressions.ts';

interface Options {
  readonly for: Scanner;
  readonly policy: string;
  readonly snapshot?: string;
  readonly state?: string;
  readonly now?: EpochMs;
  readonly out?: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('export')
    .description(
      'Write the suppressions another scanner needs beside this policy: exactly the checks that ask for what it forbids, each with its reason and an end, from the policy and the exceptions that are live. The same input gives the same bytes; make them again before they end.',
    )
    .addOption(new Option('--for <scanner>', 'the scanner').choices(SCANNERS).makeOptionMandatory())
    .addOption(policyOption())
    .addOption(snapshotOption())
    .addOption(stateToReadOption())
    .addOption(nowOption())
    .option('--out <file>', 'write to a file')
    .addHelpText(
      'after',
      examples(
        'proviso export --for prowler --snapshot snapshot/ --out mutelist.yaml',
        'proviso export --for security-hub --state .proviso/',
        'proviso export --for checkov --state .proviso/ --out skips.tf',
      ),
    )
    .action((options: Options) => exportSuppressions(options, context));
}

const WRITERS = {
  prowler: prowlerMutelist,
  'security-hub': securityHubRules,
  checkov: checkovSkips,
} as const satisfies Record<Scanner, unknown>;

async function exportSuppressions(options: Options, context: CommandContext): Promise<void> {
  const { snapshot, policy, leases, report } = await readEstate(options, context);
  const set = suppressionsFor({ scanner: options.for, snapshot, policy, leases, now: report.now });
  const text = WRITERS[options.for](set, policy);
  if (options.out === undefined) context.stdout.write(text);
  else await writeTextFile(options.out, text, context);
  note(
    context,
    `${countOf(set.suppressions.length, 'suppression')} for ${options.for}, to be made again before ${formatInstant(set.validUntil)}`,
  );
}
