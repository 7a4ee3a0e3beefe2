import {
  DAY,
  durationMs,
  type EpochMs,
  epochMs,
  formatInstant,
  partitionOfRegion,
  type Region,
} from '../core/index.ts';
import type { IamEvidence, IamRole, Observation, Organization } from '../evidence/index.ts';
import {
  type BaselineConfiguration,
  type Destination,
  deliveryPrefix,
  type ExceptionRequest,
  filterPlaces,
  isFiltered,
} from '../exceptions/index.ts';
import {
  type AccessRequest,
  type ApplicablePolicies,
  accountPolicies,
  atInstant,
  contextOfPrincipal,
  decideIdentity,
  evaluateRequest,
  type Guardrails,
  guardrailsOf,
  type IdentityPolicies,
  layerOf,
  levelsOf,
  momentsOf,
  NO_GUARDRAILS,
  type PolicyLayer,
  type ResourceLayer,
  readPolicy,
  withKeys,
} from '../iam/index.ts';
import {
  type LifecycleRule as BucketLifecycleRule,
  type BucketRetention,
  bucketRetention,
  isWithinRetention,
} from '../retention/index.ts';
import { type BackupSelection, selects } from './backup.ts';
import { ownerOf } from './key-material.ts';
import type { BucketEvidence, KeyEvidence, LifecycleRule, LogGroupEvidence, Trail } from './ports.ts';

/*
 * What preflight asks of the place where content will land (docs/exceptions.md, "Preflight"). Decided over what AWS shows: policies by
 * the evaluator of src/iam and never by their text. Detector 6 is these policies: after the end none of our code has to run.
 */

/** One thing that keeps content storage off. `unknown`: it could not be read, and may be right; everything else is a defect. */
export interface DestinationFault {
  readonly kind: 'defect' | 'unknown';
  /** What is wrong, or not known. */
  readonly what: string;
  /** The resource that a person has to open. */
  readonly where: string;
  readonly remedy: string;
}

export interface DestinationInput {
  readonly request: Pick<ExceptionRequest, 'accountId' | 'region' | 'readers' | 'retention' | 'topology'>;
  /** With the exception's own prefix or group. */
  readonly destination: Destination;
  readonly startsAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly isVersioned: boolean;
  /** Of an S3 destination. */
  readonly bucket?: BucketEvidence;
  /** Of a log group. */
  readonly logGroup?: LogGroupEvidence;
  readonly key: KeyEvidence;
  readonly iam: Observation<IamEvidence>;
}

const TEMPLATE = 'deploy templates/exception-destination.yml with this exception’s end';

/** Everything that is wrong with the destination, or not known of it; empty: content may land there. */
export function judgeDestination(input: DestinationInput): readonly DestinationFault[] {
  const faults: DestinationFault[] = [];
  const { destination } = input;
  if (destination.kind === 's3' && input.bucket !== undefined)
    faults.push(...judgeBucket(input, destination, input.bucket));
  if (destination.kind === 'cloudwatch-logs' && input.logGroup !== undefined)
    faults.push(...judgeLogGroup(input, destination, input.logGroup));
  faults.push(...judgeKey(input), ...judgeReaders(input), ...judgeRaw(input));
  return faults;
}

export const describeFault = ({ what, where, remedy }: DestinationFault): string =>
  `${what} (${where}); ${remedy}`;

const defect = (what: string, where: string, remedy: string): DestinationFault => ({
  kind: 'defect',
  what,
  where,
  remedy,
});

/** Judges what was seen; what was not seen is no evidence of anything. */
function seen<T>(
  observation: Observation<T>,
  what: string,
  where: string,
  judge: (value: T | undefined) => readonly DestinationFault[],
): readonly DestinationFault[] {
  if (observation.kind !== 'unobservable')
    return judge(observation.kind === 'observed' ? observation.value : undefined);
  const detail = observation.detail ?? observation.reason;
  const remedy = 'let ProvisoCollect read it (templates/member-account.yml), or try again';
  return [{ kind: 'unknown', what: `${what} could not be read: ${detail}`, where, remedy }];
}

