import { epochMs } from '../core/index.ts';
import type { Evaluation, Services } from '../enforcement/index.ts';
import type { LoggingConfiguration, Observation, Snapshot } from '../evidence/index.ts';
import { SNAPSHOT_SCHEMA_VERSION } from '../evidence/index.ts';
import { isActive, isWithin, type LeaseRow, readLeaseRow, storesContent } from '../exceptions/index.ts';
import { checkSnapshot, type Finding } from '../rules/index.ts';
import type { ChangedResource, ConfigEvent } from './config-event.ts';
import { annotation, evaluationOf } from './evaluation.ts';

/**
 * How a changed resource of each type is judged. Types that AWS Config records and that can hold content, or decide who may change its
 * storage (`ResourceType` of the installed SDK; log groups are not among them, so the periodic rule alone sees those).
 */
export const RESOURCE_TYPES = {
  'AWS::IAM::User': 'principal',
  'AWS::IAM::Group': 'principal',
  'AWS::IAM::Role': 'principal',
  'AWS::IAM::Policy': 'attached-principals',
  'AWS::S3::Bucket': 'destination',
  'AWS::KMS::Key': 'key',
  'AWS::Bedrock::Guardrail': 'no-control',
  'AWS::Bedrock::KnowledgeBase': 'no-control',
  'AWS::Bedrock::ApplicationInferenceProfile': 'no-control',
  // CP-09 compares all prompts of a Region with the register; one item does not say what that needs.
  'AWS::Bedrock::Prompt': 'nightly-scan',
  'AWS::BedrockAgentCore::Runtime': 'no-control',
  'AWS::BedrockAgentCore::BrowserCustom': 'no-control',
} as const satisfies Record<string, string>;

type Change = Extract<ConfigEvent, { kind: 'change' }>;

/**
 * Evaluates one changed resource by what AWS shows now; the item in the event says which one, and no more. A resource that is gone or out
 * of scope gets NOT_APPLICABLE, which takes its last answer away.
 */
export async function evaluateResource(services: Services, event: Change): Promise<Evaluation> {
  const { resource, at } = event;
  const about = { resourceType: resource.type, resourceId: resource.id, at };
  const notApplicable = (why: string): Evaluation => ({
    ...about,
    compliance: 'NOT_APPLICABLE',
    annotation: annotation(why),
  });
  if (event.hasLeftScope) return notApplicable('out of the rule’s scope');
  if (resource.isDeleted) return notApplicable('the resource is gone');
  const current = event.isComplete ? resource : await fetched(services, event);
  if (current === undefined || current.isDeleted) return notApplicable('the resource is gone');
  const how = Object.hasOwn(RESOURCE_TYPES, current.type)
    ? RESOURCE_TYPES[current.type as keyof typeof RESOURCE_TYPES]
    : 'no-control';
  switch (how) {
    case 'principal':
    case 'attached-principals':
      return ofPrincipals(services, event, current, how);
    case 'destination':
    case 'key':
      return ofDestination(services, event, current);
    case 'nightly-scan':
      return notApplicable(`not judged here: the nightly scan judges ${current.type}`);
    case 'no-control':
      return notApplicable(`${current.type} is judged with its account and Region, not by this rule`);
  }
}

/** An item too large to be sent is asked for. What Config no longer has is gone. */
async function fetched(
  { reports }: Services,
  { accountId, region, resource, at }: Change,
): Promise<ChangedResource | undefined> {
  const found = await reports.resourceAt({ accountId, region }, resource.type, resource.id, at);
  return found === undefined ? undefined : { ...resource, ...found };
}

async function ofPrincipals(
  services: Services,
  event: Change,
  { type, id, arn, name }: ChangedResource,
  how: 'principal' | 'attached-principals',
): Promise<Evaluation> {
  const resource = { resourceType: type, resourceId: id };
  const { accountId } = event;
  const [policy, organization, iam] = await Promise.all([
    services.policyInForce.current(),
    services.organizationView.organization(),
    services.identities.readIam(accountId),
  ]);
  const account = organization.accounts.find((each) => each.id === accountId);
  // Without its place in the organization nothing above it is known: that is no answer, and NOT_APPLICABLE would look like one.
  if (account === undefined)
    return {
      ...resource,
      at: event.at,
      compliance: 'NON_COMPLIANT',
      annotation: annotation(
        `not known whether the policy is kept: account ${accountId} is not in the organization as this deployment sees it`,
      ),
    };
  const now = epochMs(services.clock.now());
  const snapshot: Snapshot = {
    schemaVersion: SNAPSHOT_SCHEMA_VERSION,
    takenAt: now,
    organization: { ...organization, accounts: [account] },
    regions: [],
    accounts: [{ accountId, iam }],
    accountRegions: [],
  };
  const report = await checkSnapshot({
    snapshot,
    policy: {
      ...policy,
      policy: {
        ...policy.policy,
        controls: policy.policy.controls.filter(({ subject }) => subject === 'principal'),
      },
    },
    now,
    coverage: () => undefined,
  });
  // The principals could not be listed: what stands for them all says so.
  const isUnlisted = iam.kind !== 'observed';
  const arns = isUnlisted ? new Set<string>() : arnsOf(iam.value, how, arn, name);
  const findings = report.findings.filter(
    ({ subject }) => isUnlisted || (subject.kind === 'principal' && arns.has(subject.arn)),
  );
  if (!isUnlisted && arns.size === 0)
    return {
      ...resource,
      at: event.at,
      compliance: 'NOT_APPLICABLE',
      annotation: how === 'principal' ? 'the principal is gone' : 'no principal has this policy',
    };
  return evaluationOf(named(findings, how), resource, event.at);
}

