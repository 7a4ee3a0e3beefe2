import * as z from 'zod';
import { type EpochMs, err, formatInstant, ok, type Result } from '../../core/index.ts';
import type { CheckReport, Finding } from '../../rules/index.ts';
import { instantSchema, REPORT_SCHEMA_VERSION } from '../../rules/index.ts';
import { STANDINGS, type Standing, standingOf } from './words.ts';

/*
 * First and last seen, against an earlier run. A finding is "seen" while its subject is not known to be fine: non-compliant, covered
 * or indeterminate. Unknown is not fine, so a violation that could not be read for a day is still the same violation.
 */

/** What an earlier `check --format json` says of one finding. */
interface EarlierFinding {
  readonly standing: Standing;
  readonly first: EpochMs;
  readonly last: EpochMs;
}

export interface EarlierReport {
  readonly policyId: string;
  readonly organizationId: string | undefined;
  readonly takenAt: EpochMs;
  readonly findings: ReadonlyMap<string, EarlierFinding>;
}

export interface Seen {
  /** The snapshot in which it was first not fine, as far back as the reports reach. */
  readonly first: EpochMs;
  /** The latest snapshot in which it was not fine. */
  readonly last: EpochMs;
  /** Only against an earlier run. `new`: worse than it was; `resolved`: it was not fine and now is. */
  readonly change?: 'new' | 'unchanged' | 'resolved';
}

/**
 * Made when an earlier report is read: most checks have none. What this version does not know is passed over: a later version may say more, and
 * must raise the number when it means another thing.
 */
function earlierSchema() {
  const instant = instantSchema();
  return z.object({
    kind: z.literal('CheckReport'),
    schemaVersion: z.literal(REPORT_SCHEMA_VERSION),
    policy: z.object({ id: z.string() }),
    organization: z.object({ id: z.string() }).optional(),
    snapshotTakenAt: instant,
    counts: z.record(z.enum(STANDINGS), z.int().min(0)),
    findings: z.array(
      z.object({
        id: z.string().regex(/^[0-9a-f]{16}$/),
        outcome: z.enum(['compliant', 'non-compliant', 'not-applicable', 'indeterminate']),
        coveredBy: z.object({}).optional(),
        seen: z.object({ first: instant, last: instant }).optional(),
      }),
    ),
  });
}

/**
 * Reads an earlier report.
 * @returns why it cannot be compared with, in words; one made with `--control` or `--account` is refused, since what it leaves out
 *   would look new
 */
export function parseEarlierReport(text: string): Result<EarlierReport, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err('it is not JSON');
  }
  const parsed = earlierSchema().safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.map(String).join('.') ?? '';
    return err(`it is not a report of this version${where === '' ? '' : ` (\`${where}\`)`}`);
  }
  const { policy, organization, snapshotTakenAt, counts, findings } = parsed.data;
  const counted = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (counted !== findings.length) return err(`it shows ${findings.length} of its ${counted} findings`);
  return ok({
    policyId: policy.id,
    organizationId: organization?.id,
    takenAt: snapshotTakenAt,
    findings: new Map(
      findings.map(({ id, outcome, coveredBy, seen }) => [
        id,
        {
          standing: coveredBy === undefined ? outcome : 'covered',
          first: seen?.first ?? snapshotTakenAt,
          last: seen?.last ?? snapshotTakenAt,
        },
      ]),
    ),
  });
}

/** Why two runs cannot be compared, or nothing. */
export function incomparable(
  earlier: EarlierReport,
  report: Pick<CheckReport, 'policy' | 'snapshotTakenAt'>,
  organizationId: string,
): string | undefined {
  if (earlier.policyId !== report.policy.id) return `it is of another policy, \`${earlier.policyId}\``;
  if (earlier.organizationId !== undefined && earlier.organizationId !== organizationId)
    return `it is of another organization, \`${earlier.organizationId}\``;
  return earlier.takenAt > report.snapshotTakenAt
    ? `its snapshot of ${formatInstant(earlier.takenAt)} is later than this one`
    : undefined;
}

/** The worse, the higher; from a lower to a higher rank is new. */
const RANKS = {
  compliant: 0,
  'not-applicable': 0,
  covered: 1,
  indeterminate: 2,
  'non-compliant': 3,
} as const satisfies Record<Standing, number>;

/** When a finding was first and last seen; nothing for one that is fine and was. */
export function seenOf(
  finding: Finding,
  { snapshotTakenAt }: Pick<CheckReport, 'snapshotTakenAt'>,
  earlier: EarlierReport | undefined,
): Seen | undefined {
  const before = earlier?.findings.get(finding.id);
  const rank = RANKS[standingOf(finding)];
  const rankBefore = before === undefined ? 0 : RANKS[before.standing];
  if (rank === 0)
    return before === undefined || rankBefore === 0
      ? undefined
      : { first: before.first, last: before.last, change: 'resolved' };
  const first = before !== undefined && rankBefore > 0 ? before.first : snapshotTakenAt;
  return {
    first,
    last: snapshotTakenAt,
    ...(earlier === undefined ? {} : { change: rank > rankBefore ? 'new' : 'unchanged' }),
  };
}

export interface Changes {
  /** The earlier run's snapshot. */
  readonly since: EpochMs;
  readonly new: number;
  readonly unchanged: number;
  readonly resolved: number;
  /** Ids that were not fine and whose subject this run does not know any more, sorted. */
  readonly gone: readonly string[];
}

/** Counts what changed while the findings of a check pass by. */
export class ChangeCounter {
  readonly #earlier: EarlierReport;
  readonly #taken: Pick<CheckReport, 'snapshotTakenAt'>;
  readonly #counts = { new: 0, unchanged: 0, resolved: 0 };
  /** Ids that were not fine and did not come yet. */
  readonly #missing: Set<string>;

  constructor(earlier: EarlierReport, taken: Pick<CheckReport, 'snapshotTakenAt'>) {
    this.#earlier = earlier;
    this.#taken = taken;
    this.#missing = new Set(
      [...earlier.findings].filter(([, { standing }]) => RANKS[standing] > 0).map(([id]) => id),
    );
  }

  see(finding: Finding): void {
    this.#missing.delete(finding.id);
    const change = seenOf(finding, this.#taken, this.#earlier)?.change;
    if (change !== undefined) this.#counts[change] += 1;
  }

  /** After the last finding. */
  changes(): Changes {
    return { since: this.#earlier.takenAt, ...this.#counts, gone: [...this.#missing].sort() };
  }
}
