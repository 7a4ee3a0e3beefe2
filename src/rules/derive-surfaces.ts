import { DAY, type DurationMs, parseDuration } from '../core/index.ts';
import {
  type ContentBucket,
  type Observation,
  type OutputJob,
  type SectionName,
  type SectionValue,
  sectionOf,
} from '../evidence/index.ts';
import type { FactName } from '../policy/index.ts';
import { effectiveRetention, isWithinRetention, placeOfS3Uri, retentionWords } from '../retention/index.ts';
import { describedBucket, hasCustomerKey, isCustomerKey, unseenNames } from './derive-buckets.ts';
import { COST_TAGS } from './derive-governance.ts';
import type { RegionInput } from './derive-region.ts';
import { absentFact, type DerivedFact, observedFact, quoted, unobservableFact } from './derived-fact.ts';
import { OFFER, wasNeverOffered } from './region-use.ts';
import { allOf } from './truth.ts';
import type { Truth } from './types.ts';

type Name = SectionName<'account-region'>;

const NOT_OFFERED = 'the service is not offered in this Region';
/** Stores that are Bedrock's own: where it was never offered they hold nothing. Logs and buckets are there without it. */
const OF_BEDROCK: ReadonlySet<Name> = new Set([
  'mantleRetention',
  'bedrockSessions',
  'storedPrompts',
  'agentMemory',
  'batchJobs',
  'evaluationJobs',
  'asyncInvocations',
]);

function sectionFact<N extends Name>(
  name: N,
  what: string,
  derive: (value: SectionValue<'account-region', N>, input: RegionInput) => Answer,
): (input: RegionInput) => DerivedFact {
  return (input) => {
    const seen: Observation<SectionValue<'account-region', N>> = sectionOf(input.evidence?.sections, name);
    if (seen.kind === 'unobservable')
      return OF_BEDROCK.has(name) && wasNeverOffered(input)
        ? absentFact({ at: input.takenAt, source: { call: OFFER } }, NOT_OFFERED)
        : unobservableFact(seen, what);
    if (seen.kind === 'absent') return absentFact(seen, NOT_OFFERED);
    const { value, lines, unknown } = derive(seen.value, input);
    // What was found is enough to violate; that nothing was found is an answer only when everything was seen.
    if (value === 0 && unknown !== undefined && unknown.length > 0)
      return {
        observation: {
          kind: 'unobservable',
          reason: 'not-evaluated',
          detail: unknown[0] ?? what,
          source: seen.source,
        },
        evidence: unknown,
      };
    return observedFact(value, seen, ...lines, ...(unknown ?? []));
  };
}

interface Answer {
  readonly value: number | string;
  readonly lines: readonly string[];
  /** What could not be decided, in words. */
  readonly unknown?: readonly string[];
}

/** Counts items and names the first of them. */
function counted(items: readonly string[], none: string): Answer {
  const shown = items.slice(0, MOST_SHOWN);
  const rest = items.length - shown.length;
  return {
    value: items.length,
    lines: items.length === 0 ? [none] : [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])],
  };
}
const MOST_SHOWN = 10;

type Jobs = 'batchJobs' | 'evaluationJobs' | 'asyncInvocations';

/** The places that jobs write to, each once. */
const placesOf = (jobs: readonly OutputJob[]): readonly (readonly [string, readonly OutputJob[]])[] =>
  [...Map.groupBy(jobs, ({ outputS3Uri }) => outputS3Uri)].sort(([one], [other]) => (one < other ? -1 : 1));

/** `exceptions.limits.retention`, which the loader has already read once. */
function retentionLimit({ policy }: RegionInput): DurationMs {
  const limit = parseDuration(policy.exceptions.limits.retention);
  if (!limit.ok) throw new Error(limit.error);
  return limit.value;
}

/** INVARIANT (one computation): how long something stays is asked of src/retention and nowhere else. */
const keptTooLong = (section: Jobs, what: string) =>
  sectionFact(section, what, (jobs, input) => {
    const limit = retentionLimit(input);
    const tooLong: string[] = [];
    const unknown: string[] = [];
    for (const [uri] of placesOf(jobs)) {
      const place = placeOfS3Uri(uri, input.account.id, input.region, what);
      if (place?.kind !== 's3') {
        unknown.push(`${quoted(uri)} is no place in S3 that could be read`);
        continue;
      }
      const retention = effectiveRetention(
        place,
        describedBucket(input.evidence, place.bucketName),
        input.takenAt,
      );
      const isWithin = isWithinRetention(retention, input.takenAt, limit);
      const words = `${what} in ${quoted(uri)}: ${retentionWords(retention)}`;
      if (isWithin === false) tooLong.push(words);
      else if (isWithin === undefined)
        unknown.push(
          `${words} (${retention.steps.find(({ rule }) => rule === 'not-seen')?.says ?? 'not seen'})`,
        );
    }
    const days = Math.floor(limit / DAY);
    return { ...counted(tooLong, `no ${what} that are known are kept longer than ${days} days`), unknown };
  });

