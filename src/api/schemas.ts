import * as z from 'zod';
import { isAccountId, isExceptionId, isRegion } from '../core/index.ts';
import { SETTINGS } from '../enforcement/index.ts';
import { EXCEPTION_STATES, requestSchema } from '../exceptions/index.ts';
import { FAILURES } from './failures.ts';

/*
 * Shapes of the API. Bodies are strict; answers name the members that stay, and may grow. Members called `…At` or `…Until` and the ends
 * of requests and leases are epoch milliseconds, as the record has them; `at` and `until` in lists and events are UTC instants.
 */

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('lower-case hexadecimal SHA-256');
const epoch = z.int().min(0).describe('epoch milliseconds');
const instant = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/)
  .describe('UTC instant');
const person = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
  .describe('immutable id of a person');
const reason = z.string().min(1).max(2000).describe('why, for the people who read the record');
/** Who acts is who calls. */
const actor = person
  .optional()
  .describe('may be left out; a call that names somebody else than its caller is refused');

export const exceptionIdText = z
  .string()
  .regex(/^ex-[0-9a-z-]{4,40}$/)
  .refine(isExceptionId)
  .describe('exception id');
export const aboutOne = z.strictObject({ id: exceptionIdText });
export const aboutNothing = z.strictObject({});
export const standingParams = z.strictObject({
  all: z.enum(['true', 'false']).optional().describe('also what has ended'),
});
export const quarterParams = z.strictObject({
  quarter: z
    .string()
    .regex(/^[0-9]{4}Q[1-4]$/)
    .optional()
    .describe('a calendar quarter in UTC, such as `2026Q4`; left out: the present one'),
});