function judgeBucket(
  input: DestinationInput,
  destination: Extract<Destination, { kind: 's3' }>,
  bucket: BucketEvidence,
): readonly DestinationFault[] {
  const { bucketName, keyPrefix } = destination;
  const { accountId } = input.request;
  const where = `bucket ${bucketName}`;
  const object = `arn:${partitionOfRegion(input.request.region)}:s3:::${bucketName}/${deliveryPrefix(input.request, destination)}AWSLogs/${accountId}/BedrockModelInvocationLogs/record`;
  return [
    ...seen(bucket.ownership, 'who owns the objects', where, (ownership) =>
      ownership === 'BucketOwnerEnforced'
        ? []
        : [
            defect(
              `objects can carry access lists of their own (ownership is ${ownership ?? 'not set'})`,
              where,
              'set ObjectOwnership to BucketOwnerEnforced',
            ),
          ],
    ),
    ...seen(bucket.lifecycle, 'the lifecycle rules', where, (rules = []) =>
      judgeLifecycle(rules, { ...input, bucketName, keyPrefix }),
    ),
    ...seen(bucket.copies, 'whether it is copied', where, copiesFault(where)),
    ...seen(bucket.backups, 'the plans of AWS Backup', where, (selections = []) =>
      selections.flatMap((selection) =>
        judgeBackup(selection, `arn:${partitionOfRegion(input.request.region)}:s3:::${bucketName}`, bucket),
      ),
    ),
    ...seen(
      bucket.trails,
      'the trails of CloudTrail',
      `${accountId}, ${input.request.region}`,
      (trails = []) =>
        trails.some((trail) => recordsReads(trail, bucketName, keyPrefix, input.request.region))
          ? []
          : [
              defect(
                'no running trail records who reads its objects',
                where,
                'log S3 data events, reads included, for this bucket (advanced event selector on AWS::S3::Object)',
              ),
            ],
    ),
    ...seen(bucket.policy, 'the bucket policy', where, (policy) =>
      judgeWriter(input, {
        action: 's3:PutObject',
        resource: object,
        service: 'bedrock.amazonaws.com',
        layer: resourceLayer(`the policy of ${where}`, policy, accountId, false),
        where: `the policy of ${where}`,
        who: 'Bedrock may write there',
      }),
    ),
  ];
}

/**
 * What `src/retention` says of content that is written at the worst instant of a day, its first: whole days are counted and rounded up to
 * the next midnight UTC, with versions twice. A retention shorter than S3 can count asks for the shortest rules there are.
 */
function judgeLifecycle(
  rules: readonly LifecycleRule[],
  { request, bucketName, keyPrefix, isVersioned, startsAt }: LifecycleInput,
): readonly DestinationFault[] {
  const days = Math.ceil(request.retention / DAY);
  const rounding = isVersioned ? 2 : 1;
  const limit = Math.max(days, 2 * rounding);
  const writtenAt = epochMs(Math.floor(startsAt / DAY) * DAY);
  const source = { call: 'this preflight' };
  const absent = { kind: 'absent', at: startsAt, source } as const;
  const bucket: BucketRetention = {
    kind: 's3',
    bucketName,
    versioning: isVersioned ? { kind: 'observed', value: 'Enabled', at: startsAt, source } : absent,
    lifecycle: { kind: 'observed', value: rules.map(retentionRule), at: startsAt, source },
    // Locks and copies are asked about beside this.
    objectLock: absent,
    replication: absent,
    backups: absent,
  };
  const retention = bucketRetention(bucket, { prefix: keyPrefix, writtenAt });
  if (isWithinRetention(retention, writtenAt, durationMs(limit * DAY)) === true) return [];
  return [
    defect(
      `no enabled lifecycle rule over the whole prefix expires its objects${isVersioned ? ' and their old versions' : ''} within the retention of ${days} days: nothing stands behind our purge`,
      `bucket ${bucketName}`,
      `add rules without tag or size filters that take at most ${limit - rounding} days${isVersioned ? ' together' : ''}; S3 rounds up to midnight`,
    ),
  ];
}

interface LifecycleInput extends Pick<DestinationInput, 'request' | 'isVersioned' | 'startsAt'> {
  readonly bucketName: string;
  readonly keyPrefix: string;
}

/** The days that stand in a rule hold for every object under its prefix; what takes only some of them has none. */
const retentionRule = (
  { isEnabled, prefix, expirationDays, noncurrentDays }: LifecycleRule,
  index: number,
): BucketLifecycleRule => ({
  id: String(index + 1),
  status: isEnabled ? 'Enabled' : 'Disabled',
  prefix,
  tags: [],
  expirationDays,
  noncurrentVersionExpirationDays: noncurrentDays,
});

function judgeLogGroup(
  input: DestinationInput,
  destination: Extract<Destination, { kind: 'cloudwatch-logs' }>,
  logGroup: LogGroupEvidence,
): readonly DestinationFault[] {
  const { accountId, region, retention } = input.request;
  const where = `log group ${destination.logGroupName}`;
  const days = Math.ceil(retention / DAY);
  const stream = `arn:${partitionOfRegion(region)}:logs:${region}:${accountId}:log-group:${destination.logGroupName}:log-stream:aws/bedrock/modelinvocations`;
  return [
    ...seen(logGroup.settings, 'the settings', where, (settings) => [
      ...(settings === undefined ? [defect('it does not exist', where, 'try again')] : []),
      ...(settings?.isProtected === true
        ? [
            defect(
              'deletion protection is on: it could not be purged',
              where,
              'switch deletion protection off',
            ),
          ]
        : []),
      ...(settings !== undefined && (settings.retentionDays ?? Number.POSITIVE_INFINITY) > backstop(days)
        ? [
            defect(
              `it keeps events ${settings.retentionDays === undefined ? 'for ever' : `for ${settings.retentionDays} days`}: nothing stands behind our purge`,
              where,
              `set its retention to ${backstop(days)} days`,
            ),
          ]
        : []),
    ]),
    ...seen(logGroup.copies, 'whether it is copied', where, copiesFault(where)),
    ...judgeLogRole(input, destination.roleArn, stream),
  ];
}

