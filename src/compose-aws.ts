import { homeSettings } from './adapters/aws/home-settings.ts';
import { later, once } from './adapters/aws/later.ts';
import { organizationView } from './adapters/aws/organization-view.ts';
import { dynamoRecordStore } from './adapters/aws/record-store.ts';
import { dynamoHistory, dynamoRecorder } from './adapters/aws/recorder.ts';
import { readEnvironment } from './adapters/environment.ts';
import { metadataTexts } from './adapters/metadata-texts.ts';
import { policyInForceOf } from './adapters/policy-in-force.ts';
import type { ApiServices, CallerDirectory } from './api/index.ts';
import { type Clock, ok, type Texts } from './core/index.ts';
import { surroundingsOf } from './enforcement/index.ts';
import type {
  AccountSource,
  EvidenceSources,
  OrganizationSource,
  SectionLevel,
  SectionReader,
  SectionSource,
} from './evidence/index.ts';
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
 * Every function keeps records, and most use little else: the adapters besides, with the clients of their services, are loaded when they
 * are first called.
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
  const identityHome = homeSettings(settings.identityRegion);
  const partition = settings.signingKeyArn.split(':')[1] ?? 'aws';
  const own = { clock, homeRegion: region, ...(externalId === undefined ? {} : { externalId }) };
  const everywhere = { ...own, alwaysAssume: true, partition };
  const roles = once(async () =>
    (await import('./adapters/aws/roles.ts')).memberRoles({ ...own, partition }),
  );
  const accessWith = (options: typeof own) =>
    once(async () => new (await import('./adapters/aws/account-access.ts')).AccountAccess(options));
  const ownAccess = accessWith(own);
  // Also in the governance account itself: the functions have no right of their own to read anybody's IAM.
  const identityAccess = accessWith(everywhere);
  const accountsBy = (access: typeof ownAccess) =>
    later<AccountSource>(async () =>
      (await import('./adapters/aws/iam.ts')).iamAccountSource(await access(), clock),
    );
  const organization = later<OrganizationSource>(async () =>
    (await import('./adapters/aws/organizations.ts')).organizationsSource(await ownAccess(), clock),
  );
  const { store, recorder } = correlating({
    store: dynamoRecordStore(home, settings.recordsTable),
    recorder: dynamoRecorder(home, settings.eventsTable, clock),
  });
  const archive = later<Texts>(async () =>
    (await import('./adapters/aws/evidence-bucket.ts')).s3Texts(home, settings.evidenceBucket),
  );
  const services: AwsServices = {
    clock,
    ids: randomIds,
    recorder: notifyingRecorder(recorder, () => services),
    store,
    directory: later(async () =>
      (await import('./adapters/aws/directory.ts')).identityStoreDirectory(identityHome, settings.directory),
    ),
    policyInForce: policyInForceOf(store),
    organizationView: organizationView(organization, clock),
    settings: later(async () =>
      (await import('./adapters/aws/prompt-storage.ts')).bedrockSettings(await roles(), clock),
    ),
    retention: later(async () =>
      (await import('./adapters/aws/prompt-storage.ts')).bedrockRetention(await roles(), clock),
    ),
    identities: accountsBy(identityAccess),
    reports: later(async () =>
      (await import('./adapters/aws/compliance-reports.ts')).configReports(await roles()),
    ),
    // The organization with the function's own role; every account, this one too, with its collecting role.
    evidence: evidenceLater(
      once(async () => (await import('./adapters/aws/evidence-sources.ts')).awsEvidenceSources(everywhere)),
    ),
    archive,
    destinations: later(async () =>
      (await import('./adapters/aws/destinations.ts')).awsDestinations(await roles(), clock),
    ),
    drainage: later(async () =>
      (await import('./adapters/aws/drainage.ts')).awsDrainage(await roles(), clock),
    ),
    metadata: metadataTexts(archive),
    inspection: later(async () =>
      (await import('./adapters/aws/inspection.ts')).accountInspection(
        await roles(),
        accountsBy(ownAccess),
        clock,
      ),
    ),
    secondLever: later(async () =>
      (await import('./adapters/aws/second-lever.ts')).awsSecondLever(await roles()),
    ),
    vaultCopies: later(async () =>
      (await import('./adapters/aws/vault-copies.ts')).awsVaultCopies(await roles(), clock),
    ),
    trail: later(async () =>
      (await import('./adapters/aws/change-trail.ts')).cloudTrailChanges(await roles(), clock),
    ),
    schedules: later(async () =>
      (await import('./adapters/aws/schedules.ts')).awsSchedules(home, settings.schedules),
    ),
    executions: later(async () =>
      (await import('./adapters/aws/executions.ts')).awsExecutions(home, settings.machines),
    ),
    signer: later(async () =>
      (await import('./adapters/aws/signing-key.ts')).kmsSigner(home, settings.signingKeyArn),
    ),
    certificates: later(async () =>
      (await import('./adapters/aws/certificates.ts')).s3Certificates(home, settings.certificateBucket),
    ),
    notifier: later(async () =>
      (await import('./adapters/aws/notifier.ts')).eventBridgeNotifier(home, settings.eventBus),
    ),
    history: dynamoHistory(home, settings.eventsTable),
    checks: { latest: () => latestReport(archive) },
    surroundings: { of: async (request) => ok(await surroundingsOf(services, request)) },
    callers: later(async () =>
      (await import('./adapters/aws/directory.ts')).identityStoreCallers(
        identityHome,
        settings.directory.identityStoreId,
      ),
    ),
    callerRoles: settings.callerRoles,
  };
  return services;
}

/** Everything that is collected, loaded when something of it is asked for. On AWS there is a reader for every section (`awsSections`). */
function evidenceLater(sources: () => Promise<EvidenceSources>): EvidenceSources {
  const readersOf = (level: SectionLevel) =>
    new Proxy(
      {},
      {
        get: (_readers, name) => async (place: never, options: never) => {
          const readers = (await sources()).sections[level] as Readonly<
            Record<string | symbol, SectionReader<SectionLevel, never> | undefined>
          >;
          return readers[name]?.(place, options);
        },
      },
    );
  const sections: SectionSource['sections'] = {
    'account-region': readersOf('account-region'),
    account: readersOf('account'),
    organization: readersOf('organization'),
  };
  return {
    readOrganization: async (...given) => (await sources()).readOrganization(...given),
    readIam: async (...given) => (await sources()).readIam(...given),
    readInvocationLogging: async (...given) => (await sources()).readInvocationLogging(...given),
    readDataRetention: async (...given) => (await sources()).readDataRetention(...given),
    sections,
  };
}
