import { describe, expect, it } from 'vitest';
import type { AccountId } from '../../src/core/index.ts';
import { type Pair, preflight } from '../../src/enforcement/index.ts';
import type { Observation, Organization } from '../../src/evidence/index.ts';
import { BEGINS, BUCKET, HOUR_MS, LONG_AFTER, MINUTE_MS, policyText, simulate } from './harness.ts';

/* What the destination is like decides whether content storage is switched on at all: played through the workflow. */

describe('at the start', () => {
  it('a destination that is copied elsewhere is refused, and nothing was ever on', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.state.aws.stacks.setBucketFeatures(BUCKET, {
        copies: ['it is replicated to arn:aws:s3:::elsewhere'],
      });
      await s.advanceTo(LONG_AFTER);
      const record = await s.record(id);
      expect(record.state).toBe('refused');
      expect(record.reason).toContain('replicated to arn:aws:s3:::elsewhere');
      expect(s.switched).toEqual([]);
      expect(s.puts).toEqual([]);
    }));

  it('a destination that a plan of AWS Backup takes in is refused, and the plan is named', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const selection = { plan: 'nightly', selection: 'tagged', resources: [], notResources: [] };
      s.state.aws.stacks.setBucketFeatures(BUCKET, {
        tags: { backup: 'daily' },
        backups: [{ ...selection, anyTag: [{ key: 'backup', value: 'daily' }], conditions: [] }],
      });
      await s.advanceTo(BEGINS + 5 * MINUTE_MS);
      const record = await s.record(id);
      expect(record.state).toBe('refused');
      expect(record.reason).toContain('selection tagged of the AWS Backup plan nightly takes it in');
      expect(s.puts).toEqual([]);
    }));

  const throttled = { kind: 'unobservable', reason: 'throttled' } as const;
  const inPart = ['isEnabled', 'policy', 'grants', 'tags'] as const;
  type Look = 'inspectKey' | 'inspectBucket' | 'readIam';
  it.each<readonly [string, Partial<Record<Look, object>>]>([
    ['the whole key', { inspectKey: Object.fromEntries(inPart.map((part) => [part, throttled])) }],
    ...inPart.map((part) => [`of the key its ${part}`, { inspectKey: { [part]: throttled } }] as const),
    ['the policy of the bucket', { inspectBucket: { policy: throttled } }],
    ['both policies', { inspectBucket: { policy: throttled }, inspectKey: { policy: throttled } }],
    ['the account’s identities', { readIam: throttled }],
  ])('a destination that cannot be looked at is waited for, and used once it is seen: %s', (_name, unseen) =>
    simulate(async (s) => {
      const id = await s.approved();
      const { services } = s.state;
      const { inspection } = services;
      const seenBut =
        (call: Look) =>
        async (...args: readonly never[]) => ({
          ...(await (inspection[call] as (...given: readonly never[]) => Promise<object>)(...args)),
          ...unseen[call],
        });
      Object.assign(services, {
        inspection: {
          ...inspection,
          inspectKey: seenBut('inspectKey'),
          inspectBucket: seenBut('inspectBucket'),
          readIam: seenBut('readIam'),
        },
      });
      await s.advanceTo(BEGINS + 10 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect((await s.record(id)).state).toBe('scheduled');
      Object.assign(services, { inspection });
      await s.advanceTo(BEGINS + 15 * MINUTE_MS);
      expect(s.isOn()).toBe(true);
    }),
  );

  it.each<readonly [string, Partial<Organization>]>([
    ['which are attached', { attachments: throttled }],
    ['their documents', { serviceControlPolicies: throttled }],
    [
      'one document',
      { serviceControlPolicies: { kind: 'observed', value: [], at: BEGINS, source: { call: 'x' } } },
    ],
  ])(
    'control policies that could not be read are waited for where nothing else is wrong: %s',
    (_name, unseen) =>
      simulate(
        async (s) => {
          const id = await s.approved();
          const { services } = s.state;
          const { organizationView } = services;
          const organization = async () => ({ ...(await organizationView.organization()), ...unseen });
          Object.assign(services, { organizationView: { organization } });
          await s.advanceTo(BEGINS + 10 * MINUTE_MS);
          expect(s.isOn()).toBe(false);
          expect((await s.record(id)).state).toBe('scheduled');
          Object.assign(services, { organizationView });
          await s.advanceTo(BEGINS + 15 * MINUTE_MS);
          expect(s.isOn()).toBe(true);
        },
        { policy: policyText(['onlySubjectsInvoke: required', 'onlySubjectsInvoke: not-required']) },
      ),
  );

  it('a destination that somebody else in the account can read is refused, and names them', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const { services } = s.state;
      const { inspection } = services;
      const everything =
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';
      const arn = 'arn:aws:iam::444444444444:user/operator';
      const operator = {
        name: 'operator',
        arn,
        groups: [],
        inlinePolicies: [{ name: 'all', document: everything }],
        attachedPolicies: [],
      };
      const open = (policy: Observation<string>, sids: RegExp): Observation<string> => {
        if (policy.kind !== 'observed') throw new Error('no policy');
        const document = JSON.parse(policy.value) as { Statement: { Sid: string }[] };
        const Statement = [
          ...document.Statement.filter(({ Sid }) => !sids.test(Sid)),
          {
            Sid: 'Open',
            Effect: 'Allow',
            Principal: { AWS: arn },
            Action: ['s3:GetObject', 'kms:Decrypt'],
            Resource: '*',
          },
        ];
        return { ...policy, value: JSON.stringify({ ...document, Statement }) };
      };
      Object.assign(services, {
        inspection: {
          ...inspection,
          readIam: async (account: AccountId) => {
            const iam = await inspection.readIam(account);
            return iam.kind === 'observed'
              ? { ...iam, value: { ...iam.value, users: [...iam.value.users, operator] } }
              : iam;
          },
          inspectBucket: async (pair: Pair, name: string) => {
            const bucket = await inspection.inspectBucket(pair, name);
            return { ...bucket, policy: open(bucket.policy, /OnlyReadersRead/) };
          },
          inspectKey: async (pair: Pair, keyArn: string) => {
            const key = await inspection.inspectKey(pair, keyArn);
            return { ...key, policy: open(key.policy, /^$/) };
          },
        },
      });
      await s.advanceTo(LONG_AFTER);
      const record = await s.record(id);
      expect(record.state).toBe('refused');
      expect(record.reason).toContain(`${arn} can read it and is no named reader`);
      expect(s.switched).toEqual([]);
    }));

  it('nobody goes into an account that has left the organization', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const { services } = s.state;
      const looked: string[] = [];
      const destinations = Object.create(services.destinations) as typeof services.destinations;
      Object.assign(destinations, {
        describeBucket: (pair: Pair, name: string) => {
          looked.push(pair.accountId);
          return services.destinations.describeBucket(pair, name);
        },
      });
      const swap = Object.create(services) as typeof services;
      Object.assign(swap, { destinations });
      await s.advanceTo(BEGINS - MINUTE_MS);
      await preflight(swap, id);
      expect(looked).toHaveLength(1);
      s.removeAccount();
      expect((await preflight(swap, id)).result).toBe('refused');
      expect(looked).toHaveLength(1);
      await s.advanceTo(LONG_AFTER);
      expect(s.switched).toEqual([]);
    }));

  it('a destination that is never seen expires', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const { services } = s.state;
      Object.assign(services, {
        inspection: {
          ...services.inspection,
          readIam: async () => ({ kind: 'unobservable', reason: 'access-denied' }),
        },
      });
      await s.advanceTo(BEGINS + 2 * HOUR_MS);
      expect((await s.record(id)).state).toBe('expired');
      expect(s.switched).toEqual([]);
    }));
});