/** CloudWatch Logs knows only these lengths below a month. */
export const backstop = (days: number): number => [1, 3, 5, 7, 14].find((length) => length >= days) ?? 30;

const copiesFault =
  (where: string) =>
  (copies: readonly string[] | undefined): readonly DestinationFault[] =>
    (copies ?? []).map((copy) =>
      defect(
        `${copy}: copies would outlive the exception`,
        where,
        'take it away, or choose a destination without it',
      ),
    );

function judgeBackup(
  selection: BackupSelection,
  arn: string,
  { tags }: BucketEvidence,
): readonly DestinationFault[] {
  const selected = selects(selection, arn, tags);
  if (selected.kind === 'no') return [];
  const name = `selection ${selection.selection} of the AWS Backup plan ${selection.plan}`;
  const what =
    selected.kind === 'yes'
      ? `${name} takes it in: copies would outlive the exception`
      : `whether ${name} takes it in is not certain: ${selected.because}`;
  return [
    {
      kind: selected.kind === 'yes' ? 'defect' : 'unknown',
      what,
      where: arn,
      remedy: 'add the bucket to NotResources of the selection, or choose a bucket outside it',
    },
  ];
}

/** Data events with reads, of the whole prefix, by a trail that is running. */
function recordsReads(
  { isLogging, dataEvents }: Trail,
  bucketName: string,
  keyPrefix: string,
  region: Region,
): boolean {
  const place = `arn:${partitionOfRegion(region)}:s3:::${bucketName}/${keyPrefix}`;
  return (
    isLogging &&
    dataEvents.some(
      ({ includesReads, arnPrefixes }) =>
        includesReads && (arnPrefixes === 'all' || arnPrefixes.some((prefix) => place.startsWith(prefix))),
    )
  );
}

function judgeKey(input: DestinationInput): readonly DestinationFault[] {
  const { destination, key, request } = input;
  const where = `key ${destination.kmsKeyArn}`;
  const service =
    destination.kind === 's3' ? 'bedrock.amazonaws.com' : `logs.${request.region}.amazonaws.com`;
  return [
    ...seen(key.isEnabled, 'whether the key is enabled', where, (isEnabled) =>
      isEnabled === true ? [] : [defect('the key is not enabled', where, 'enable it, or name another one')],
    ),
    ...seen(key.grants, 'the grants', where, (grants = []) =>
      grants.map((grantee) =>
        defect(
          `a grant lets ${grantee} use the key, and a grant has no end`,
          where,
          'retire the grant, or name a key of this exception’s own',
        ),
      ),
    ),
    ...seen(key.policy, 'the key policy', where, (policy) =>
      judgeWriter(input, {
        action: 'kms:GenerateDataKey',
        resource: destination.kmsKeyArn,
        service,
        layer: resourceLayer(`the policy of ${where}`, policy, request.accountId, true),
        where: `the policy of ${where}`,
        who: `${destination.kind === 's3' ? 'Bedrock' : 'CloudWatch Logs'} may encrypt with it`,
      }),
    ),
  ];
}

interface Writer {
  readonly action: string;
  readonly resource: string;
  readonly service: string;
  readonly layer: ResourceLayer;
  readonly where: string;
  /** In words, `Bedrock may write there`. */
  readonly who: string;
}

/** A service writes by the resource's own policy: possible at the start, and certainly denied from the end on. */
function judgeWriter(
  { startsAt, expiresAt, request: { accountId } }: DestinationInput,
  { action, resource, service, layer, where, who }: Writer,
): readonly DestinationFault[] {
  const principal = { kind: 'service' as const, name: service };
  const request = {
    action,
    resource,
    principal,
    context: withKeys(contextOfPrincipal(principal), { 'aws:SourceAccount': accountId }),
  };
  return judgeEnd(request, { serviceControl: [], resourceControl: [], resource: layer }, [layer], {
    startsAt,
    expiresAt,
    where,
    who,
  });
}

/** Possible at the start (where nothing allows it, switching on would fail), and certainly denied from the end on. */
function judgeEnd(
  request: AccessRequest,
  policies: ApplicablePolicies,
  layers: readonly PolicyLayer[],
  { startsAt, expiresAt, where, who }: { startsAt: EpochMs; expiresAt: EpochMs; where: string; who: string },
): readonly DestinationFault[] {
  const decideAt = (at: number) =>
    evaluateRequest({ ...request, context: atInstant(request.context, at) }, policies);
  if (decideAt(startsAt).kind === 'denied')
    return [defect(`at the start nothing says that ${who}`, where, TEMPLATE)];
  const open = instantsFrom(layers, expiresAt).find((at) => decideAt(at).kind !== 'denied');
  return open === undefined ? [] : [openEnd(who, expiresAt, open, where)];
}

