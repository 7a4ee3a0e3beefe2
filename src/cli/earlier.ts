import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { readTextFile } from './files.ts';
import { type EarlierReport, incomparable, parseEarlierReport } from './report/history.ts';
import type { FindingView } from './report/view.ts';

/** The report that `--since` names. @throws {CliFailure} when this check cannot be compared with it */
export async function readEarlier(
  file: string,
  { report, organizationId }: FindingView,
  context: CommandContext,
): Promise<EarlierReport> {
  const read = parseEarlierReport(await readTextFile(file, context));
  const refusal = read.ok ? incomparable(read.value, report, organizationId) : read.error;
  if (!read.ok || refusal !== undefined)
    throw new CliFailure(EXIT.malformed, `\`${file}\` cannot be compared with: ${refusal}`, {
      remedy:
        'name a report of an earlier snapshot of the same organization, by the same policy, made with `--format json` and without filters',
    });
  return read.value;
}