/* Whether only the subjects can invoke a model in a dedicated account is decided at the request and again at the start. */

describe('a dedicated account', () => {
  const CLAUSE = 'exceptions.scope.onlySubjectsInvoke';

  it('where others can invoke a model is refused at once, and they are named', () =>
    simulate(async (s) => {
      s.detachControlPolicies();
      const refused = await s.submit();
      expect(refused).toMatchObject({ ok: false, error: { code: 'POLICY_REFUSES' } });
      const condition = refused.ok
        ? undefined
        : refused.error.conditions?.find(({ clause }) => clause === CLAUSE);
      expect(condition?.holds).toBe('not-met');
      expect(condition?.says).toContain('would be captured: the root user');
    }));

  it('where that cannot be decided is not admitted: unknown is not only the subjects', () =>
    simulate(async (s) => {
      s.hideIdentities();
      const refused = await s.submit();
      expect(refused).toMatchObject({ ok: false, error: { code: 'POLICY_UNDECIDED' } });
    }));

  it('is asked about again at the start: what others were given meanwhile is found', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.detachControlPolicies();
      await s.advanceTo(LONG_AFTER);
      const record = await s.record(id);
      expect(record.state).toBe('refused');
      expect(record.reason).toContain('the root user');
      expect(s.switched).toEqual([]);
    }));

  it('that cannot be decided at the start is waited for, and never switched on undecided', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const show = s.hideIdentities();
      await s.advanceTo(BEGINS + 10 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      show();
      await s.advanceTo(BEGINS + 15 * MINUTE_MS);
      expect((await s.record(id)).state).toBe('active');
    }));

  it('is admitted with the others named where the policy does not ask for more', () =>
    simulate(
      async (s) => {
        s.detachControlPolicies();
        const id = await s.approved();
        const conditions = (await s.record(id)).admissions[0]?.conditions ?? [];
        const condition = conditions.find(({ clause }) => clause === CLAUSE);
        expect(condition?.holds).toBe('met');
        expect(condition?.says).toMatch(/the root user; the policy does not ask for more$/);
      },
      { policy: policyText(['onlySubjectsInvoke: required', 'onlySubjectsInvoke: not-required']) },
    ));
});