const openEnd = (who: string, expiresAt: EpochMs, open: number, where: string): DestinationFault =>
  defect(
    `${who} after the end: not certainly denied at ${instantText(open)}, the end is ${formatInstant(expiresAt)}`,
    where,
    `allow it only while aws:CurrentTime is before the end (DateLessThan); ${TEMPLATE}`,
  );

const instantText = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z');

/** The end itself, and everything later at which the policies can say something else. */
const instantsFrom = (layers: readonly PolicyLayer[], end: EpochMs): readonly number[] => [
  end,
  ...momentsOf(layers).filter((at) => at > end),
];

function judgeLogRole(input: DestinationInput, roleArn: string, stream: string): readonly DestinationFault[] {
  const where = `log role ${roleArn}`;
  return seen(input.iam, 'its policies', where, (iam) => {
    const role = iam?.roles.find(({ arn }) => arn === roleArn);
    if (iam === undefined || role === undefined) return [defect('it does not exist', where, TEMPLATE)];
    const { principal, identity, boundary } = accountPolicies(iam).ofRole(role);
    const layers = boundary === undefined ? [identity] : [identity, boundary];
    const request = {
      action: 'logs:PutLogEvents',
      resource: stream,
      principal,
      context: contextOfPrincipal(principal),
    };
    const policies = {
      identity,
      ...(boundary === undefined ? {} : { boundary }),
      serviceControl: [],
      resourceControl: [],
    };
    return judgeEnd(request, policies, layers, { ...input, where, who: 'it may write the log group' });
  });
}

/**
 * What a reader needs: the object and its key, or the events and the key by way of CloudWatch Logs. One certain refusal is enough, and where
 * there is none, what could not be read may hold it: that is said where it is judged itself.
 */
function judgeReaders(input: DestinationInput): readonly DestinationFault[] {
  const { destination, bucket, key, iam, expiresAt, request } = input;
  const { bucketLayer, keyLayer, isWhole } = policiesOf(input);
  const isClosed = (reader: IdentityPolicies, at: number): boolean => {
    const context = atInstant(contextOfPrincipal(reader.principal), at);
    const asReader = (action: string, resource: string, resourcePolicy: ResourceLayer | undefined) =>
      decideIdentity(reader, action, {
        guardrails: NO_GUARDRAILS,
        resource,
        context,
        ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
      }).kind === 'denied';
    if (destination.kind === 's3') {
      const object = `arn:${partitionOfRegion(request.region)}:s3:::${destination.bucketName}/${destination.keyPrefix}AWSLogs/record`;
      return (
        (bucket?.policy.kind !== 'unobservable' && asReader('s3:GetObject', object, bucketLayer)) ||
        (key.policy.kind !== 'unobservable' && asReader('kms:Decrypt', destination.kmsKeyArn, keyLayer))
      );
    }
    const group = `arn:${partitionOfRegion(request.region)}:logs:${request.region}:${request.accountId}:log-group:${destination.logGroupName}`;
    return (
      (key.policy.kind !== 'unobservable' && logsDecrypt(input, keyLayer, at) === 'denied') ||
      READ_EVENTS.every((action) => asReader(action, `${group}:*`, undefined))
    );
  };
  return request.readers.flatMap((arn) => {
    const reader = readerOf(arn, iam);
    const layers = [...layersOver(reader, NO_GUARDRAILS), keyLayer, bucketLayer];
    const open = instantsFrom(layers, expiresAt).find((at) => !isClosed(reader, at));
    if (open === undefined || !isWhole || iam.kind === 'unobservable') return [];
    const where = destination.kind === 's3' ? `bucket ${destination.bucketName} and its key` : 'the key';
    return [openEnd(`reader ${arn} may read`, expiresAt, open, where)];
  });
}

/** What else than the destination's own policies decides over somebody of the account. */
const layersOver = (
  { identity, boundary }: IdentityPolicies,
  guardrails: Guardrails,
): readonly PolicyLayer[] => [
  identity,
  ...(boundary === undefined ? [] : [boundary]),
  ...levelsOf(guardrails),
];

/** The policies of the destination itself. `isWhole`: each was read, or seen to be absent; otherwise no refusal can rest on them. */
function policiesOf({ bucket, key, request: { accountId } }: DestinationInput): {
  readonly bucketLayer: ResourceLayer;
  readonly keyLayer: ResourceLayer;
  readonly isWhole: boolean;
} {
  const textOf = (observation: Observation<string> | undefined) =>
    observation?.kind === 'observed' ? observation.value : undefined;
  return {
    bucketLayer: resourceLayer('the bucket policy', textOf(bucket?.policy), accountId, false),
    keyLayer: resourceLayer('the key policy', textOf(key.policy), accountId, true),
    isWhole: bucket?.policy.kind !== 'unobservable' && key.policy.kind !== 'unobservable',
  };
}

const READ_EVENTS = ['logs:GetLogEvents', 'logs:FilterLogEvents', 'logs:StartQuery', 'logs:StartLiveTail'];

