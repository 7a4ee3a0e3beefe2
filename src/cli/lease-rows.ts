import * as z from 'zod';
import {
  type EpochMs,
  epochMs,
  err,
  formatInstant,
  isAccountId,
  isExceptionId,
  isRegion,
  ok,
  parseInstant,
  type Result,
} from '../core/index.ts';
import type { DATA_DELIVERY_FLAGS } from '../evidence/index.ts';
import type { LeaseRow } from '../exceptions/index.ts';

/*
 * `leases.json` of a snapshot: the rows of the lease table that governed the estate at `takenAt`, with instants as UTC text for
 * people. It can make a violation count as covered, so it is read as strictly as a policy: what is not understood is refused.
 */

const FORMAT = 1;

const instant = z.union([z.string(), z.int().min(0)]).transform((value, context): EpochMs => {
  if (typeof value === 'number') return epochMs(value);
  const read = parseInstant(value);
  if (read.ok) return read.value;
  context.addIssue({ code: 'custom', message: read.error });
  return z.NEVER;
});
const text = z.string().min(1);
const bucket = z.strictObject({ bucketName: z.string().optional(), keyPrefix: z.string().optional() });
const configuration = z.strictObject({
  cloudWatchConfig: z
    .strictObject({
      logGroupName: z.string().optional(),
      roleArn: z.string().optional(),
      largeDataDeliveryS3Config: bucket.optional(),
    })
    .optional(),
  s3Config: bucket.optional(),
  textDataDeliveryEnabled: z.boolean(),
  imageDataDeliveryEnabled: z.boolean(),
  embeddingDataDeliveryEnabled: z.boolean(),
  videoDataDeliveryEnabled: z.boolean(),
  audioDataDeliveryEnabled: z.boolean(),
} satisfies Record<(typeof DATA_DELIVERY_FLAGS)[number] | 'cloudWatchConfig' | 's3Config', z.ZodType>);

const leaseSchema = z.strictObject({
  exceptionId: z.string().refine(isExceptionId, 'expected an exception id'),
  startsAt: instant,
  expiresAt: instant,
  revoked: z.strictObject({ at: instant, by: text, reason: text }).optional(),
  configuration,
  baseline: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({ kind: z.literal('metadata-only'), configuration }),
  ]),
  destination: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('s3'), bucketName: text, keyPrefix: text, kmsKeyArn: text }),
    z.strictObject({
      kind: z.literal('cloudwatch-logs'),
      logGroupName: text,
      roleArn: text,
      kmsKeyArn: text,
    }),
  ]),
  enabling: z.strictObject({ at: instant, until: instant }).optional(),
  offAt: instant.optional(),
  released: z.literal(true).optional(),
});

const rowSchema = z.strictObject({
  accountId: z.string().refine(isAccountId, 'expected an account id of 12 digits'),
  region: z.string().refine(isRegion, 'expected an AWS Region code'),
  leases: z.array(leaseSchema),
});
const fileSchema = z.strictObject({ schemaVersion: z.literal(FORMAT), rows: z.array(rowSchema) });

export interface LeaseRowsProblem {
  /** `rows[0].leases[1].expiresAt`. */
  readonly field: string;
  readonly message: string;
}

/** Reads the `leases` of a snapshot: `{schemaVersion: 1, rows: [...]}`. A snapshot without leases has no rows. */
export function decodeLeaseRows(value: unknown): Result<readonly LeaseRow[], readonly LeaseRowsProblem[]> {
  if (value === undefined) return ok([]);
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success)
    return err(
      parsed.error.issues.map(({ path, message }) => ({
        field: path
          .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
          .join('')
          .slice(1),
        message: message.charAt(0).toLowerCase() + message.slice(1),
      })),
    );
  const rows = parsed.data.rows as readonly LeaseRow[];
  const seen = new Set<string>();
  const twice = rows.findIndex(({ accountId, region }) => {
    const pair = `${accountId}/${region}`;
    return seen.has(pair) || !seen.add(pair);
  });
  return twice === -1
    ? ok(rows)
    : err([{ field: `rows[${twice}]`, message: 'the account and Region have a row already' }]);
}

/** What `decodeLeaseRows` reads back, for a snapshot's `leases`. */
export function encodeLeaseRows(rows: readonly LeaseRow[]): unknown {
  return {
    schemaVersion: FORMAT,
    rows: rows.map((row) => ({ ...row, leases: row.leases.map(encodeLease) })),
  };
}

function encodeLease(lease: LeaseRow['leases'][number]): unknown {
  const { startsAt, expiresAt, revoked, enabling, offAt, ...rest } = lease;
  return {
    ...rest,
    startsAt: formatInstant(startsAt),
    expiresAt: formatInstant(expiresAt),
    ...(revoked === undefined ? {} : { revoked: { ...revoked, at: formatInstant(revoked.at) } }),
    ...(enabling === undefined
      ? {}
      : { enabling: { at: formatInstant(enabling.at), until: formatInstant(enabling.until) } }),
    ...(offAt === undefined ? {} : { offAt: formatInstant(offAt) }),
  };
}
