import { type AccountId, type EpochMs, isRegion, type Region } from '../core/index.ts';
import {
  type ContentDestination,
  DATA_DELIVERY_FLAGS,
  type LoggingConfiguration,
  type MemberAccount,
  type Observation,
  type OutputJob,
  type RegionEvidence,
  type SectionName,
  type Snapshot,
  sectionOf,
  usableRegions,
} from '../evidence/index.ts';
import {
  effectiveRetention,
  type Place,
  placeOfS3Uri,
  placesOfInvocationLogging,
  retentionWords,
} from '../retention/index.ts';
import { whyUnobservable } from './derived-fact.ts';

/** Whether content can be there: `unknown` is never `no`. */
export type CanHold = 'yes' | 'no' | 'unknown' | 'not-offered';

/** One place in which content can stay, of one account and Region. */
export interface InventoryRow {
  readonly accountId: AccountId;
  readonly accountName: string;
  readonly region: Region;
  readonly surface: SurfaceName;
  readonly canHold: CanHold;
  /** What was seen, in words. */
  readonly seen: readonly string[];
  /** Who puts content there. */
  readonly writer: string;
  /** For how long it stays if nobody deletes it, place by place; empty where nothing can be there. */
  readonly keptFor: readonly string[];
  readonly key: readonly string[];
}

interface Surface {
  readonly writer: string;
  readonly read: (pair: RegionEvidence, now: EpochMs) => Seen;
}
type Seen = Pick<InventoryRow, 'canHold' | 'seen' | 'keptFor' | 'key'>;

const AWS_KEY = 'a key of AWS';
const none = (seen: string): Seen => ({ canHold: 'no', seen: [seen], keptFor: [], key: [] });

function unknown(observation: Extract<Observation<unknown>, { kind: 'unobservable' }>): Seen {
  return {
    canHold: 'unknown',
    seen: [whyUnobservable(observation)],
    keptFor: ['unknown'],
    key: ['unknown'],
  };
}

const NOT_OFFERED: Seen = {
  canHold: 'not-offered',
  seen: ['the service is not offered in this Region'],
  keptFor: [],
  key: [],
};

function ofSection<N extends SectionName<'account-region'>, T>(
  name: N,
  itemsOf: (
    value: Extract<ReturnType<typeof sectionOf<'account-region', N>>, { kind: 'observed' }>['value'],
  ) => readonly T[],
  none_: string,
  describe: (
    item: T,
    pair: RegionEvidence,
    now: EpochMs,
  ) => { readonly seen: string; readonly keptFor: string; readonly key: string },
): Surface['read'] {
  return (pair, now) => {
    const observation = sectionOf(pair.sections, name);
    if (observation.kind === 'unobservable') return unknown(observation);
    if (observation.kind === 'absent') return NOT_OFFERED;
    const items = itemsOf(observation.value as never);
    if (items.length === 0) return none(none_);
    const told = items.map((item) => describe(item, pair, now));
    const each = (key: 'seen' | 'keptFor' | 'key') => [...new Set(told.map((one) => one[key]))];
    return { canHold: 'yes', seen: each('seen'), keptFor: each('keptFor'), key: each('key') };
  };
}

function storeOf(pair: RegionEvidence, place: Place): ContentDestination | undefined {
  const seen = sectionOf(pair.sections, 'destinations');
  if (seen.kind !== 'observed') return undefined;
  return seen.value.find((store) =>
    place.kind === 's3'
      ? store.kind === 's3' && store.bucketName === place.bucketName
      : store.kind === 'cloudwatch-logs' && store.logGroupName === place.logGroupName,
  );
}

const keyWords = (key: Observation<unknown> | undefined, arn: string | undefined): string =>
  key === undefined || key.kind === 'unobservable' ? 'unknown' : (arn ?? AWS_KEY);

function keyOf(pair: RegionEvidence, place: Place): string {
  const store = storeOf(pair, place);
  if (store?.kind === 's3')
    return keyWords(
      store.encryption,
      store.encryption.kind === 'observed' ? store.encryption.value.keyArn : undefined,
    );
  return keyWords(store?.keyArn, store?.keyArn.kind === 'observed' ? store.keyArn.value : undefined);
}

function kept(pair: RegionEvidence, place: Place, now: EpochMs): string {
  const retention = effectiveRetention(place, storeOf(pair, place), now);
  const words = retentionWords(retention);
  // There it says when content is gone, here for how long it is kept.
  return retention.outcome === 'never-ends' ? words.replace(/^never/, 'for ever') : words;
}