const withoutCustomerKey = (section: Jobs, what: string) =>
  sectionFact(section, what, (jobs, input) => {
    const without: string[] = [];
    const unknown: string[] = [];
    for (const [uri, writers] of placesOf(jobs)) {
      const place = placeOfS3Uri(uri, input.account.id, input.region, what);
      const ofBucket: Truth =
        place?.kind === 's3' ? hasCustomerKey(input.evidence, place.bucketName) : 'unknown';
      // A job that names its key writes under it, whatever the bucket does. Such a key is not described: it is one of AWS's where that shows.
      const key = allOf(
        writers.map(({ keyArn }) => {
          if (keyArn === undefined) return ofBucket;
          return isCustomerKey(input.evidence, keyArn) === 'false' ? 'false' : 'true';
        }),
      );
      if (key === 'unknown')
        unknown.push(`whether ${what} in ${quoted(uri)} are under a key of yours could not be seen`);
      else if (key === 'false') without.push(`${what} in ${quoted(uri)} are not under a key of yours`);
    }
    return { ...counted(without, `no ${what} are known that are not under a key of yours`), unknown };
  });

/** Kinds of vended logs that hold numbers only; every other kind, also one that AWS adds later, can carry content. */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set(['USAGE_LOGS']);
/** Modes under which a project keeps no more than its account: `none`, and no opinion. */
const NOT_MORE: ReadonlySet<string> = new Set(['none', 'inherit']);

/** Where AgentCore is not offered it has no memory: agents may still be there. */
function agentCoreMemory(input: RegionInput): DerivedFact {
  const seen = sectionOf(input.evidence?.sections, 'agentCoreMemories');
  return seen.kind === 'absent'
    ? observedFact(0, seen, 'AgentCore is not offered in this Region')
    : agentCoreMemories(input);
}

const agentCoreMemories = sectionFact('agentCoreMemories', 'the memories of AgentCore', (memories) =>
  counted(
    memories.map(
      ({ arn, eventExpiryDays }) =>
        `memory ${quoted(arn)} keeps events${eventExpiryDays === undefined ? '' : ` for ${eventExpiryDays} days`}`,
    ),
    'AgentCore has no memory',
  ),
);