/** Of a policy, the annotation says whom it concerns. */
const named = (findings: readonly Finding[], how: 'principal' | 'attached-principals'): readonly Finding[] =>
  how === 'principal'
    ? findings
    : findings.map((finding) =>
        finding.subject.kind === 'principal'
          ? { ...finding, message: `${finding.subject.arn.split('/').at(-1) ?? ''}: ${finding.message}` }
          : finding,
      );

type Iam = Extract<Awaited<ReturnType<Services['identities']['readIam']>>, { kind: 'observed' }>['value'];

function arnsOf(
  { users, groups, roles }: Iam,
  how: 'principal' | 'attached-principals',
  arn: string | undefined,
  name: string | undefined,
): ReadonlySet<string> {
  const all = [...users, ...groups, ...roles];
  if (how === 'principal')
    return new Set(
      all
        .filter((each) => (arn === undefined ? each.name === name : each.arn === arn))
        .map((each) => each.arn),
    );
  const holds = ({ attachedPolicies }: { readonly attachedPolicies: readonly { readonly arn: string }[] }) =>
    attachedPolicies.some((policy) => policy.arn === arn);
  const holders = new Set(groups.filter(holds).map((group) => group.name));
  return new Set(
    [
      ...all.filter(
        (each) => holds(each) || ('permissionsBoundaryArn' in each && each.permissionsBoundaryArn === arn),
      ),
      ...users.filter(({ groups: member }) => member.some((group) => holders.has(group))),
    ].map((each) => each.arn),
  );
}

/** A bucket or a key, as far as invocation logging or an exception uses it. */
async function ofDestination(
  services: Services,
  event: Change,
  resource: ChangedResource,
): Promise<Evaluation> {
  const about = { resourceType: resource.type, resourceId: resource.id, at: event.at };
  const pair = { accountId: event.accountId, region: event.region };
  const row = (await readLeaseRow(services.store, pair.accountId, pair.region))?.value;
  const observed = await services.settings.getInvocationLogging(pair);
  const now = services.clock.now();
  const lease = row?.leases.find((each) => isActive(each, now) && each.enabling !== undefined);
  const isOfLease =
    lease !== undefined &&
    (resource.type === 'AWS::KMS::Key'
      ? lease.destination.kmsKeyArn === resource.arn
      : lease.destination.kind === 's3' && lease.destination.bucketName === nameOf(resource));
  if (isOfLease && isCovered(observed, row, now))
    return {
      ...about,
      compliance: 'COMPLIANT',
      annotation: annotation(`content under exception ${lease.exceptionId}, within what it grants`),
    };
  if (resource.type === 'AWS::KMS::Key')
    return { ...about, compliance: 'NOT_APPLICABLE', annotation: 'no live exception uses this key' };
  if (observed.kind === 'unobservable')
    return {
      ...about,
      compliance: 'NON_COMPLIANT',
      annotation: annotation(
        `not known whether prompts are delivered here: invocation logging cannot be read (${observed.detail ?? observed.reason})`,
      ),
    };
  const receives =
    observed.kind === 'observed' && storesContent(observed.value) && names(observed.value, nameOf(resource));
  return receives
    ? {
        ...about,
        compliance: 'NON_COMPLIANT',
        annotation: annotation(
          `invocation logging of ${pair.region} delivers prompts here, and no live exception covers it`,
        ),
      }
    : { ...about, compliance: 'NOT_APPLICABLE', annotation: 'invocation logging delivers no content here' };
}

const isCovered = (
  observed: Observation<LoggingConfiguration>,
  row: LeaseRow | undefined,
  now: ReturnType<Services['clock']['now']>,
): boolean =>
  observed.kind !== 'unobservable' &&
  (row?.leases.some(
    (lease) =>
      isActive(lease, now) &&
      isWithin(observed.kind === 'observed' ? observed.value : undefined, lease.configuration),
  ) ??
    false);

const nameOf = ({ name, id }: ChangedResource): string => name ?? id;
const names = ({ s3Config, cloudWatchConfig }: LoggingConfiguration, bucket: string): boolean =>
  [s3Config?.bucketName, cloudWatchConfig?.largeDataDeliveryS3Config?.bucketName].includes(bucket);