const jobs = (name: 'batchJobs' | 'evaluationJobs' | 'asyncInvocations', what: string): Surface['read'] =>
  ofSection(
    name,
    (all): readonly OutputJob[] => [...new Map(all.map((job) => [job.outputS3Uri, job])).values()],
    `no ${what}`,
    (job, pair, now) => {
      const place = placeOfS3Uri(job.outputS3Uri, pair.accountId, pair.region, what);
      return {
        seen: `${what} wrote to ${job.outputS3Uri}`,
        keptFor: place === undefined ? 'unknown' : kept(pair, place, now),
        key: job.keyArn ?? (place === undefined ? 'unknown' : keyOf(pair, place)),
      };
    },
  );

/** Content is delivered unless every flag is explicitly false and no bucket takes large bodies. */
function deliversContent(logging: LoggingConfiguration): boolean {
  const large = logging.cloudWatchConfig?.largeDataDeliveryS3Config?.bucketName ?? '';
  return large !== '' || DATA_DELIVERY_FLAGS.some((flag) => logging[flag] !== false);
}

/** Every kind of place, in the order of the reports. */
export const SURFACES = {
  'invocation logging': {
    writer: 'Bedrock, for everybody in the account and Region',
    read: (pair, now) => {
      const { invocationLogging: logging, accountId, region } = pair;
      if (logging.kind === 'unobservable') return unknown(logging);
      if (logging.kind === 'absent') return none('it is not configured');
      const places = placesOfInvocationLogging(logging.value, accountId, region);
      if (places.length === 0) return none('it has no destination');
      if (!deliversContent(logging.value)) return none('it is metadata-only');
      return {
        canHold: 'yes',
        seen: places.map((place) =>
          place.kind === 's3' ? `s3://${place.bucketName}/${place.prefix}` : place.logGroupName,
        ),
        keptFor: places.map((place) => kept(pair, place, now)),
        key: [...new Set(places.map((place) => keyOf(pair, place)))],
      };
    },
  },
  'data retention': {
    writer: 'AWS, by the account’s mode',
    read: ({ dataRetention: mode }) => {
      if (mode.kind === 'unobservable') return unknown(mode);
      if (mode.kind === 'absent') return { ...none('it has no mode'), canHold: 'unknown' };
      return keptByMode(mode.value.mode);
    },
  },
  'bedrock-mantle retention': {
    writer: 'AWS, by the modes of account and projects; the Responses API',
    read: ({ sections }) => {
      const seen = sectionOf(sections, 'mantleRetention');
      if (seen.kind === 'unobservable') return unknown(seen);
      if (seen.kind === 'absent') return NOT_OFFERED;
      const { accountMode, projects } = seen.value;
      const own = projects.filter(
        ({ mode, isArchived }) => !isArchived && mode !== 'inherit' && mode !== 'none',
      );
      if (accountMode === 'none' && own.length > 0)
        return {
          ...keptByMode(own[0]?.mode ?? ''),
          seen: own.map(({ id, mode }) => `project ${id} has mode ${mode}`),
        };
      return keptByMode(accountMode);
    },
  },
  sessions: {
    writer: 'applications, by the session API',
    read: ofSection(
      'bedrockSessions',
      (all) => all,
      'there is no session',
      ({ id, status }) => ({
        seen: `session ${id}, ${status}`,
        keptFor: 'until somebody deletes it',
        key: 'not read',
      }),
    ),
  },
  'stored prompts': {
    writer: 'builders, in Prompt management',
    read: ofSection(
      'storedPrompts',
      (all) => all,
      'there is no prompt',
      ({ name }) => ({
        seen: `prompt ${name}`,
        keptFor: 'until somebody deletes it',
        key: 'not read',
      }),
    ),
  },
  'agent memory': {
    writer: 'agents',
    read: ofSection(
      'agentMemory',
      (all) => all.filter(({ memoryTypes }) => memoryTypes.length > 0),
      'no agent has a memory',
      ({ name, storageDays, keyArn }) => ({
        seen: `agent ${name}`,
        keptFor: storageDays === undefined ? 'unknown' : `${storageDays} days`,
        key: keyArn ?? AWS_KEY,
      }),
    ),
  },
  'AgentCore memory': {
    writer: 'agents, by AgentCore',
    read: ofSection(
      'agentCoreMemories',
      (all) => all,
      'there is no memory',
      ({ arn, eventExpiryDays, keyArn }) => ({
        seen: arn,
        keptFor: `events ${eventExpiryDays === undefined ? 'unknown' : `${eventExpiryDays} days`}, what is extracted for ever`,
        key: keyArn ?? AWS_KEY,
      }),
    ),
  },
  'batch outputs': { writer: 'batch inference jobs', read: jobs('batchJobs', 'batch inference') },
  'evaluation outputs': { writer: 'evaluation jobs', read: jobs('evaluationJobs', 'an evaluation job') },
  'asynchronous outputs': {
    writer: 'asynchronous invocations',
    read: jobs('asyncInvocations', 'an asynchronous invocation'),
  },
  'log deliveries': {
    writer: 'knowledge bases, agents and AgentCore',
    read: ofSection(
      'logDeliveries',
      (all) => all.filter(({ logType }) => logType !== 'USAGE_LOGS'),
      'no delivery can carry content',
      ({ id, logType, destinationArn = '' }, pair, now) => {
        const place = placeOfArn(destinationArn, pair);
        return {
          seen: `delivery ${id}, ${logType}, to ${destinationArn || 'an unknown place'}`,
          keptFor: place === undefined ? 'unknown' : kept(pair, place, now),
          key: place === undefined ? 'unknown' : keyOf(pair, place),
        };
      },
    ),
  },
  'log groups': {
    writer: 'whoever writes logs of model use',
    read: (pair, now) => {
      const candidates = sectionOf(pair.sections, 'contentLogGroups');
      if (candidates.kind === 'unobservable') return unknown(candidates);
      if (candidates.kind === 'absent') return NOT_OFFERED;
      if (candidates.value.length === 0) return none('no log group is likely to hold content');
      const searched = sectionOf(pair.sections, 'logGroupContent');
      if (searched.kind !== 'observed')
        return {
          canHold: 'unknown',
          seen: candidates.value.map((group) => `${group} was not searched`),
          keptFor: ['unknown'],
          key: ['unknown'],
        };
      const found = searched.value.filter(({ hits }) => hits > 0);
      if (found.length === 0) return none('they were searched, and had no content of the last day');
      const places = found.map(({ logGroup: logGroupName }): Place => {
        const { accountId, region } = pair;
        return { accountId, region, kind: 'cloudwatch-logs', logGroupName, what: 'log events' };
      });
      return {
        canHold: 'yes',
        seen: found.map(
          ({ logGroup, hits }) => `${logGroup} has ${hits} records with content of the last day`,
        ),
        keptFor: places.map((place) => kept(pair, place, now)),
        key: [...new Set(places.map((place) => keyOf(pair, place)))],
      };
    },
  },
} as const satisfies Readonly<Record<string, Surface>>;
export type SurfaceName = keyof typeof SURFACES;
export const SURFACE_NAMES = Object.keys(SURFACES) as readonly SurfaceName[];

