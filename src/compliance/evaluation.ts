import { type EpochMs, formatInstant } from '../core/index.ts';
import type { Evaluation } from '../enforcement/index.ts';
import type { Finding } from '../rules/index.ts';
import { decidingLeaves } from '../rules/index.ts';

/** PutEvaluations takes 1 to 256 characters. */
export const MAX_ANNOTATION = 256;

/**
 * An annotation that AWS takes: one line, at most 256 UTF-16 units, cut at a word, never inside a character.
 * Text that comes from accounts (names, error codes) may hold anything, so control characters become spaces.
 */
export function annotation(text: string): string {
  const line = text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toWellFormed();
  if (line === '') return 'no reason was given';
  if (line.length <= MAX_ANNOTATION) return line;
  let cut = '';
  for (const character of line) {
    if (cut.length + character.length > MAX_ANNOTATION - 1) break;
    cut += character;
  }
  const space = cut.lastIndexOf(' ');
  // A word longer than a third of the whole is cut rather than dropped.
  return `${space > (MAX_ANNOTATION * 2) / 3 ? cut.slice(0, space) : cut}…`;
}

type Resource = Pick<Evaluation, 'resourceType' | 'resourceId'>;

/**
 * One evaluation of several findings about one resource: the worst counts.
 *
 * - violated and not covered, or not decided: NON_COMPLIANT. AWS Config has no "unknown", and unknown is not compliant.
 * - covered by a live exception or an attestation: COMPLIANT, with its name. What has ended covers nothing any more.
 * - nothing applies: NOT_APPLICABLE, which also takes an earlier answer away.
 */
export function evaluationOf(findings: readonly Finding[], resource: Resource, at: EpochMs): Evaluation {
  const bad = findings.filter(
    ({ outcome, coveredBy }) => outcome === 'non-compliant' && coveredBy === undefined,
  );
  const unknown = findings.filter(({ outcome }) => outcome === 'indeterminate');
  const covered = findings.filter(({ coveredBy }) => coveredBy !== undefined);
  const fine = findings.filter(({ outcome }) => outcome === 'compliant');
  const common = { ...resource, at };
  if (bad.length > 0 || unknown.length > 0) {
    const parts = [
      ...bad.map(({ controlId, message }) => `${controlId}: ${message}`),
      ...unknown.map((finding) => `${finding.controlId} not known: ${whyUnknown(finding)}`),
    ];
    return { ...common, compliance: 'NON_COMPLIANT', annotation: annotation(parts.join(' ')) };
  }
  if (covered.length > 0) {
    const by = covered.flatMap(({ controlId, coveredBy }) =>
      coveredBy === undefined
        ? []
        : [
            coveredBy.kind === 'exception'
              ? `${controlId} covered by exception ${coveredBy.exceptionId} until ${formatInstant(coveredBy.until)}`
              : `${controlId} covered by attestation ${coveredBy.attestationId} until ${formatInstant(coveredBy.until)}`,
          ],
    );
    return { ...common, compliance: 'COMPLIANT', annotation: annotation(by.join('; ')) };
  }
  if (fine.length > 0)
    return {
      ...common,
      compliance: 'COMPLIANT',
      annotation: annotation(fine.map(({ controlId }) => controlId).join(', ')),
    };
  return { ...common, compliance: 'NOT_APPLICABLE', annotation: 'no control of the policy applies here' };
}

/** The first fact that could not be seen, with its reason as AWS named it. */
function whyUnknown({ explanation, evidence }: Finding): string {
  const leaves = [explanation.when, explanation.require].flatMap((each) =>
    each === undefined ? [] : decidingLeaves(each),
  );
  const unseen = leaves.flatMap(({ observation }) =>
    observation.kind === 'unobservable'
      ? [
          `${observation.source?.call ?? 'a fact'}: ${observation.reason}${observation.detail === undefined || observation.detail === observation.reason ? '' : ` (${observation.detail})`}`,
        ]
      : [],
  );
  return unseen[0] ?? evidence[0] ?? 'evidence is missing';
}