export const requestBody = z.strictObject({
  actor,
  policy: z
    .strictObject({ name: z.string().min(1).max(400), hash })
    .optional()
    .describe('the policy that the request counts on; refused if it is not the one in force'),
  request: requestSchema,
});
export const previewBody = z.strictObject({ actor, request: requestSchema });
export const decisionBody = z.strictObject({
  actor,
  role: z.string().min(1).max(63).describe('the role that decides'),
  decision: z.enum(['approve', 'reject']),
  subjectHash: z
    .string()
    .max(64)
    .describe('what is decided on: `subjectHash` of the exception, whole or its first 12 digits or more'),
  reason: reason.optional(),
});
export const actorBody = z.strictObject({ actor });
export const reasonBody = z.strictObject({ actor, reason });
const keyPart = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^/\\][^\\]*$/, 'expected the beginning of a key, without a leading slash');
const holdVault = z.strictObject({
  bucketName: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  keyPrefix: z
    .string()
    .max(200)
    .regex(/^([A-Za-z0-9!_.'()-]+\/)*$/, 'expected nothing, or a prefix that ends in a slash')
    .default(''),
  kmsKeyArn: z.string().regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/[A-Za-z0-9-]+$/),
});
export const holdBody = reasonBody.extend({
  reference: z.string().min(1).max(200).describe('Legal’s own matter'),
  scope: z
    .array(keyPart)
    .min(1)
    .max(50)
    .optional()
    .describe('beginnings of keys below the exception’s own prefix; left out: everything that was captured'),
  vault: holdVault
    .optional()
    .describe(
      'where what is in scope is moved: a bucket of the exception’s account and Region, under a key of its own, in which nothing deletes',
    ),
  otherVaults: z
    .array(holdVault)
    .min(1)
    .max(19)
    .optional()
    .describe(
      'where an exception is for several accounts and Regions: the vaults of the further ones, in their order',
    ),
});
export const policyBody = z.strictObject({
  actor,
  name: z.string().min(1).max(400).describe('what the policy is called in messages: a file'),
  text: z.string().min(1).describe('the policy, as YAML'),
  confirmedPlan: z
    .string()
    .max(64)
    .optional()
    .describe(
      'for a policy that enforces: the whole hash of the plan that a person has read (`POST /enforcement/plan`)',
    ),
  signers: z
    .strictObject({ name: z.string().min(1).max(400), text: z.string().min(1) })
    .optional()
    .describe('who may approve a loosening (`kind: PolicySigners`, as YAML); absent: those in force stay'),
  approvals: z
    .string()
    .min(1)
    .optional()
    .describe('for a loosening: the record of signed approvals (`kind: PolicyChangeApprovals`, as JSON)'),
});

export const planBody = policyBody.pick({ actor: true, name: true, text: true });

const record = z
  .looseObject({
    id: exceptionIdText,
    correlationId: z.string().optional(),
    state: z.enum(EXCEPTION_STATES),
    request: z.looseObject({
      reference: z.string(),
      accountId: z.string(),
      region: z.string(),
      startsAt: epoch,
      endsAt: epoch,
    }),
    requestHash: hash,
    requesterId: person,
    submittedAt: epoch,
    policyHashes: z.array(hash),
    requiredRoles: z.array(z.string()),
    approvalsDeadline: epoch,
    decisions: z.array(
      z.looseObject({
        principalId: person,
        role: z.string(),
        decision: z.enum(['approve', 'reject', 'take-back']),
        at: epoch,
        subjectHash: hash,
      }),
    ),
    subjectHash: hash
      .nullable()
      .describe(
        'what an approver signs: the SHA-256 of the decision sheet; null where the policy in force was not judged for it',
      ),
  })
  .describe('an exception, as it is recorded');
const lease = z.looseObject({ exceptionId: exceptionIdText, startsAt: epoch, expiresAt: epoch });
const conditions = z.array(z.looseObject({ clause: z.string(), holds: z.string(), says: z.string() }));

export const exceptionView = z.looseObject({
  exception: record,
  lease: lease.optional().describe('of the first place'),
  furtherLeases: z
    .array(z.looseObject({ accountId: z.string(), region: z.string(), lease }))
    .optional()
    .describe('of every further place'),
  policyHash: hash,
});
export const submittedView = exceptionView.extend({ conditions });
export const revokedView = exceptionView.extend({
  off: z
    .looseObject({ isOff: z.boolean(), says: z.string() })
    .optional()
    .describe('what was read back; absent when nothing had been enabled'),
});
export const exceptionList = z.strictObject({
  exceptions: z.array(
    z.looseObject({
      id: exceptionIdText,
      state: z.enum(EXCEPTION_STATES),
      account: z.string(),
      region: z.string(),
      furtherPlaces: z
        .array(z.looseObject({ account: z.string(), region: z.string() }))
        .optional()
        .describe('of an exception over several accounts and Regions: those beside the first'),
      until: instant,
      reference: z.string(),
      hold: z.string().optional().describe('on legal hold: since when, and what stands where'),
      needsSignature: z.boolean(),
    }),
  ),
});
export const eventList = z.strictObject({
  events: z.array(
    z.looseObject({
      seq: z.int().min(1),
      at: epoch,
      type: z.string(),
      subject: z.string(),
      actor: z.looseObject({ id: z.string(), kind: z.string() }),
      correlationId: z.string().optional(),
    }),
  ),
});
export const certificateView = z.strictObject({
  hash: hash.describe('of the statement, as the record of the exception has it'),
  certificate: z.looseObject({
    statement: z.looseObject({ kind: z.literal('CertificateOfClosure') }),
    statementHash: hash,
    signature: z.looseObject({
      algorithm: z.string(),
      keyId: z.string(),
      signature: z.string(),
      publicKey: z.string(),
    }),
  }),
});
export const findingsView = z
  .looseObject({
    kind: z.literal('CheckReport'),
    snapshotTakenAt: instant,
    now: instant,
    findings: z.array(z.looseObject({})),
    notice: z.string().optional().describe('what a reader must know before reading on; of no AWS account'),
  })
  .describe('as `proviso check --format json` writes it');
const accountRegion = { accountId: z.string(), region: z.string() };
export const standingsView = z.strictObject({
  at: instant,
  exceptions: z.array(
    z.looseObject({
      id: exceptionIdText,
      reference: z.string(),
      state: z.enum(EXCEPTION_STATES),
      ...accountRegion,
      places: z.array(z.looseObject({ ...accountRegion, isOn: z.boolean(), overdueMinutes: z.int().min(0) })),
      isOn: z.boolean().describe('somewhere'),
      until: instant.describe('when content storage must be off'),
      overdueMinutes: z.int().min(0).describe('of the place that is, or was, overdue longest'),
      goneBy: instant.optional().describe('by when what was captured must be proven gone'),
      waitsFor: z.looseObject({ roles: z.array(z.string()), until: instant }).optional(),
      marks: z.array(z.string()).describe('what a person must look at'),
    }),
  ),
});
const readCounts = z
  .strictObject({
    reader: z.int().min(0).describe('by named readers'),
    proviso: z.int().min(0).describe('by roles of Proviso, which filter and hold'),
    vault: z.int().min(0).describe('at Legal’s vault'),
    other: z.int().min(0).describe('by anybody else'),
  })
  .nullable()
  .describe('calls that read what was captured; null: not counted, which is not zero');
export const reportView = z.looseObject({
  period: z.looseObject({ name: z.string(), from: instant, to: instant }),
  madeAt: instant,
  exceptions: z.array(
    z.looseObject({
      id: exceptionIdText,
      reference: z.string(),
      state: z.enum(EXCEPTION_STATES),
      requestedAt: instant,
      minutesOn: z.int().min(0),
      overdueMinutes: z.int().min(0),
      decisions: z.array(z.looseObject({ principalId: person, role: z.string(), at: instant })),
      reads: z.looseObject({
        forwarded: z.enum(['whole', 'part', 'not']).describe('whether reads were forwarded while it was on'),
        reads: readCounts,
        says: z.string(),
      }),
    }),
  ),
  totals: z.looseObject({ requested: z.int().min(0), enabled: z.int().min(0), minutesOn: z.int().min(0) }),
  nearMisses: z.array(
    z.looseObject({ kind: z.string(), at: instant, subject: z.string(), says: z.string() }),
  ),
  reads: readCounts,
  readsMissing: z
    .array(exceptionIdText)
    .describe(
      'exceptions that were on and of which not every read was forwarded: their counts are least numbers, or missing',
    ),
});
export const plannedChangesView = z.strictObject({
  at: instant,
  plannedChanges: z.array(
    z.looseObject({
      exceptionId: exceptionIdText,
      ...accountRegion,
      purpose: z.enum(['switch on', 'switch off']),
      eventNames: z.array(z.string()),
      roleName: z.string(),
      notBefore: instant,
      notAfter: instant,
    }),
  ),
});
export const previewView = z.looseObject({
  outcome: z.enum(['admitted', 'refused', 'undecided']),
  conditions,
  parts: z.array(z.looseObject({ id: z.string(), title: z.string(), says: z.array(z.string()) })),
  notSeen: z.string().optional().describe('why the identities could not be read'),
});
export const sheetView = z.strictObject({
  sheetHash: hash.describe('of exactly the bytes of `markdown`: what approvers sign'),
  policyHash: hash,
  markdown: z.string(),
});
const settingName = z.enum(SETTINGS);
export const adoptionBody = z.strictObject({
  actor,
  account: z
    .string()
    .regex(/^[0-9]{12}$/)
    .refine(isAccountId),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/)
    .refine(isRegion),
  setting: settingName,
  reason,
});
const restore = z
  .looseObject({
    kind: z.literal('RestoreFile'),
    ...accountRegion,
    setting: settingName,
    adoptedAt: instant,
    adoptedBy: z.string(),
    reason: z.string(),
  })
  .describe('what stood there, and how to put it back by hand');
export const foreignView = z.strictObject({
  foreign: z.array(z.looseObject({ ...accountRegion, setting: settingName, seenAt: epoch })),
  adopted: z.array(restore).describe('what was taken over, for whoever lost the restore file'),
});
export const adoptionView = z.strictObject({
  isOff: z.boolean().describe('read back'),
  says: z.string(),
  restore,
});
export const planView = z.strictObject({
  hash: hash.describe('what a person confirms: over what is there and what would happen'),
  policyHash: hash,
  settings: z.array(
    z.looseObject({
      ...accountRegion,
      accountName: z.string(),
      setting: z.string(),
      effect: z.enum(['at-baseline', 'leased', 'foreign', 'undo', 'unreadable']),
      observed: z.string(),
    }),
  ),
});
export const policyView = z.strictObject({
  id: z.string(),
  version: z.string(),
  hash,
  name: z.string(),
  text: z.string(),
});
export const adoptedView = z.strictObject({
  policy: z.string(),
  version: z.string(),
  hash,
  isNew: z.boolean(),
  rejudged: z.array(z.looseObject({ id: exceptionIdText, effect: z.string(), says: z.string() })),
});
export const healthView = z.strictObject({
  version: z.string().describe('of the program'),
  now: instant.describe('the clock that decides'),
  policy: hash.nullable().describe('the policy in force'),
});
export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: z.enum(Object.keys(FAILURES) as [string, ...string[]]),
    exitCode: z.int().describe('of the command line for the same failure'),
    correlationId: z.string(),
    remedy: z.string().optional(),
    conditions: conditions.optional(),
    problems: z
      .array(z.looseObject({ file: z.string(), line: z.int(), column: z.int(), message: z.string() }))
      .optional(),
  })
  .describe('RFC 9457 problem details');
