import { describe, expect, it } from 'vitest';
import { accountId, region } from '../../src/core/index.ts';
import type { RegionEvidence, SectionName } from '../../src/evidence/index.ts';
import { BUCKET, INCIDENT, KEY, type Simulation, simulate, VIRGINIA } from './harness.ts';

/* What a check of a state sees of the places that exceptions write to. */

const PLACE = { accountId: accountId(INCIDENT), region: region(VIRGINIA) };
const NAMES = [
  'destinations',
  'destinationPolicies',
  'keyGrants',
] as const satisfies readonly SectionName<'account-region'>[];

async function sectionsOf(s: Simulation): Promise<Record<(typeof NAMES)[number], unknown>> {
  const { evidence } = s.state.aws;
  const place: RegionEvidence = {
    ...PLACE,
    invocationLogging: await evidence.readInvocationLogging(PLACE.accountId, PLACE.region),
    dataRetention: await evidence.readDataRetention(PLACE.accountId, PLACE.region),
  };
  const read = await Promise.all(
    NAMES.map(async (name) => [name, await evidence.sections['account-region'][name]?.(place)] as const),
  );
  return Object.fromEntries(read) as Record<(typeof NAMES)[number], unknown>;
}

describe('the bucket of a live exception', () => {
  it('is described with its key, owner, lifecycle, policies and grants', () =>
    simulate(async (s) => {
      expect(await sectionsOf(s)).toMatchObject({ destinations: { kind: 'unobservable' } });
      await s.active();
      const { destinations, destinationPolicies, keyGrants } = await sectionsOf(s);
      expect(destinations).toMatchObject({
        kind: 'observed',
        value: [
          {
            kind: 's3',
            bucketName: BUCKET,
            usedBy: ['invocationLogging'],
            encryption: { kind: 'observed', value: { algorithm: 'aws:kms', keyArn: KEY } },
            ownership: { kind: 'observed', value: 'BucketOwnerEnforced' },
            lifecycle: {
              kind: 'observed',
              value: [{ status: 'Enabled', noncurrentVersionExpirationDays: 1 }],
            },
            objectLock: { kind: 'absent' },
            replication: { kind: 'observed', value: [] },
          },
        ],
      });
      expect(destinationPolicies).toMatchObject({
        kind: 'observed',
        value: [
          { resourceArn: `arn:aws:s3:::${BUCKET}`, policy: { kind: 'observed' } },
          { resourceArn: KEY, policy: { kind: 'observed' } },
        ],
      });
      expect(JSON.stringify(destinationPolicies)).toContain('BedrockWritesUntilTheEnd');
      expect(keyGrants).toMatchObject({
        kind: 'observed',
        value: [{ keyArn: KEY, grants: { kind: 'observed', value: [] }, manager: { value: 'CUSTOMER' } }],
      });
    }));

  it('has copies that could not be seen where they are kept in words alone', () =>
    simulate(async (s) => {
      await s.active();
      s.state.aws.stacks.setBucketFeatures(BUCKET, {
        copies: ['it is replicated to arn:aws:s3:::elsewhere'],
      });
      s.state.aws.stacks.setKeyFeatures(KEY, { grants: ['somebody may decrypt'] });
      const { destinations, keyGrants } = await sectionsOf(s);
      expect(destinations).toMatchObject({ value: [{ replication: { kind: 'unobservable' } }] });
      expect(keyGrants).toMatchObject({ value: [{ grants: { kind: 'unobservable' } }] });
    }));
});

it('a rule that deletes some objects is not taken for one that deletes all', () =>
  simulate(async (s) => {
    await s.active();
    const lifecycle = [{ isEnabled: true, isPartial: true as const, prefix: '', expirationDays: 1 }];
    s.state.aws.stacks.setBucketFeatures(BUCKET, { lifecycle });
    expect(await sectionsOf(s)).toMatchObject({
      destinations: { value: [{ lifecycle: { kind: 'unobservable' } }] },
    });
  }));

it('what somebody else switched on to a bucket that nobody described stays unseen', () =>
  simulate(async (s) => {
    s.somebodyPuts({
      textDataDeliveryEnabled: true,
      imageDataDeliveryEnabled: false,
      embeddingDataDeliveryEnabled: false,
      videoDataDeliveryEnabled: false,
      audioDataDeliveryEnabled: false,
      s3Config: { bucketName: 'somebodys-bucket', keyPrefix: '' },
    });
    expect(await sectionsOf(s)).toMatchObject({
      destinations: { kind: 'unobservable' },
      destinationPolicies: { kind: 'unobservable' },
      keyGrants: { kind: 'unobservable' },
    });
  }));

it('a log group is described too', () =>
  simulate(async (s) => {
    await s.active({
      destination: `{ kind: cloudwatch-logs, logGroupName: /incidents, roleArn: "arn:aws:iam::${INCIDENT}:role/BedrockLogs", kmsKeyArn: "${KEY}" }`,
    });
    const { destinations } = await sectionsOf(s);
    expect(destinations).toMatchObject({
      value: [
        {
          kind: 'cloudwatch-logs',
          keyArn: { kind: 'observed', value: KEY },
          subscriptions: { kind: 'observed', value: [] },
        },
      ],
    });
  }));
