import { InvalidArgumentError, Option } from 'commander';
import { type Policy, type PolicyCases, parsePolicy, parsePolicyCases } from '../policy/index.ts';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { readTextFile } from './files.ts';
import { casesFileBeside, malformedDocuments, policyFiles } from './policies.ts';

/** A policy with the cases beside it, as `policy coverage`, `policy mutate` and `policy cases suggest` read them. */
export interface PolicyWithCases {
  readonly policyFile: string;
  readonly casesFile: string;
  readonly policy: Policy;
  readonly cases: PolicyCases;
}

/** @throws {CliFailure} with all faults of either file; and where a policy has no cases at all */
export async function readPoliciesWithCases(
  path: string,
  context: CommandContext,
): Promise<readonly PolicyWithCases[]> {
  const all: PolicyWithCases[] = [];
  for (const file of await policyFiles(path, context)) all.push(await readOne(file, context));
  return all;
}

async function readOne(policyFile: string, context: CommandContext): Promise<PolicyWithCases> {
  const loaded = parsePolicy(await readTextFile(policyFile, context), policyFile);
  if (!loaded.ok)
    throw malformedDocuments(loaded.error, `\`${policyFile}\` is not a policy that can be used`);
  const { policy } = loaded.value;
  const casesFile = await casesFileBeside(policyFile, context);
  if (casesFile === undefined)
    throw new CliFailure(EXIT.findings, `\`${policyFile}\` has no cases beside it`, {
      remedy: 'write them; `proviso policy schema --for cases` gives their form to an editor',
    });
  const cases = parsePolicyCases(await readTextFile(casesFile, context), casesFile, policy);
  if (!cases.ok) throw malformedDocuments(cases.error, `the cases in \`${casesFile}\` cannot be used`);
  return { policyFile, casesFile, policy, cases: cases.value };
}

export const minOption = (what: string): Option =>
  new Option('--min <percent>', `exit code 1 when ${what} is below this`).default(100).argParser(readPercent);

function readPercent(text: string): number {
  const percent = /^[0-9]{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(percent <= 100)) throw new InvalidArgumentError('expected a whole number from 0 to 100');
  return percent;
}