/** Of an exception that is filtered: raw records are for the drain alone, from the first one on. */
function judgeRaw({
  request,
  destination,
  bucket,
  iam,
  startsAt,
}: DestinationInput): readonly DestinationFault[] {
  const places = isFiltered(request) ? filterPlaces(destination) : undefined;
  if (places === undefined || bucket === undefined || bucket.policy.kind === 'unobservable') return [];
  const where = `the policy of bucket ${places.bucketName}`;
  const policy = bucket.policy.kind === 'observed' ? bucket.policy.value : undefined;
  const resourcePolicy = resourceLayer(where, policy, request.accountId, false);
  return request.readers.flatMap((arn) => {
    const reader = readerOf(arn, iam);
    const mayRead = (at: number) =>
      decideIdentity(reader, 's3:GetObject', {
        guardrails: NO_GUARDRAILS,
        resource: `arn:${partitionOfRegion(request.region)}:s3:::${places.bucketName}/${places.raw}AWSLogs/record`,
        context: atInstant(contextOfPrincipal(reader.principal), at),
        resourcePolicy,
      }).kind !== 'denied';
    return [startsAt, ...instantsFrom([reader.identity, resourcePolicy], startsAt)].some(mayRead)
      ? [defect(`reader ${arn} is not certainly kept from the raw records of everybody`, where, TEMPLATE)]
      : [];
  });
}

/** Path and name of the role that filters (templates/member-account.yml). */
export const DRAIN_ROLE = 'proviso/ProvisoDrain';

/**
 * Whether the role that filters can read what is delivered, keep what is in scope and delete the rest, as long as there can be any: its own
 * policies, its boundary, the control policies, the bucket's and the key's. Anything but a certain yes is a defect.
 */
export function judgeDrainRole(
  input: DestinationInput & { readonly organization: Organization },
): readonly DestinationFault[] {
  const { request, destination, bucket } = input;
  const places = isFiltered(request) ? filterPlaces(destination) : undefined;
  if (places === undefined || bucket === undefined) return [];
  const bucketArn = `arn:${partitionOfRegion(request.region)}:s3:::${places.bucketName}`;
  const raw = `${bucketArn}/${places.raw}record`;
  return judgeTask(input, {
    name: DRAIN_ROLE,
    words: 'the draining role',
    absent: 'the role that filters does not exist',
    keys: { 'kms:ViaService': `s3.${request.region}.amazonaws.com` },
    acts: [
      ['s3:GetObject', raw],
      ['s3:GetObjectVersion', raw],
      ['s3:PutObject', `${bucketArn}/${places.vault}record`],
      ['s3:PutObject', `${bucketArn}/${places.key}`],
      ['s3:GetObject', `${bucketArn}/${places.key}`],
      ['s3:DeleteObjectVersion', raw],
      ['kms:Decrypt', destination.kmsKeyArn],
      ['kms:GenerateDataKey', destination.kmsKeyArn],
    ],
    remedy: `let it, in its own policies and in those of the destination; ${TEMPLATE}`,
  });
}

/** A role of ours that has to act on the destination whatever happens, and what it has to do there. */
interface Task {
  /** Path and name. */
  readonly name: string;
  /** In a sentence, `the draining role`. */
  readonly words: string;
  /** Said where there is no such role. */
  readonly absent: string;
  /** What else is known of its calls. */
  readonly keys: Readonly<Record<string, string>>;
  /** An action and the resource that it is called on, the bucket's or the key's. */
  readonly acts: readonly (readonly [action: string, resource: string])[];
  readonly remedy: string;
}

/**
 * Whether a task's role may do all of it at the start and at every later instant at which a policy can say something else. Anything but a
 * certain yes is a defect, unless only control policies that could not be read stand before it (`unreadAbove`); a policy of the destination that
 * could not be read is said where it is judged itself.
 */
function judgeTask(
  input: DestinationInput & { readonly organization: Organization },
  { name, words, absent, keys, acts, remedy }: Task,
): readonly DestinationFault[] {
  const { request, organization, startsAt } = input;
  const where = `role ${name} in ${request.accountId}`;
  const { bucketLayer, keyLayer, isWhole } = policiesOf(input);
  return seen(input.iam, `the policies of ${words}`, where, (iam) => {
    const role = iam?.roles.find(({ arn }) => arn.endsWith(`:role/${name}`));
    if (iam === undefined || role === undefined)
      return [defect(absent, where, 'deploy templates/member-account.yml in the account')];
    if (!isWhole) return [];
    const policies = accountPolicies(iam).ofRole(role);
    const guardrails = guardrailsOf(organization, request.accountId);
    const context = withKeys(contextOfPrincipal(policies.principal, organization.id), {
      'aws:RequestedRegion': request.region,
      ...keys,
    });
    const layers = [...layersOver(policies, guardrails), bucketLayer, keyLayer];
    const instants = [startsAt, ...instantsFrom(layers, startsAt)];
    const unread = unreadAbove(guardrails);
    const faults = acts.flatMap(([action, resource]) => {
      const kinds = instants.map(
        (at) =>
          decideIdentity(policies, action, {
            guardrails,
            resource,
            context: atInstant(context, at),
            resourcePolicy: action.startsWith('kms:') ? keyLayer : bucketLayer,
          }).kind,
      );
      if (kinds.every((kind) => kind === 'allowed')) return [];
      // Nothing that was read denies it, or allows it only under conditions.
      if (unread !== undefined && kinds.every((kind) => kind === 'allowed' || kind === 'cannot-decide'))
        return [unknownAbove(words, unread, where)];
      return [
        defect(
          `it is not certain that ${words} may call ${action} on ${resource}, now and after the end`,
          where,
          remedy,
        ),
      ];
    });
    return unknownOnce(faults);
  });
}

