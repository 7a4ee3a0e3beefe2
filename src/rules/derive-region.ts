import type { Region } from '../core/index.ts';
import type {
  AccountEvidence,
  DataDeliveryFlag,
  LoggingConfiguration,
  Observation,
  RegionEvidence,
} from '../evidence/index.ts';
import { type FactName, storageFor } from '../policy/index.ts';
import type { AccountReach } from './account-reach.ts';
import {
  type AccountInput,
  absentFact,
  type DerivedFact,
  observedFact,
  quoted,
  THIS_POLICY,
  unobservableFact,
} from './derived-fact.ts';

export interface RegionInput extends AccountInput {
  readonly region: Region;
  /** Undefined: the snapshot did not ask this account and Region. */
  readonly evidence: RegionEvidence | undefined;
  /** What was seen of the account as a whole. */
  readonly accountSections: AccountEvidence['sections'];
  readonly reach: AccountReach;
}

const LOGGING = 'invocation logging';

/** Facts of one account and governed Region, each from what AWS answered there. */
export const REGION_FACTS = {
  'storage.baseline': (input: RegionInput): DerivedFact => {
    // An override on a unit that is not known could only be stricter: without the path the baseline is not known.
    if (input.unitPath === undefined)
      return unobservableFact(
        {
          kind: 'unobservable',
          reason: 'malformed',
          detail: 'the organization’s tree has a gap above the account',
        },
        'the account’s organizational units',
      );
    const { baseline } = storageFor(input.policy, input.unitPath);
    return observedFact(
      baseline,
      { at: input.takenAt, source: THIS_POLICY },
      `the policy sets the baseline ${quoted(baseline)} for this account`,
    );
  },

  'invocationLogging.isConfigured': (input: RegionInput): DerivedFact => {
    const logging = loggingOf(input);
    if (logging.kind === 'unobservable') return unobservableFact(logging, LOGGING);
    const configuration = configurationOf(logging);
    return configuration === undefined
      ? observedFact(false, logging, 'invocation logging has no configuration')
      : observedFact(true, logging, `invocation logging is configured, to ${destinationsOf(configuration)}`);
  },

  'invocationLogging.textDataDelivery': flagFact('textDataDeliveryEnabled'),
  'invocationLogging.imageDataDelivery': flagFact('imageDataDeliveryEnabled'),
  'invocationLogging.embeddingDataDelivery': flagFact('embeddingDataDeliveryEnabled'),
  'invocationLogging.videoDataDelivery': flagFact('videoDataDeliveryEnabled'),
  'invocationLogging.audioDataDelivery': flagFact('audioDataDeliveryEnabled'),

  'invocationLogging.largeDataBucket': nameFact(
    ({ cloudWatchConfig }) => cloudWatchConfig?.largeDataDeliveryS3Config?.bucketName,
    (name) => `bodies too large for a log event go to bucket ${name}`,
    'no bucket is named for bodies too large for a log event',
  ),
  'invocationLogging.cloudWatchLogGroup': nameFact(
    ({ cloudWatchConfig }) => cloudWatchConfig?.logGroupName,
    (name) => `records go to log group ${name}`,
    'no log group is named',
  ),
  'invocationLogging.s3Bucket': nameFact(
    ({ s3Config }) => s3Config?.bucketName,
    (name) => `records go to bucket ${name}`,
    'no bucket is named',
  ),

  'dataRetention.mode': (input: RegionInput): DerivedFact => {
    const retention = input.evidence?.dataRetention ?? notAsked(input);
    const what = 'the account data-retention mode';
    if (retention.kind === 'unobservable') return unobservableFact(retention, what);
    if (retention.kind === 'absent') return absentFact(retention, `${what} has no value`);
    const { mode } = retention.value;
    return observedFact(mode, retention, `${what} is ${quoted(mode)}`);
  },
} as const satisfies Partial<Record<FactName, (input: RegionInput) => DerivedFact>>;

/** Both settings, as AWS answered; not-collected where the snapshot did not ask. */
export const settingsOf = (input: RegionInput): readonly Observation<unknown>[] => [
  loggingOf(input),
  input.evidence?.dataRetention ?? notAsked(input),
];

function loggingOf(input: RegionInput): Observation<LoggingConfiguration> {
  return input.evidence?.invocationLogging ?? notAsked(input);
}

const notAsked = ({ region }: RegionInput): Observation<never> => ({
  kind: 'unobservable',
  reason: 'not-collected',
  detail: `the snapshot did not ask Region ${region} of this account`,
});

/**
 * The configuration, or undefined where there is none. AWS has no "not found" here: no configuration, `{}` and one whose
 * members are all missing are alike.
 */
function configurationOf(
  logging: Observation<LoggingConfiguration> & { readonly kind: 'observed' | 'absent' },
): LoggingConfiguration | undefined {
  if (logging.kind === 'absent') return undefined;
  const isEmpty = Object.values(logging.value).every((member) => member === undefined || member === null);
  return isEmpty ? undefined : logging.value;
}

/** An omitted flag is `unset`, not off: older SDKs leave out flags they do not know, and AWS is believed to read that as on. */
function flagFact(flag: DataDeliveryFlag): (input: RegionInput) => DerivedFact {
  return (input) => {
    const logging = loggingOf(input);
    if (logging.kind === 'unobservable') return unobservableFact(logging, LOGGING);
    const configuration = configurationOf(logging);
    if (configuration === undefined) return absentFact(logging, 'invocation logging has no configuration');
    const isEnabled = configuration[flag];
    if (isEnabled === undefined || isEnabled === null)
      return observedFact('unset', logging, `\`${flag}\` is not set, which AWS is believed to read as true`);
    return observedFact(isEnabled ? 'enabled' : 'disabled', logging, `\`${flag}\` is ${isEnabled}`);
  };
}

/** An empty name is no name. */
function nameFact(
  nameOf: (configuration: LoggingConfiguration) => string | undefined,
  whenNamed: (name: string) => string,
  whenNot: string,
): (input: RegionInput) => DerivedFact {
  return (input) => {
    const logging = loggingOf(input);
    if (logging.kind === 'unobservable') return unobservableFact(logging, LOGGING);
    const configuration = configurationOf(logging);
    if (configuration === undefined) return absentFact(logging, 'invocation logging has no configuration');
    const name = nameOf(configuration) ?? '';
    return name === '' ? absentFact(logging, whenNot) : observedFact(name, logging, whenNamed(quoted(name)));
  };
}

function destinationsOf({ cloudWatchConfig, s3Config }: LoggingConfiguration): string {
  const destinations = [
    ...(cloudWatchConfig?.logGroupName ? [`log group ${quoted(cloudWatchConfig.logGroupName)}`] : []),
    ...(s3Config?.bucketName ? [`bucket ${quoted(s3Config.bucketName)}`] : []),
  ];
  return destinations.join(' and ') || 'no destination';
}