function keptByMode(mode: string): Seen {
  if (mode === 'none') return none('mode none keeps nothing, but for models that AWS names');
  return { canHold: 'yes', seen: [`mode ${mode}`], keptFor: ['up to 30 days, by the model'], key: [AWS_KEY] };
}

function placeOfArn(arn: string, { accountId, region }: RegionEvidence): Place | undefined {
  const what = 'vended logs';
  const logGroup = /^arn:[^:]+:logs:[^:]+:[0-9]{12}:log-group:([^:]+)/.exec(arn)?.[1];
  if (logGroup !== undefined)
    return { accountId, region, kind: 'cloudwatch-logs', logGroupName: logGroup, what };
  const bucket = /^arn:[^:]+:s3:::([^/]+)\/?(.*)$/.exec(arn);
  return bucket?.[1] === undefined
    ? undefined
    : { accountId, region, kind: 's3', bucketName: bucket[1], prefix: bucket[2] ?? '', what };
}

/** Regions that an account can use and that nobody asked: nothing is known of them, which is no empty row. */
function notAsked({ accounts, accountRegions }: Snapshot): readonly RegionEvidence[] {
  const asked = new Set(accountRegions.map(({ accountId, region }) => `${accountId}/${region}`));
  return accounts.flatMap(({ accountId, sections }) =>
    usableRegions(sectionOf(sections, 'regions')).flatMap((region) =>
      isRegion(region) && !asked.has(`${accountId}/${region}`)
        ? [{ accountId, region, invocationLogging: NOBODY_ASKED, dataRetention: NOBODY_ASKED }]
        : [],
    ),
  );
}
const NOBODY_ASKED = { kind: 'unobservable', reason: 'not-collected' } as const;

/**
 * One row for every account, Region in which it was asked or that it can use, and kind of place, in the order of ids.
 * @param now - content that would be written then is what `keptFor` speaks of
 */
export function inventoryOf(snapshot: Snapshot, now: EpochMs): readonly InventoryRow[] {
  const names = new Map<string, MemberAccount>(snapshot.organization.accounts.map((one) => [one.id, one]));
  return [...snapshot.accountRegions, ...notAsked(snapshot)]
    .toSorted((one, other) =>
      `${one.accountId}/${one.region}` < `${other.accountId}/${other.region}` ? -1 : 1,
    )
    .flatMap((pair) =>
      SURFACE_NAMES.map((surface) => ({
        accountId: pair.accountId,
        accountName: names.get(pair.accountId)?.name ?? pair.accountId,
        region: pair.region,
        surface,
        writer: SURFACES[surface].writer,
        ...SURFACES[surface].read(pair, now),
      })),
    );
}