/** What of the control policies above could not be read, in words: it may deny anything, and may deny nothing. */
const unreadAbove = (guardrails: Guardrails): string | undefined =>
  guardrails.kind === 'unobservable'
    ? guardrails.detail
    : guardrails.levels
        .flatMap(({ unreadable }) => unreadable)
        .find(({ reason }) => reason === 'missing-document')?.detail;

const unknownAbove = (words: string, unread: string, where: string): DestinationFault => ({
  kind: 'unknown',
  what: `what ${words} may do is not decided: the control policies could not be read: ${unread}`,
  where,
  remedy: 'let Proviso read the policies of the organization (docs/deploy.md), or try again',
});

/** What is not decided of a role's acts has one reason, said once. */
const unknownOnce = (faults: readonly DestinationFault[]): readonly DestinationFault[] =>
  faults.filter(
    ({ kind }, index) => kind === 'defect' || index === faults.findIndex((each) => each.kind === kind),
  );

/** The tasks of ours that read content: judged beside this, and named to nobody as readers. */
const OWN_READERS = [DRAIN_ROLE, 'proviso/ProvisoHold'];

/**
 * Whoever else in the account can read the destination at or after the start: users and roles by their own policies, their boundary, the
 * control policies, the bucket's and the key's. Certainly able is a defect, not decided is unknown. Left aside: the root user, other accounts,
 * whoever may assume a reader's role or change a policy.
 */
export function judgeOtherReaders(
  input: DestinationInput & { readonly organization: Organization },
): readonly DestinationFault[] {
  const { request, destination, organization, startsAt } = input;
  const { bucketLayer, keyLayer, isWhole } = policiesOf(input);
  // What could not be read is said where it is judged itself.
  if (!isWhole) return [];
  const where =
    destination.kind === 's3'
      ? `bucket ${destination.bucketName} and its key`
      : `log group ${destination.logGroupName}`;
  const own = OWN_READERS.map(
    (name) => `arn:${partitionOfRegion(request.region)}:iam::${request.accountId}:role/${name}`,
  );
  return seen(input.iam, 'who else can read it', where, (iam) => {
    if (iam === undefined) return [];
    const account = accountPolicies(iam);
    const guardrails = guardrailsOf(organization, request.accountId);
    const reads = readsOf(input);
    const able: string[] = [];
    const undecided: string[] = [];
    const others = [
      ...iam.users.map((user) => ({ ...user, policies: () => account.ofUser(user) })),
      ...iam.roles.map((role) => ({ ...role, policies: () => account.ofRole(role) })),
    ].filter(({ arn }) => !request.readers.includes(arn) && !own.includes(arn));
    for (const { arn, policies } of others) {
      const reader = policies();
      const context = withKeys(contextOfPrincipal(reader.principal, organization.id), {
        'aws:RequestedRegion': request.region,
        'aws:SecureTransport': 'true',
        'kms:ViaService': `s3.${request.region}.amazonaws.com`,
      });
      const decideAt = (
        at: number | undefined,
        action: string,
        resource: string,
        resourcePolicy?: ResourceLayer,
      ) =>
        decideIdentity(reader, action, {
          guardrails,
          resource,
          context: at === undefined ? context : atInstant(context, at),
          ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
        }).kind;
      // What is denied while the time is unknown is denied at every time: of most, nothing is left to ask.
      const possible = reads.filter(
        ({ action, resource, layer }) => decideAt(undefined, action, resource, layer) !== 'denied',
      );
      if (possible.length === 0) continue;
      const keyAt = (at: number) =>
        destination.kind === 's3'
          ? decideAt(at, 'kms:Decrypt', destination.kmsKeyArn, keyLayer)
          : logsDecrypt(input, keyLayer, at);
      const layers = [...layersOver(reader, guardrails), bucketLayer, keyLayer];
      const found = new Set<string>();
      for (const at of [startsAt, ...instantsFrom(layers, startsAt)]) {
        const kinds = possible
          .map(({ action, resource, layer }) => decideAt(at, action, resource, layer))
          .filter((kind) => kind !== 'denied');
        if (kinds.length === 0) continue;
        const decrypts = keyAt(at);
        if (decrypts === 'denied') continue;
        found.add(decrypts === 'allowed' && kinds.includes('allowed') ? 'able' : 'undecided');
      }
      if (found.has('able')) able.push(arn);
      else if (found.has('undecided')) undecided.push(arn);
    }
    const remedy =
      destination.kind === 's3'
        ? 'keep them out by the bucket policy or the key policy (templates/exception-destination.yml does), or name them as readers'
        : 'keep them from the log group by their own or by a control policy, name them as readers, or choose a bucket';
    return [
      ...(able.length === 0
        ? []
        : [
            defect(
              `${namesOf(able)} can read it and ${able.length === 1 ? 'is' : 'are'} no named reader`,
              where,
              remedy,
            ),
          ]),
      ...(undecided.length === 0
        ? []
        : [
            {
              kind: 'unknown' as const,
              what: `whether ${namesOf(undecided)} can read it is not decided by the policies, and ${undecided.length === 1 ? 'it is' : 'they are'} no named reader`,
              where,
              remedy,
            },
          ]),
    ];
  });
}

