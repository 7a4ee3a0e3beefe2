import manifest from '../../package.json' with { type: 'json' };
import { type AccountId, durationMs, formatDuration, formatInstant, HOUR } from '../core/index.ts';
import { type LoadedPolicy, parsePolicy } from '../policy/index.ts';
import type { CheckSummary, Finding } from '../rules/index.ts';
import type { CommandContext } from './context.ts';
import { type Desk, type DeskOptions, withDesk } from './desk.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { note } from './output.ts';
import { type AnsweredReport, readAnsweredReport } from './report/answer.ts';
import type { TimelineEvent } from './report/html.ts';
import { describeScan, type Scan } from './report/scan.ts';
import type { FindingView, ReportView } from './report/view.ts';
import { type Standing, standingOf } from './report/words.ts';

/** A check that is shown: one that is made now, or one that a deployment made. */
export interface ShownCheck {
  readonly view: FindingView;
  readonly attestations: ReportView['attestations'];
  readonly timeline: readonly TimelineEvent[];
  readonly notice?: string | undefined;
  readonly scan?: Scan | undefined;
  readonly sameEvidence?: string | undefined;
  /** @throws {CliFailure} where nothing can be shown of it: a filter that matches nothing would give an empty, reassuring page */
  requireAccount(id: AccountId): void;
  /** Once only. */
  run(receive: (make: () => Finding, what: { readonly standing: Standing }) => void): Promise<CheckSummary>;
}

/**
 * The last check of a deployment, as `GET /findings` has it, with the policy that made it.
 *
 * @param how - `isCompared`: with an earlier report, for which every finding must be there; `saysScan`: whether the format itself says that
 *   a scan made it
 * @throws {CliFailure} `EXIT.undecided` when there is no report, or none by the policy in force; `EXIT.fault` when the answer cannot be believed
 */
export async function deployedCheck(
  options: DeskOptions & { readonly api: string },
  { isCompared, saysScan }: { readonly isCompared: boolean; readonly saysScan: boolean },
  context: CommandContext,
): Promise<ShownCheck> {
  return withDesk(options, context, async (desk) => {
    const read = readAnsweredReport(await answered(desk, 'getFindings'));
    if (!read.ok) throw unbelievable(options.api, read.error);
    const { summary, organizationId, findings, attestations, notice, scan } = read.value;
    const policy = await policyOf(desk, read.value, options.api);
    if (isCompared && scan !== undefined)
      throw new CliFailure(
        EXIT.malformed,
        'the scan of a deployment cannot be compared with an earlier report',
        {
          remedy:
            'it lists only what is not fine, so what is fine again cannot be told from what is gone; take a snapshot with `proviso collect` and check that',
        },
      );
    if (scan !== undefined) tellScan(scan, summary, saysScan, context);
    const listed = new Set(findings.map(({ subject }) => subject.accountId));
    return {
      view: { report: summary, organizationId, policy, version: manifest.version },
      attestations,
      timeline: [],
      notice,
      scan,
      requireAccount: (id) => {
        if (listed.has(id)) return;
        throw scan === undefined
          ? new CliFailure(EXIT.malformed, `the report has no account \`${id}\``, { remedy: 'check the id' })
          : new CliFailure(EXIT.undecided, `the scan lists nothing of the account \`${id}\``, {
              remedy:
                'all of it is fine, or the organization has no such account; `proviso collect` and `check --snapshot` tell which',
            });
      },
      run: async (receive) => {
        for (const finding of findings) receive(() => finding, { standing: standingOf(finding) });
        return summary;
      },
    };
  });
}

async function answered(desk: Desk, id: 'getFindings' | 'getPolicy') {
  const answer = await desk.call(id, { params: {} });
  if (answer.ok) return answer.value;
  const { message, remedy } = answer.error;
  throw new CliFailure(EXIT.findings, message, remedy === undefined ? {} : { remedy });
}

const unbelievable = (api: string, why: string): CliFailure =>
  new CliFailure(EXIT.fault, `what \`${api}\` answered cannot be used: ${why}`, {
    remedy:
      'use the version of proviso that is deployed there (`GET /health` says which); nothing was judged',
  });

/** The policy in force, which must be the one that judged: its controls are what a report is arranged by. */
async function policyOf(desk: Desk, { summary }: AnsweredReport, api: string): Promise<LoadedPolicy> {
  const { name, text } = (await answered(desk, 'getPolicy')) as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || typeof text !== 'string') throw unbelievable(api, 'it has no policy');
  const parsed = parsePolicy(text, name);
  if (!parsed.ok) throw unbelievable(api, 'its policy is none for this version');
  const policy = parsed.value;
  if (policy.hash !== summary.policy.hash)
    throw new CliFailure(
      EXIT.undecided,
      `the last check was made by another policy (hash ${summary.policy.hash.slice(0, 16)}) than the one in force (${policy.hash.slice(0, 16)})`,
      {
        remedy:
          'what the policy in force says of the accounts is not known: scan again, or wait for the nightly scan',
      },
    );
  const ids = policy.policy.controls.map(({ id }) => id);
  const judged = [...summary.byControl.map(({ controlId }) => controlId), ...summary.notAsked];
  const isWhole = judged.length === ids.length && ids.every((id) => judged.includes(id));
  if (!isWhole)
    throw unbelievable(api, 'it does not say of every control of the policy whether it was asked');
  return policy;
}

/** Beside the report: whoever reads it must not take an old one for today’s, nor what a scan lists for all there is. */
function tellScan(
  scan: Scan,
  { snapshotTakenAt }: CheckSummary,
  isSaid: boolean,
  context: CommandContext,
): void {
  const age = context.clock.now() - snapshotTakenAt;
  const words = age < HOUR ? 'less than 1h' : formatDuration(durationMs(Math.floor(age / HOUR) * HOUR));
  note(context, `what follows was seen at ${formatInstant(snapshotTakenAt)}, ${words} ago`);
  if (!isSaid) for (const line of describeScan(scan)) note(context, line);
}
