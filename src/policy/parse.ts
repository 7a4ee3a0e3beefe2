import { err, hashOf, ok, type Problem, parseSourceDocument, type Result } from '../core/index.ts';
import { checkConditionDepths, checkPolicy } from './check.ts';
import { inTextOrder, problemsOf } from './problems.ts';
import { Report } from './report.ts';
import { type LoadedPolicy, policySchema } from './schema.ts';

/**
 * Reads a policy. All faults of the file are told, those of form and those of meaning, in the order of the text; only a file
 * that is not YAML, or whose conditions are too deep to walk, is told about that alone.
 *
 * @param file - the name shown in problems; nothing is read from it
 * @returns the policy with its hash, which covers what it says (canonical JSON, defaults included), not its layout or comments
 */
export function parsePolicy(text: string, file: string): Result<LoadedPolicy, readonly Problem[]> {
  const document = parseSourceDocument(text, file);
  if (!document.ok) return document;
  const source = document.value;
  const depths = new Report(source);
  if (!checkConditionDepths(depths)) return err(inTextOrder(depths.problems));
  const parsed = policySchema.safeParse(source.value);
  const faults = parsed.success ? [] : problemsOf(source, parsed.error, policySchema);
  // A file of another kind would break every rule of this one; saying so once is enough.
  const isOfAnotherKind = faults.filter(
    ({ code }) => code === 'wrong-kind' || code === 'unsupported-version',
  );
  if (isOfAnotherKind.length > 0) return err(isOfAnotherKind);
  const problems = inTextOrder([...faults, ...checkPolicy(source)]);
  if (!parsed.success || problems.length > 0) return err(problems);
  return ok({ policy: parsed.data, hash: hashOf(parsed.data), file });
}

/** What a file of a policy folder is, by its name: `prompt-storage.cases.yaml` holds the cases of `prompt-storage.yaml`. */
export type PolicyFileKind = 'policy' | 'cases' | 'other';

export function policyFileKind(fileName: string): PolicyFileKind {
  if (/\.cases\.ya?ml$/.test(fileName)) return 'cases';
  return /\.ya?ml$/.test(fileName) ? 'policy' : 'other';
}

/** `policies/prompt-storage.yaml` -> `policies/prompt-storage.cases.yaml`. */
export const casesFileFor = (policyFile: string): string => policyFile.replace(/(\.ya?ml)$/, '.cases$1');
