import * as z from 'zod';
import {
  accountId,
  type DurationMs,
  type EpochMs,
  type ExceptionId,
  err,
  HIDDEN_CHARACTERS,
  isAccountId,
  isRegion,
  ok,
  type Problem,
  parseDuration,
  parseInstant,
  parseSourceDocument,
  type Result,
  region,
  type SourceDocument,
} from '../core/index.ts';
import {
  durationText,
  instantText,
  inTextOrder,
  type JsonSchema,
  MODALITIES,
  problemsOf,
  published,
  TOPOLOGIES,
} from '../policy/index.ts';
import { isSamePlace, MOST_PLACES, placeText } from './places.ts';
import type { Destination, ExceptionRequest, Place } from './types.ts';

/** Text that approvers read. A document is looked through as a whole; what comes as JSON is looked at here. */
const text = (what: string, max: number) =>
  z
    .string()
    .trim()
    .min(1, `expected ${what}`)
    .max(max)
    .refine(
      (value) => value.replaceAll('\n', ' ').search(HIDDEN_CHARACTERS) === -1,
      'a character stands here that a reader cannot see',
    )
    .describe(what);
/** A name or address of a person or body, on which somebody will rely: no letter may be taken for another. */
const name = (what: string, max: number) =>
  text(what, max)
    .refine((value) => !value.includes('\n'), 'expected one line')
    .refine(
      (value) => !value.split(/[^\p{L}\p{M}@.]+/u).some(mixesScripts),
      'letters of two scripts stand in one word, or an address has letters beyond a to z: it would be taken for another',
    );
const mixesScripts = (word: string): boolean =>
  word.includes('@')
    ? /[^\u0021-\u007e]/.test(word)
    : [/\p{sc=Latin}/u, /\p{sc=Cyrillic}/u, /\p{sc=Greek}/u, /\p{sc=Armenian}/u, /\p{sc=Cherokee}/u].filter(
        (script) => script.test(word),
      ).length > 1;
/** Spelled the same in every system that refers to it. */
const reference = (what: string) =>
  text(what, 200).refine(
    (value) => /^[\u0020-\u007e]*$/.test(value),
    'expected plain ASCII: a letter that looks like another would name another incident',
  );
const principalArn = (what: string) =>
  z
    .string()
    .max(2048)
    .regex(
      /^arn:aws(-[a-z-]+)?:(iam|sts)::[0-9]{12}:(user|role|assumed-role)\/[\u0021-\u007e]+$/,
      `expected ${what} as an IAM or STS ARN`,
    )
    .describe(what);
const keyArn = z
  .string()
  .regex(
    /^arn:aws(-[a-z-]+)?:kms:[a-z0-9-]+:[0-9]{12}:key\/[A-Za-z0-9-]+$/,
    'expected the ARN of a customer-managed KMS key',
  )
  .describe('the customer-managed key that encrypts the content');

const destinationSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('s3'),
    bucketName: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected a bucket name'),
    keyPrefix: z
      .string()
      .max(900)
      .regex(/^([A-Za-z0-9!_.'()-]+\/)*$/, 'expected a prefix that is empty or ends in `/`')
      .default('')
      .describe('the exception’s own prefix is added below it'),
    kmsKeyArn: keyArn,
  }),
  z.strictObject({
    kind: z.literal('cloudwatch-logs'),
    logGroupName: z
      .string()
      .max(400)
      .regex(/^\/?[A-Za-z0-9_.#-]+(\/[A-Za-z0-9_.#-]+)*$/, 'expected a log group name without a trailing `/`')
      .describe('the exception’s own log group is created below it'),
    roleArn: z
      .string()
      .regex(/^arn:aws(-[a-z-]+)?:iam::[0-9]{12}:role\/[\u0021-\u007e]+$/, 'expected a role ARN')
      .describe('the role that writes'),
    kmsKeyArn: keyArn,
  }),
]);

const accountField = z
  .string()
  .refine(isAccountId, 'expected a 12-digit account id, in quotes')
  .describe('where content will be stored');
const regionField = z
  .string()
  .refine(isRegion, 'expected an AWS Region code such as `eu-central-1`')
  .describe('in which Region');
const placeSchema = z.strictObject({
  account: accountField,
  region: regionField,
  destination: destinationSchema,
});

/** Where: `account`, `region` and `destination`, or several under `places`; `parseRequest` sees to it that it is one of the two. */
export const requestSchema = z.strictObject({
  kind: z.literal('ExceptionRequest'),
  schemaVersion: z.literal(1),
  reference: reference('the incident or investigation this is for'),
  justification: text('why content must be stored, for the people who decide', 5000),
  subjects: z
    .array(principalArn('a person or role whose prompts are meant'))
    .min(1, 'expected at least one subject')
    .max(500),
  models: z.array(reference('a model id').max(2048)).min(1).max(100),
  modalities: z.array(z.enum(MODALITIES)).min(1),
  account: accountField.optional(),
  region: regionField.optional(),
  topology: z.enum(TOPOLOGIES),
  destination: destinationSchema.optional(),
  places: z
    .array(placeSchema)
    .min(1, 'expected at least one account and Region')
    .max(MOST_PLACES, `expected at most ${MOST_PLACES} accounts and Regions; ask with a second request`)
    .optional()
    .describe(
      'several accounts and Regions, each with a destination of its own, in the order of enabling: approved, enabled and ended together',
    ),
  readers: z.array(principalArn('a principal that may read what is captured')).min(1).max(100),
  startsAt: instantText('when content storage begins'),
  endsAt: instantText('when content storage ends; exclusive'),
  retention: durationText('from enabling to proven purge'),
  notice: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('given'), how: text('how the people concerned are told', 1000) }),
    z.strictObject({
      kind: z.literal('withheld'),
      reason: text('why they are not told', 1000),
      decidedBy: name('who decided that: a person’s id where the policy says who may', 200),
    }),
  ]),
  dataProtectionAssessment: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('made'),
        reference: reference('the reference of the data-protection impact assessment'),
      }),
      z.strictObject({
        kind: z.literal('not-needed'),
        reason: text('why none is needed', 1000),
        decidedBy: name('who decided that', 200),
      }),
    ])
    .optional()
    .describe('the policy says whether it must be there'),
  purgedBy: name('who sees to the purge', 200),
  breakGlass: z
    .strictObject({ reason: text('why it cannot wait for every approval', 1000) })
    .optional()
    .describe(
      'an emergency: Legal or Security alone opens it, all others must have confirmed when it ends; only where the policy has break-glass',
    ),
});

