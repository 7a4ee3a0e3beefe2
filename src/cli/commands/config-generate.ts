import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { CONFIG_LIMITS, generateConfig } from '../../compliance/index.ts';
import { type AccountId, countOf, isAccountId } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { loadSnapshot } from '../estate.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { kindOfPath, writeTextFile } from '../files.ts';
import { examples, policyOption, readAccounts, snapshotOption } from '../options.ts';
import { writeLines } from '../output.ts';
import { loadPolicy } from '../policies.ts';
import { groupOf } from '../program.ts';
import { wrap } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly snapshot?: string;
  readonly governanceAccount: AccountId;
  readonly prefix: string;
  readonly partition: string;
  readonly exclude?: readonly AccountId[];
  readonly out: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'config')
    .command('generate')
    .description(
      'Write the AWS Config rules of a policy: for each governed Region the input of PutOrganizationConfigRule, and a conformance-pack template. Refuses what is above a limit of AWS Config, with the numbers. Calls nothing.',
    )
    .addOption(policyOption())
    .addOption(snapshotOption())
    .requiredOption('--governance-account <id>', 'the account that runs Proviso', readAccount)
    .option('--prefix <text>', 'first part of the functions’ names there, service and stage', 'proviso-prod')
    .option('--partition <name>', 'aws, aws-us-gov or aws-cn', 'aws')
    .option('--exclude <id>', 'an account without the rules; may be repeated', readAccounts)
    .requiredOption('--out <dir>', 'a new folder for the files')
    .addHelpText(
      'after',
      examples(
        'proviso config generate --governance-account 111111111111 --snapshot examples/organization --out dist/config',
      ),
    )
    .action((options: Options) => generate(options, context));
}

function readAccount(text: string): AccountId {
  if (!isAccountId(text)) throw new InvalidArgumentError('expected an account id of 12 digits');
  return text;
}

const UNUSABLE: ReadonlySet<string> = new Set(['SUSPENDED', 'CLOSED', 'PENDING_CLOSURE']);

async function generate(options: Options, context: CommandContext): Promise<void> {
  if ((await kindOfPath(options.out, context)) !== 'nothing')
    throw new CliFailure(EXIT.malformed, `\`${options.out}\` exists already`, {
      remedy: 'name a new folder: files of an older policy must not be mixed with these',
    });
  const policy = await loadPolicy(options.policy, context);
  const accounts =
    options.snapshot === undefined
      ? []
      : (await loadSnapshot(options.snapshot, context)).organization.accounts;
  const excluded = [
    ...(options.exclude ?? []).map((accountId) => ({ accountId, reason: 'asked for' })),
    ...accounts
      .filter(({ id, state }) => UNUSABLE.has(state) && !(options.exclude ?? []).includes(id))
      .map(({ id, state }) => ({ accountId: id, reason: `the account is ${state}` })),
  ];
  const generated = generateConfig(policy, {
    governanceAccount: options.governanceAccount,
    functionPrefix: options.prefix,
    partition: options.partition,
    excluded,
  });
  if (!generated.ok)
    throw new CliFailure(EXIT.findings, 'AWS Config would refuse these rules', {
      details: generated.error,
      remedy: 'nothing was written; leave out fewer accounts, or shorten the names',
    });
  const { regions, conformancePack } = generated.value;
  const written: string[] = [];
  for (const { region, rules } of regions)
    for (const rule of rules) {
      const file = `${options.out}/${region}/${rule.OrganizationConfigRuleName}.json`;
      await writeTextFile(file, `${JSON.stringify(rule, undefined, 2)}\n`, context);
      written.push(file);
    }
  await writeTextFile(`${options.out}/conformance-pack.yml`, conformancePack, context);
  const lines = [
    ...wrap(
      `wrote ${countOf(written.length, 'organization rule')} for ${countOf(regions.length, 'Region')} and a conformance pack (${Buffer.byteLength(conformancePack)} of ${CONFIG_LIMITS.templateBytes} bytes) to ${options.out}`,
      context.width,
    ),
    ...excluded.flatMap(({ accountId, reason }) =>
      wrap(`without ${accountId}: ${reason}`, context.width, '  '),
    ),
    ...wrap(
      'put the rules Region by Region: aws configservice put-organization-config-rule --region REGION --cli-input-json file://FILE. Use the rules or the pack, not both.',
      context.width,
    ),
  ];
  writeLines(context, lines);
}