interface Read {
  readonly action: string;
  readonly resource: string;
  /** The resource's own policy. */
  readonly layer?: ResourceLayer;
}

/** Every call that brings content to whoever reads. */
function readsOf(input: DestinationInput): readonly Read[] {
  const { request, destination } = input;
  const partition = partitionOfRegion(request.region);
  if (destination.kind === 'cloudwatch-logs') {
    const group = `arn:${partition}:logs:${request.region}:${request.accountId}:log-group:${destination.logGroupName}`;
    return READ_EVENTS.map((action) => ({ action, resource: `${group}:*` }));
  }
  const { bucketLayer: layer } = policiesOf(input);
  const places = isFiltered(request) ? filterPlaces(destination) : undefined;
  const prefixes =
    places === undefined ? [destination.keyPrefix] : [places.raw, places.vault, destination.keyPrefix];
  return prefixes.flatMap((prefix) =>
    ['s3:GetObject', 's3:GetObjectVersion'].map((action) => ({
      action,
      resource: `arn:${partition}:s3:::${destination.bucketName}/${prefix}AWSLogs/record`,
      layer,
    })),
  );
}

/** Whether CloudWatch Logs may decrypt for whoever reads events. */
function logsDecrypt(
  { destination, request }: DestinationInput,
  keyLayer: ResourceLayer,
  at: number,
): string {
  const logs = { kind: 'service' as const, name: `logs.${request.region}.amazonaws.com` };
  const name = destination.kind === 'cloudwatch-logs' ? destination.logGroupName : '';
  const group = `arn:${partitionOfRegion(request.region)}:logs:${request.region}:${request.accountId}:log-group:${name}`;
  const context = withKeys(contextOfPrincipal(logs), { 'kms:EncryptionContext:aws:logs:arn': group });
  const decrypt = {
    action: 'kms:Decrypt',
    resource: destination.kmsKeyArn,
    principal: logs,
    context: atInstant(context, at),
  };
  return evaluateRequest(decrypt, { serviceControl: [], resourceControl: [], resource: keyLayer }).kind;
}

const MOST_NAMES = 5;

const namesOf = (arns: readonly string[]): string =>
  arns.length <= MOST_NAMES
    ? arns.join(', ')
    : `${arns.slice(0, MOST_NAMES).join(', ')} and ${arns.length - MOST_NAMES} more`;

/** Whoever is not in the evidence may be made with any policy: then only the destination's own policies can end the reading. */
function readerOf(arn: string, iam: Observation<IamEvidence>): IdentityPolicies {
  if (iam.kind === 'observed') {
    const account = accountPolicies(iam.value);
    const role = iam.value.roles.find((each) => each.arn === arn);
    if (role !== undefined) return account.ofRole(role);
    const user = iam.value.users.find((each) => each.arn === arn);
    if (user !== undefined) return account.ofUser(user);
  }
  const kind = arn.includes(':user/') ? ('user' as const) : ('role' as const);
  return {
    principal: { kind, arn, accountId: arn.split(':')[4] ?? '' },
    identity: layerOf('its identity policies', [readPolicy('any policy', ALLOW_ALL, 'identity')]),
  };
}

const ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';

/** A resource without a policy: nothing is allowed by it. */
function resourceLayer(
  name: string,
  policy: string | undefined,
  accountId: string,
  mustAllow: boolean,
): ResourceLayer {
  const documents = policy === undefined ? [] : [readPolicy(name, policy, 'resource')];
  return { ...layerOf(name, documents), accountId, mustAllow };
}

/** Path and name of the role that switches off (templates/member-account.yml). */
export const DISABLE_ROLE = 'proviso/ProvisoDisable';

export interface DisableInput {
  readonly request: Pick<ExceptionRequest, 'accountId' | 'region'>;
  readonly organization: Organization;
  readonly iam: Observation<IamEvidence>;
  readonly baseline: BaselineConfiguration;
}

/**
 * Whether the role that switches off can do so: its own policies, its boundary and the service control policies above the account,
 * decided by the evaluator. Anything but a certain yes is a defect: nobody may find out at the end. Control policies that could not be read are
 * unknown.
 */