/** For editors; `parseRequest` refuses more, and `judge` more still. */
export const requestJsonSchema = (): JsonSchema => ({
  ...published(requestSchema, 'exception-request.schema.json', 'Proviso exception request, version 1'),
  oneOf: [
    { required: [...ONE_PLACE], not: { required: ['places'] } },
    { required: ['places'], not: { anyOf: ONE_PLACE.map((key) => ({ required: [key] })) } },
  ],
});

/** The short spelling of a request for one place. */
const ONE_PLACE = ['account', 'region', 'destination'] as const;

/**
 * Reads a request file. Malformed requests (exit 2) end here; whether the policy admits it is `judge`'s business.
 * The destination's prefix or log group gets the exception's id appended by `withOwnDestination` once there is an id.
 */
export function parseRequest(source: string, file: string): Result<ExceptionRequest, readonly Problem[]> {
  const document = parseSourceDocument(source, file);
  if (!document.ok) return document;
  const parsed = requestSchema.safeParse(document.value.value);
  if (!parsed.success) return err(problemsOf(document.value, parsed.error, requestSchema));
  const {
    kind: _kind,
    schemaVersion: _version,
    account: _account,
    region: _region,
    destination: _destination,
    places: _places,
    startsAt,
    endsAt,
    retention,
    dataProtectionAssessment,
    breakGlass,
    ...rest
  } = parsed.data;
  const { places, problems } = placesIn(document.value, parsed.data);
  const starts = instantOf(startsAt);
  const ends = instantOf(endsAt);
  if (ends <= starts) {
    problems.push(
      document.value.problemAt(
        ['endsAt'],
        'invalid-value',
        '`endsAt` is not after `startsAt`',
        'choose an end after the start; the end is exclusive',
      ),
    );
  }
  const [first, ...furtherPlaces] = places;
  if (first === undefined || problems.length > 0) return err(inTextOrder(problems));
  return ok({
    ...rest,
    ...first,
    ...(furtherPlaces.length === 0 ? {} : { furtherPlaces }),
    startsAt: starts,
    endsAt: ends,
    retention: durationOf(retention),
    ...(dataProtectionAssessment === undefined ? {} : { dataProtectionAssessment }),
    ...(breakGlass === undefined ? {} : { breakGlass }),
  });
}

/** Both spellings as one; what is wrong names the key to change. */
function placesIn(
  document: SourceDocument,
  written: z.output<typeof requestSchema>,
): { readonly places: readonly Place[]; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const { account, region: regionCode, destination } = written;
  if (written.places === undefined) {
    for (const key of ONE_PLACE)
      if (written[key] === undefined)
        problems.push(
          document.problemAt(
            [key],
            'missing-key',
            `\`${key}\` is missing`,
            'say where with `account`, `region` and `destination`, or name several under `places`',
          ),
        );
    const isWhole = account !== undefined && regionCode !== undefined && destination !== undefined;
    return {
      places: isWhole ? [{ accountId: accountId(account), region: region(regionCode), destination }] : [],
      problems,
    };
  }
  for (const key of ONE_PLACE)
    if (written[key] !== undefined)
      problems.push(
        document.problemAt(
          [key],
          'invalid-value',
          `\`${key}\` stands beside \`places\``,
          'name every account, Region and destination under `places` alone',
        ),
      );
  const places = written.places.map((place) => ({
    accountId: accountId(place.account),
    region: region(place.region),
    destination: place.destination,
  }));
  for (const [index, place] of places.entries())
    if (places.findIndex((each) => isSamePlace(each, place)) < index)
      problems.push(
        document.problemAt(
          ['places', index],
          'invalid-value',
          `${placeText(place)} is named twice`,
          'name an account and Region once: it can have one destination at a time',
        ),
      );
  return { places, problems };
}

/** Texts that the schema has accepted already. */
function instantOf(text: string): EpochMs {
  const read = parseInstant(text);
  if (!read.ok) throw new TypeError(read.error);
  return read.value;
}
export function durationOf(text: string): DurationMs {
  const read = parseDuration(text);
  if (!read.ok) throw new TypeError(read.error);
  return read.value;
}

/** Gives the destination a prefix or log group that no other exception has, so that what it captured can be found and purged. */
export function withOwnDestination(destination: Destination, id: ExceptionId): Destination {
  return destination.kind === 's3'
    ? { ...destination, keyPrefix: `${destination.keyPrefix}${id}/` }
    : { ...destination, logGroupName: `${destination.logGroupName}/${id}` };
}
