import { countOf, formatProblem, type Problem } from '../core/index.ts';
import { casesFileFor, type LoadedPolicy, parsePolicy, policyFileKind } from '../policy/index.ts';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { kindOfPath, listFiles, readTextFile } from './files.ts';

/**
 * The policy files that `--policy` means: the file itself, or those of the folder (cases files are not policies).
 * @throws {CliFailure} when there is none
 */
export async function policyFiles(path: string, context: CommandContext): Promise<readonly string[]> {
  switch (await kindOfPath(path, context)) {
    case 'nothing':
      throw new CliFailure(EXIT.malformed, `there is no \`${path}\``, {
        remedy: 'name a policy, or a folder of policies, with `--policy`',
      });
    case 'file':
      if (policyFileKind(path) === 'cases')
        throw new CliFailure(EXIT.malformed, `\`${path}\` holds cases, not a policy`, {
          remedy: `name the policy beside it: \`${path.replace('.cases.', '.')}\``,
        });
      return [path];
    case 'folder': {
      const files = await listFiles(path, (name) => policyFileKind(name) === 'policy', context);
      if (files.length === 0)
        throw new CliFailure(EXIT.malformed, `there is no policy in \`${path}\``, {
          remedy: 'a policy is a file such as `prompt-storage.yaml`',
        });
      return files;
    }
  }
}

/**
 * The one policy to judge by.
 * @throws {CliFailure} when it is malformed, or the folder holds several and nobody said which
 */
export async function loadPolicy(path: string, context: CommandContext): Promise<LoadedPolicy> {
  const files = await policyFiles(path, context);
  const [file] = files;
  if (file === undefined || files.length > 1)
    throw new CliFailure(EXIT.malformed, `\`${path}\` holds ${files.length} policies`, {
      remedy: `name one: --policy ${file}`,
    });
  const parsed = parsePolicy(await readTextFile(file, context), file);
  if (!parsed.ok) throw malformedDocuments(parsed.error, `\`${file}\` is not a policy that can be used`);
  return parsed.value;
}

/** The cases beside a policy, if there are any. */
export async function casesFileBeside(
  policyFile: string,
  context: CommandContext,
): Promise<string | undefined> {
  const file = casesFileFor(policyFile);
  return (await kindOfPath(file, context)) === 'file' ? file : undefined;
}

/** The refusal of documents with faults, all of them told. */
export const malformedDocuments = (problems: readonly Problem[], message: string): CliFailure =>
  new CliFailure(EXIT.malformed, message, {
    details: problems.map(formatProblem),
    remedy: `${countOf(problems.length, 'fault')}; nothing was done`,
    problems,
  });