export function judgeDisableRole(input: DisableInput): readonly DestinationFault[] {
  const { accountId } = input.request;
  const where = `role ${DISABLE_ROLE} in ${accountId}`;
  return seen(input.iam, 'the policies of the disabling role', where, (iam) => {
    const role = iam?.roles.find(({ arn }) => arn.endsWith(`:role/${DISABLE_ROLE}`));
    if (iam === undefined || role === undefined)
      return [
        defect(
          'the role that switches off does not exist',
          where,
          'deploy templates/member-account.yml in the account',
        ),
      ];
    return unknownOnce(
      actsOf(input.baseline).flatMap(([action, resource]) => judgeAct(input, iam, role, action, resource)),
    );
  });
}

/** What putting the baseline, or deleting the configuration, calls. */
function actsOf(baseline: BaselineConfiguration): readonly (readonly [string, string])[] {
  const off = ['bedrock:DeleteModelInvocationLoggingConfiguration', '*'] as const;
  if (baseline.kind === 'none') return [off];
  const logRole = baseline.configuration.cloudWatchConfig?.roleArn;
  return [
    off,
    ['bedrock:PutModelInvocationLoggingConfiguration', '*'],
    ...(logRole === undefined ? [] : [['iam:PassRole', logRole] as const]),
  ];
}

function judgeAct(
  { request: { accountId, region }, organization }: DisableInput,
  iam: IamEvidence,
  role: IamRole,
  action: string,
  resource: string,
): readonly DestinationFault[] {
  const where = `role ${DISABLE_ROLE} in ${accountId}`;
  const policies = accountPolicies(iam).ofRole(role);
  const guardrails = guardrailsOf(organization, accountId);
  const decision = decideIdentity(policies, action, {
    guardrails,
    resource,
    context: withKeys(contextOfPrincipal(policies.principal, organization.id), {
      'aws:RequestedRegion': region,
      'iam:PassedToService': 'bedrock.amazonaws.com',
    }),
  });
  if (decision.kind === 'allowed') return [];
  const unread = unreadAbove(guardrails);
  if (unread !== undefined && decision.kind === 'cannot-decide')
    return [unknownAbove('the disabling role', unread, where)];
  const why =
    decision.kind === 'denied'
      ? decision.because
      : decision.kind === 'cannot-decide'
        ? decision.detail
        : `only under conditions: ${decision.statements.flatMap(({ onlyIf }) => onlyIf).join('; ')}`;
  const statements = decision.statements.map(({ policy }) => policy);
  return [
    defect(
      `it is not certain that the disabling role may call ${action}: ${why}${statements.length === 0 ? '' : ` (${[...new Set(statements)].join(', ')})`}`,
      where,
      'let it, in its own policies and in every service control policy above the account',
    ),
  ];
}

/** Path and name of the role that takes a destination away (templates/member-account.yml). */
export const SECOND_LEVER_ROLE = 'proviso/ProvisoSecondLever';

/**
 * Whether the second lever works when switching off does not: at the start, at the end and at every later instant that a policy names. And whether the
 * key is another exception's: with it would go the other's content. Anything but a certain yes is a defect; whose key it is by tags that could
 * not be read, and what control policies that could not be read let it do, is unknown.
 */
export function judgeSecondLever(
  input: DestinationInput & { readonly organization: Organization; readonly exceptionId: string },
): readonly DestinationFault[] {
  const { request, destination, key, exceptionId } = input;
  const where = `key ${destination.kmsKeyArn}`;
  return seen(key.tags, 'whose key it is by its tags', where, (tags = {}) => {
    const owner = ownerOf(key.tags);
    const isOurs = owner === exceptionId;
    const shared =
      owner === undefined || isOurs
        ? []
        : [
            defect(
              `the key is tagged as that of ${owner}: it goes when that one is closed`,
              where,
              'name a key of this exception’s own',
            ),
          ];
    const bucketArn =
      destination.kind === 's3'
        ? `arn:${partitionOfRegion(request.region)}:s3:::${destination.bucketName}`
        : undefined;
    const lever = judgeTask(input, {
      name: SECOND_LEVER_ROLE,
      words: 'the second lever',
      absent: 'the second lever does not exist',
      keys: Object.fromEntries(
        Object.entries(tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value]),
      ),
      acts: [
        ...(bucketArn === undefined
          ? []
          : ['s3:GetBucketPolicy', 's3:PutBucketPolicy'].map((action) => [action, bucketArn] as const)),
        ['kms:DisableKey', destination.kmsKeyArn],
        // Only of a key that is tagged as this exception's is it ever asked for.
        ...(isOurs ? [['kms:ScheduleKeyDeletion', destination.kmsKeyArn] as const] : []),
      ],
      remedy: `let it, in its own policies, in those of the destination and in every control policy above; ${TEMPLATE}, and name its bucket as the pattern ContentBuckets of templates/member-account.yml has it`,
    });
    return [...shared, ...lever];
  });
}
