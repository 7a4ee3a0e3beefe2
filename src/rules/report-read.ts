import * as z from 'zod';
import {
  type AccountId,
  type EpochMs,
  type ExceptionId,
  isAccountId,
  isExceptionId,
  isRegion,
  parseInstant,
  type Region,
  type Sha256Hex,
} from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import {
  CONTROL_ID,
  FACT_NAMES,
  type FactName,
  type FactValue,
  MAX_CONDITION_DEPTH,
  OPERATOR_NAMES,
  type Operator,
  SEVERITIES,
} from '../policy/index.ts';
import { type CheckSummary, findingId } from './check.ts';
import { REPORT_SCHEMA_VERSION, sourceJson, sourcesOf } from './report-json.ts';
import { allOf, anyOf, notOf } from './truth.ts';
import type { Coverage, Explanation, Finding, SubjectRef } from './types.ts';
import { verdictOf } from './verdict.ts';

/*
 * What report-json.ts writes, read back. It comes from another machine, and an exit code is made of it: what is not understood is refused,
 * and what follows from other members (the id, the outcome, the sources) must be what follows from them.
 */

const that = <T extends string>(is: (text: string) => text is T) =>
  z.custom<T>((value) => typeof value === 'string' && is(value));

/** UTC text. */
export const instantSchema = () =>
  z.string().transform((text, context): EpochMs => {
    const read = parseInstant(text);
    if (read.ok) return read.value;
    context.addIssue({ code: 'custom', message: read.error });
    return z.NEVER;
  });

/** Made when a report is first read: a function of AWS that never reads one must not make them at its start. */
export const reportSchemas = (): Schemas => {
  made ??= schemas();
  return made;
};
type Schemas = ReturnType<typeof schemas>;
let made: Schemas | undefined;

