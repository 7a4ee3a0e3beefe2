import { AccountAccess } from './adapters/aws/account-access.ts';
import { s3Certificates } from './adapters/aws/certificates.ts';
import { cloudTrailChanges } from './adapters/aws/change-trail.ts';
import { configReports } from './adapters/aws/compliance-reports.ts';
import { awsDestinations } from './adapters/aws/destinations.ts';
import { identityStoreCallers, identityStoreDirectory } from './adapters/aws/directory.ts';
import { awsDrainage } from './adapters/aws/drainage.ts';
import { s3Texts } from './adapters/aws/evidence-bucket.ts';
import { awsEvidenceSources } from './adapters/aws/evidence-sources.ts';
import { awsExecutions } from './adapters/aws/executions.ts';
import { homeSettings } from './adapters/aws/home-settings.ts';
import { iamAccountSource } from './adapters/aws/iam.ts';
import { accountInspection } from './adapters/aws/inspection.ts';
import { eventBridgeNotifier } from './adapters/aws/notifier.ts';
import { organizationView } from './adapters/aws/organization-view.ts';
import { bedrockRetention, bedrockSettings } from './adapters/aws/prompt-storage.ts';
import { dynamoRecordStore } from './adapters/aws/record-store.ts';
import { dynamoHistory, dynamoRecorder } from './adapters/aws/recorder.ts';
import { memberRoles } from './adapters/aws/roles.ts';
import { awsSchedules } from './adapters/aws/schedules.ts';
import { awsSecondLever } from './adapters/aws/second-lever.ts';
import { kmsSigner } from './adapters/aws/signing-key.ts';
import { awsVaultCopies } from './adapters/aws/vault-copies.ts';
import { readEnvironment } from './adapters/environment.ts';
import { metadataTexts } from './adapters/metadata-texts.ts';
import { policyInForceOf } from './adapters/policy-in-force.ts';
import type { ApiServices, CallerDirectory } from './api/index.ts';
import { type Clock, ok } from './core/index.ts';
import { surroundingsOf } from './enforcement/index.ts';
import { correlating, notifyingRecorder } from './exceptions/index.ts';
import { randomIds } from './runtime/random-ids.ts';
import { systemClock } from './runtime/system-clock.ts';
import { latestReport } from './scan/index.ts';

/** With what the API needs besides. */
export interface AwsServices extends ApiServices {
  readonly callers: CallerDirectory;
  readonly callerRoles: readonly string[];
}

/**
 * Everything the exception path needs of the world, on AWS: what `compose.ts` is for one machine. Composed once per Lambda container;
 * composing calls nothing. `AWS_ENDPOINT_URL` is honoured by the SDK's clients themselves.
 *
 * @throws ConfigurationError naming every variable that is missing or malformed, and what it is for
 */
export function awsServices(
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock = systemClock,
): AwsServices {
  const settings = readEnvironment(environment);
  const { region, externalId } = settings;
  const home = homeSettings(region);
  const external = externalId === undefined ? {} : { externalId };
  const evidence = awsEvidenceSources({ clock, homeRegion: region, ...external });
  const partition = settings.signingKeyArn.split(':')[1] ?? 'aws';
  const roles = memberRoles({ clock, homeRegion: region, partition, ...external });
  // Also in the governance account itself: the functions have no right of their own to read anybody's IAM.
  const identityAccess = new AccountAccess({
    clock,
    homeRegion: region,
    alwaysAssume: true,
    partition,
    ...external,
  });
  const { store, recorder } = correlating({
    store: dynamoRecordStore(home, settings.recordsTable),
    recorder: dynamoRecorder(home, settings.eventsTable, clock),
  });
  const archive = s3Texts(home, settings.evidenceBucket);
  const services: AwsServices = {
    clock,
    ids: randomIds,
    recorder: notifyingRecorder(recorder, () => services),
    store,
    directory: identityStoreDirectory(homeSettings(settings.identityRegion), settings.directory),
    policyInForce: policyInForceOf(store),
    organizationView: organizationView(evidence, clock),
    settings: bedrockSettings(roles, clock),
    retention: bedrockRetention(roles, clock),
    identities: iamAccountSource(identityAccess, clock),
    reports: configReports(roles),
    // The organization with the function's own role; every account, this one too, with its collecting role.
    evidence: awsEvidenceSources({ clock, homeRegion: region, alwaysAssume: true, partition, ...external }),
    archive,
    destinations: awsDestinations(roles, clock),
    drainage: awsDrainage(roles, clock),
    metadata: metadataTexts(archive),
    inspection: accountInspection(roles, evidence, clock),
    secondLever: awsSecondLever(roles),
    vaultCopies: awsVaultCopies(roles, clock),
    trail: cloudTrailChanges(roles, clock),
    schedules: awsSchedules(home, settings.schedules),
    executions: awsExecutions(home, settings.machines),
    signer: kmsSigner(home, settings.signingKeyArn),
    certificates: s3Certificates(home, settings.certificateBucket),
    notifier: eventBridgeNotifier(home, settings.eventBus),
    history: dynamoHistory(home, settings.eventsTable),
    checks: { latest: () => latestReport(archive) },
    surroundings: { of: async (request) => ok(await surroundingsOf(services, request)) },
    callers: identityStoreCallers(homeSettings(settings.identityRegion), settings.directory.identityStoreId),
    callerRoles: settings.callerRoles,
  };
  return services;
}
