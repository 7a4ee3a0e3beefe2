import * as z from 'zod';
import type { ListedAttestation } from '../../attestations/index.ts';
import { err, ok, type Result } from '../../core/index.ts';
import {
  type CheckSummary,
  type Finding,
  type OutcomeCounts,
  reportSchemas,
  summaryOf,
} from '../../rules/index.ts';
import type { Scan } from './scan.ts';
import { STANDINGS, type Standing, standingOf } from './words.ts';

/** A check that a deployment made. */
export interface AnsweredReport {
  readonly summary: CheckSummary;
  readonly organizationId: string;
  /** In the order of a report. */
  readonly findings: readonly Finding[];
  readonly attestations: readonly ListedAttestation[];
  readonly notice?: string;
  readonly scan?: Scan;
}

/** Made when an answer is read: every other check has none. */
function answerSchema() {
  const { account, finding, head, instant } = reportSchemas();
  const attestationSchema = z
    .strictObject({
      id: z.string(),
      control: z.string(),
      document: z.strictObject({
        title: z.string(),
        reference: z.string(),
        sha256: z.string().exactOptional(),
      }),
      signer: z.strictObject({ id: z.string(), title: z.string() }),
      subjects: z.array(z.string()),
      signedAt: instant,
      validUntil: instant,
      standing: z.enum(['not-yet', 'current', 'expiring', 'expired']),
    })
    .transform(({ standing, ...attestation }): ListedAttestation => ({ attestation, standing }));

  const scanSchema = z.strictObject({
    id: z.string(),
    startedAt: instant,
    finishedAt: instant,
    notScanned: z.array(account),
  });

  return z.strictObject({
    ...head,
    findings: z.array(finding),
    // A scan reads none.
    attestations: z.array(attestationSchema).default([]),
    notice: z.string().exactOptional(),
    scan: scanSchema.exactOptional(),
  });
}

/**
 * Reads what `GET /findings` answered.
 * @returns why it cannot be believed, in words: its shape, or numbers that its findings do not come to
 */
export function readAnsweredReport(value: unknown): Result<AnsweredReport, string> {
  const parsed = answerSchema().safeParse(value);
  if (!parsed.success) {
    const where = z.core.toDotPath(parsed.error.issues[0]?.path ?? []);
    return err(`it is not a report of this version${where === '' ? '' : ` (\`${where}\`)`}`);
  }
  const { findings, attestations, notice, scan, ...rest } = parsed.data;
  const { summary, organizationId } = summaryOf(rest);
  const fault = faultOf(summary, findings, scan !== undefined);
  if (fault !== undefined) return err(fault);
  return ok({
    summary,
    organizationId,
    findings,
    attestations,
    ...(notice === undefined ? {} : { notice }),
    ...(scan === undefined ? {} : { scan }),
  });
}

/** What is counted and not listed would be missing in every format, and in the exit code. */
function faultOf(
  { counts, byControl }: CheckSummary,
  findings: readonly Finding[],
  isOfScan: boolean,
): string | undefined {
  const listed = Map.groupBy(findings, ({ controlId }) => controlId);
  const must = isOfScan ? NOT_FINE : STANDINGS;
  const names = new Set(byControl.map(({ controlId }) => controlId));
  if (names.size !== byControl.length) return 'it counts a control twice';
  if (new Set(findings.map(({ id }) => id)).size !== findings.length) return 'it lists a finding twice';
  if (findings.some(({ controlId }) => !names.has(controlId)))
    return 'it lists a finding of a control that it does not count';
  for (const standing of STANDINGS)
    if (
      counts[standing] !==
      sum(
        byControl.map((control) => control.counts),
        standing,
      )
    )
      return `its controls do not come to its ${counts[standing]} that are ${standing}`;
  for (const { controlId, counts: own } of byControl)
    for (const standing of must) {
      const shown = (listed.get(controlId) ?? []).filter(
        (finding) => standingOf(finding) === standing,
      ).length;
      if (shown !== own[standing])
        return `it lists ${shown} of the ${own[standing]} findings of ${controlId} that are ${standing}`;
    }
  return undefined;
}

const NOT_FINE: readonly Standing[] = ['non-compliant', 'indeterminate', 'covered'];

const sum = (all: readonly OutcomeCounts[], standing: Standing): number =>
  all.reduce((total, counts) => total + counts[standing], 0);