/** Facts about the places beside invocation logging in which content can stay. */
export const SURFACE_FACTS = {
  'mantleRetention.accountMode': sectionFact(
    'mantleRetention',
    'the data-retention mode of `bedrock-mantle`',
    ({ accountMode }) => ({
      value: accountMode,
      lines: [`the account’s mode on \`bedrock-mantle\` is ${quoted(accountMode)}`],
    }),
  ),
  'mantleRetention.projectsThatMayKeep': sectionFact(
    'mantleRetention',
    'the projects of `bedrock-mantle`',
    ({ projects }) =>
      counted(
        projects
          .filter(({ mode, isArchived }) => !isArchived && !NOT_MORE.has(mode))
          .map(({ id, mode }) => `project ${quoted(id)} has mode ${quoted(mode)}, which beats the account’s`),
        `none of ${projects.length} projects sets a mode of its own that keeps content`,
      ),
  ),
  'bedrockSessions.count': sectionFact('bedrockSessions', 'the sessions of Bedrock', (sessions) =>
    counted(
      sessions.map(({ id, status }) => `session ${quoted(id)} is ${quoted(status)}`),
      'there is no session',
    ),
  ),
  'storedPrompts.count': sectionFact('storedPrompts', 'the prompts of Prompt management', (prompts) =>
    counted(
      prompts.map(({ name, arn }) => `prompt ${quoted(name)} (${arn})`),
      'Prompt management holds no prompt',
    ),
  ),
  'agentMemory.agents': sectionFact('agentMemory', 'the agents', (agents) =>
    counted(
      agents
        .filter(({ memoryTypes }) => memoryTypes.length > 0)
        .map(
          ({ name, storageDays }) =>
            `agent ${quoted(name)} remembers sessions${storageDays === undefined ? '' : ` for ${storageDays} days`}`,
        ),
      `none of ${agents.length} agents has a memory`,
    ),
  ),
  'agentCoreMemory.count': agentCoreMemory,
  'batchInference.outputsKeptTooLong': keptTooLong('batchJobs', 'outputs of batch inference'),
  'batchInference.outputsWithoutCustomerKey': withoutCustomerKey('batchJobs', 'outputs of batch inference'),
  'evaluationJobs.outputsKeptTooLong': keptTooLong('evaluationJobs', 'outputs of evaluation jobs'),
  'evaluationJobs.outputsWithoutCustomerKey': withoutCustomerKey(
    'evaluationJobs',
    'outputs of evaluation jobs',
  ),
  'asyncInvocation.outputsKeptTooLong': keptTooLong(
    'asyncInvocations',
    'outputs of asynchronous invocations',
  ),
  'asyncInvocation.outputsWithoutCustomerKey': withoutCustomerKey(
    'asyncInvocations',
    'outputs of asynchronous invocations',
  ),
  'logDeliveries.withContent': sectionFact('logDeliveries', 'the log deliveries', (deliveries) =>
    counted(
      deliveries
        .filter(({ logType }) => !WITHOUT_CONTENT.has(logType))
        .map(
          ({ id, logType, resourceArns, destinationArn }) =>
            `delivery ${quoted(id)} sends ${quoted(logType)} of ${resourceArns.join(', ') || 'a resource that is not named'} to ${destinationArn ?? 'a place that could not be resolved'}`,
        ),
      'no log delivery of Bedrock or AgentCore can carry content',
    ),
  ),
  'contentLogGroups.candidates': sectionFact('contentLogGroups', 'the log groups', (groups) =>
    counted(
      groups.map((name) => `log group ${quoted(name)} is likely to receive records of model use`),
      'no log group is likely to receive records of model use',
    ),
  ),
  'contentLogGroups.withContent': sectionFact('logGroupContent', 'what the log groups hold', (groups) =>
    counted(
      groups
        .filter(({ hits }) => hits > 0)
        .map(
          ({ logGroup, hits }) =>
            `log group ${quoted(logGroup)} has ${hits} records with content of the last day`,
        ),
      `none of ${groups.length} log groups has a record with content of the last day`,
    ),
  ),
  'contentBuckets.locked': sectionFact('destinations', 'the buckets that content goes to', (all, input) => {
    const buckets = all.filter((each): each is ContentBucket => each.kind === 's3');
    return {
      ...counted(
        buckets
          .filter(
            ({ objectLock }) =>
              objectLock.kind === 'observed' && objectLock.value.defaultMode === 'COMPLIANCE',
          )
          .map(({ bucketName }) => `bucket ${quoted(bucketName)} locks every object in compliance mode`),
        `none of ${buckets.length} buckets locks objects in compliance mode by default`,
      ),
      unknown: [
        ...buckets
          .filter(({ objectLock }) => objectLock.kind === 'unobservable')
          .map(({ bucketName }) => `the Object Lock of bucket ${quoted(bucketName)} could not be seen`),
        // A bucket that only they name is not in the list.
        ...unseenNames(input.evidence).map(([what]) => `${what} could not be seen, and may name a bucket`),
      ],
    };
  }),
  'costTags.resources': sectionFact('costResources', 'the resources that tags can stand on', (resources) =>
    counted(
      resources.map(({ arn }) => `${quoted(arn)} has a cost of its own`),
      'there is no application inference profile, provisioned throughput, agent or knowledge base',
    ),
  ),
  'costTags.incomplete': sectionFact('costResources', 'the resources that tags can stand on', (resources) => {
    const incomplete: string[] = [];
    const unknown: string[] = [];
    for (const { arn, tagKeys } of resources) {
      if (tagKeys.kind === 'unobservable') {
        unknown.push(`the tags of ${quoted(arn)} could not be seen: ${tagKeys.detail ?? tagKeys.reason}`);
        continue;
      }
      const keys = tagKeys.kind === 'absent' ? [] : tagKeys.value;
      const missing = COST_TAGS.filter((key) => !keys.includes(key));
      if (missing.length > 0) incomplete.push(`${quoted(arn)} lacks ${missing.map(quoted).join(', ')}`);
    }
    return {
      ...counted(
        incomplete,
        `each of ${resources.length} resources carries ${COST_TAGS.map(quoted).join(', ')}`,
      ),
      unknown,
    };
  }),
} as const satisfies Partial<Record<FactName, (input: RegionInput) => DerivedFact>>;