function schemas() {
  const instant = instantSchema();

  /** Twelve digits. */
  const account = that<AccountId>(isAccountId);
  const regionCode = that<Region>(isRegion);
  const sha256 = that((text): text is Sha256Hex => /^[0-9a-f]{64}$/.test(text));

  const controlId = z.string().regex(CONTROL_ID);
  const number = z.int().min(0);
  const counts = z.strictObject({
    compliant: number,
    'non-compliant': number,
    covered: number,
    'not-applicable': number,
    indeterminate: number,
  });
  const severity = z.enum(SEVERITIES);

  /** The members before the findings. */
  const head = {
    schemaVersion: z.literal(REPORT_SCHEMA_VERSION),
    kind: z.literal('CheckReport'),
    policy: z.strictObject({ id: z.string(), version: z.string(), hash: sha256 }),
    organization: z.strictObject({ id: z.string() }),
    snapshotTakenAt: instant,
    now: instant,
    accounts: number,
    regions: number,
    counts,
    byControl: z.array(z.strictObject({ controlId, title: z.string(), severity, counts })),
    notAsked: z.array(z.string()),
  } as const;

  const factValue: z.ZodType<FactValue> = z.union([
    z.boolean(),
    z.string(),
    z.number(),
    z.array(z.string()).readonly(),
  ]);
  const source = z.strictObject({
    call: z.string(),
    accountId: account.exactOptional(),
    region: regionCode.exactOptional(),
  });
  const observation: z.ZodType<Observation<FactValue>> = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('observed'), value: factValue, at: instant, source }),
    z.strictObject({ kind: z.literal('absent'), at: instant, source }),
    z.strictObject({
      kind: z.literal('unobservable'),
      reason: z.enum(['access-denied', 'throttled', 'not-collected', 'malformed', 'failed', 'not-evaluated']),
      detail: z.string().exactOptional(),
      source: source.exactOptional(),
    }),
  ]);

  const asked = { path: z.string(), truth: z.enum(['true', 'false', 'unknown']) } as const;
  const leaf = z.strictObject({
    kind: z.literal('leaf'),
    ...asked,
    fact: z.enum(FACT_NAMES as readonly [FactName, ...FactName[]]),
    op: z.enum(OPERATOR_NAMES as readonly [Operator, ...Operator[]]),
    value: z.union([
      z.boolean(),
      z.string(),
      z.number(),
      z.array(z.union([z.string(), z.number()])).readonly(),
    ]),
    observation,
  });

  /** A schema for each level, so that no answer is followed deeper than a policy can be. */
  const explanation = Array.from({ length: MAX_CONDITION_DEPTH }).reduce<z.ZodType<Explanation>>(
    (below) =>
      z.discriminatedUnion('kind', [
        z
          .strictObject({ kind: z.enum(['all', 'any']), ...asked, parts: z.array(below).min(1).readonly() })
          .refine(({ kind, truth, parts }) => {
            const truths = parts.map((part) => part.truth);
            return truth === (kind === 'all' ? allOf(truths) : anyOf(truths));
          }, 'its truth does not follow from its parts'),
        z
          .strictObject({ kind: z.literal('not'), ...asked, part: below })
          .refine(
            ({ truth, part }) => truth === notOf(part.truth),
            'its truth does not follow from its part',
          ),
        leaf,
      ]),
    leaf,
  );

  const subject: z.ZodType<SubjectRef> = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('account-region'), accountId: account, region: regionCode }),
    z.strictObject({ kind: z.literal('principal'), accountId: account, arn: z.string() }),
    z.strictObject({ kind: z.enum(['account', 'principals', 'organization']), accountId: account }),
  ]);

  const coveredBy: z.ZodType<Coverage> = z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('exception'),
      exceptionId: that<ExceptionId>(isExceptionId),
      until: instant,
    }),
    z.strictObject({
      kind: z.literal('attestation'),
      attestationId: z.string(),
      document: z.string(),
      signer: z.string(),
      until: instant,
    }),
  ]);

  /** A finding as `findingJson` writes it. */
  const finding = z
    .strictObject({
      id: z.string(),
      controlId,
      title: z.string(),
      severity,
      subject,
      accountName: z.string(),
      outcome: z.enum(['compliant', 'non-compliant', 'not-applicable', 'indeterminate']),
      decidingClause: z.string(),
      explanation: z.strictObject({
        when: explanation.exactOptional(),
        require: explanation,
      }),
      evidence: z.array(z.string()),
      message: z.string(),
      remedy: z.string(),
      coveredBy: coveredBy.exactOptional(),
      sources: z.array(z.strictObject({ ...source.shape, at: z.string().exactOptional() })),
    })
    .transform(({ sources, ...read }, context): Finding => {
      const refuse = (member: string): never => {
        context.addIssue({ code: 'custom', path: [member], message: 'does not follow from the finding' });
        return z.NEVER;
      };
      // Only a violation can be covered; anything else would count an unknown as answered for.
      if (read.coveredBy !== undefined && read.outcome !== 'non-compliant') return refuse('coveredBy');
      if (read.id !== findingId(read.controlId, read.subject)) return refuse('id');
      const { when, require } = read.explanation;
      const { outcome, decidingClause } = verdictOf(when, require);
      if (outcome !== read.outcome) return refuse('outcome');
      if (decidingClause !== read.decidingClause) return refuse('decidingClause');
      const own = sourcesOf(read).map(sourceJson);
      const isSame =
        own.length === sources.length &&
        own.every((each, index) => {
          const given = sources[index];
          return (
            each.call === given?.call &&
            each.accountId === given.accountId &&
            each.region === given.region &&
            ('at' in each ? each.at : undefined) === given.at
          );
        });
      return isSame ? read : refuse('sources');
    });

  return { account, finding, head, instant };
}

/** A head that was read, as the check that made it. */
export const summaryOf = (
  head: z.output<z.ZodObject<Schemas['head']>>,
): { readonly summary: CheckSummary; readonly organizationId: string } => {
  const { schemaVersion: _version, kind: _kind, organization, ...summary } = head;
  return { summary, organizationId: organization.id };
};
