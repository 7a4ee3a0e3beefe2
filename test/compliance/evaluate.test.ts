import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { handle as resources } from '../../handlers/config-resources.ts';
import { handle as settings } from '../../handlers/config-settings.ts';
import { scheduledConfigEvent } from '../../src/adapters/embedded/aws/index.ts';
import { annotation, MAX_ANNOTATION, parseConfigEvent } from '../../src/compliance/index.ts';
import { accountId, formatInstant } from '../../src/core/index.ts';
import type { ComplianceReports, Evaluation } from '../../src/enforcement/index.ts';
import {
  BEGINS,
  BUCKET,
  ENDS,
  HOUR_MS,
  INCIDENT,
  KEY,
  LONG_AFTER,
  MINUTE_MS,
  PAIR,
  policyText,
  type Simulation,
  SOMEBODYS,
  simulate,
  VIRGINIA,
} from '../simulation/harness.ts';

const ACCOUNT = `${INCIDENT}/${VIRGINIA}/AWS::::Account/${INCIDENT}`;
const scheduled = (s: Simulation, more: object = {}) => ({
  ...scheduledConfigEvent({ ...PAIR, time: formatInstant(s.now()) }),
  ...more,
});
const evaluated = (s: Simulation): Evaluation | undefined => s.state.aws.config.evaluations()[ACCOUNT];

async function evaluate(s: Simulation): Promise<Evaluation | undefined> {
  await settings(scheduled(s), s.state.services);
  return evaluated(s);
}
async function compliantEstate(s: Simulation): Promise<void> {
  s.state.aws.retention.setModeBySomebodyElse(PAIR, 'none');
}

const change = (resourceType: string, resourceId: string, item: object = {}, more: object = {}) => ({
  invokingEvent: JSON.stringify({
    messageType: 'ConfigurationItemChangeNotification',
    configurationItem: {
      awsAccountId: INCIDENT,
      awsRegion: VIRGINIA,
      configurationItemCaptureTime: '2026-11-20T09:00:00.123Z',
      configurationItemStatus: 'OK',
      resourceType,
      resourceId,
      ...item,
    },
  }),
  resultToken: 'token',
  eventLeftScope: false,
  configRuleArn: `arn:aws:config:${VIRGINIA}:${INCIDENT}:config-rule/config-rule-x`,
  accountId: INCIDENT,
  ...more,
});

describe('the periodic rule', () => {
  test('nothing configured and mode none are COMPLIANT, with the controls named', () =>
    simulate(async (s) => {
      await compliantEstate(s);
      expect(await evaluate(s)).toMatchObject({
        resourceType: 'AWS::::Account',
        resourceId: INCIDENT,
        compliance: 'COMPLIANT',
        annotation: 'CP-01, CP-03',
      });
    }));

  test('somebody’s content storage is NON_COMPLIANT in `observe`, and left', () =>
    simulate(async (s) => {
      await compliantEstate(s);
      s.somebodyPuts(SOMEBODYS);
      expect(await evaluate(s)).toMatchObject({ compliance: 'NON_COMPLIANT', annotation: /^CP-01: Prompts/ });
      expect(s.isOn()).toBe(true);
    }));

  test('a retention mode other than none is NON_COMPLIANT', () =>
    simulate(async (s) => {
      s.state.aws.retention.setModeBySomebodyElse(PAIR, 'aws_review');
      expect(await evaluate(s)).toMatchObject({ compliance: 'NON_COMPLIANT', annotation: /^CP-03: / });
    }));

  test('a live exception is COMPLIANT with its name and end; an expired one is not, whatever the workflow says', () =>
    simulate(async (s) => {
      await compliantEstate(s);
      const id = await s.active();
      expect(await evaluate(s)).toMatchObject({
        compliance: 'COMPLIANT',
        annotation: `CP-01 covered by exception ${id} until ${formatInstant(ENDS)}`,
      });
      // Nobody is left to end it, the record goes on saying `active`, and switching off fails.
      s.mute('deadMansSwitch', 'sweep');
      await s.stopWorkflow(id);
      await s.advanceTo(ENDS);
      s.fault({ operation: 'bedrock:DeleteModelInvocationLoggingConfiguration', kind: 'deny', times: 9 });
      expect((await s.record(id)).state).toBe('active');
      expect(await evaluate(s)).toMatchObject({ compliance: 'NON_COMPLIANT', annotation: /^CP-01: / });
    }));

  test('D37: an account that cannot be read is NON_COMPLIANT and says why: never silence, never INSUFFICIENT_DATA', () =>
    simulate(async (s) => {
      await compliantEstate(s);
      s.fault({ operation: 'bedrock:GetModelInvocationLoggingConfiguration', kind: 'deny', times: 9 });
      expect(await evaluate(s)).toMatchObject({
        compliance: 'NON_COMPLIANT',
        annotation: 'CP-01 not known: bedrock:GetModelInvocationLoggingConfiguration: access-denied',
      });
    }));

  test('a Region that the policy does not govern is NOT_APPLICABLE, which takes an earlier answer away', () =>
    simulate(async (s) => {
      await settings(
        {
          ...scheduledConfigEvent({
            accountId: INCIDENT,
            region: 'ap-south-2',
            time: formatInstant(s.now()),
          }),
        },
        s.state.services,
      );
      expect(s.state.aws.config.evaluations()).toEqual({});
    }));

  const expired = async (s: Simulation) => {
    await compliantEstate(s);
    const id = await s.active();
    s.mute('deadMansSwitch', 'sweep');
    await s.stopWorkflow(id);
    await s.advanceTo(ENDS);
    expect(s.isOn()).toBe(true);
  };
  const unread = () => {
    throw new Error('not available');
  };

  test('OFF_NEEDS_NOTHING: what a lease left on ends without the policy', () =>
    simulate(async (s) => {
      await expired(s);
      Object.assign(s.state.services, { policyInForce: { current: unread, of: unread } });
      await expect(evaluate(s)).rejects.toThrow('not available');
      expect(s.isOn()).toBe(false);
    }));

  test('OFF_NEEDS_NOTHING: what a lease left on ends without the organization', () =>
    simulate(async (s) => {
      await expired(s);
      Object.assign(s.state.services, { organizationView: { organization: unread } });
      await expect(evaluate(s)).rejects.toThrow('not available');
      expect(s.isOn()).toBe(false);
    }));

  test('OFF_NEEDS_NOTHING: what a lease left on ends in a Region that is no longer governed', () =>
    simulate(async (s) => {
      await expired(s);
      const { policyInForce } = s.state.services;
      const policy = await policyInForce.current();
      const { storage } = policy.policy;
      const elsewhere = { ...storage, scope: { ...storage.scope, regions: ['eu-central-1'] } };
      const of = () => ({ ...policy, policy: { ...policy.policy, storage: elsewhere } });
      Object.assign(s.state.services, { policyInForce: { ...policyInForce, of } });
      await settings(scheduled(s), s.state.services);
      expect(s.isOn()).toBe(false);
    }));

  test('what fails while switching off is reported as it is, and then the invocation fails', () =>
    simulate(async (s) => {
      await compliantEstate(s);
      const id = await s.active();
      s.mute('deadMansSwitch', 'sweep');
      await s.stopWorkflow(id);
      await s.advanceTo(ENDS);
      const { executions } = s.state.services;
      Object.assign(s.state.services, {
        executions: {
          ...executions,
          start: () => Promise.reject(new Error('throttled')),
          status: executions.status,
        },
      });
      await expect(settings(scheduled(s), s.state.services)).rejects.toThrow('throttled');
      // Off all the same: starting the ending comes after.
      expect(evaluated(s)).toMatchObject({ compliance: 'COMPLIANT' });
      expect(s.isOn()).toBe(false);
    }));

  test('an account outside the organization is neither read nor reported', () =>
    simulate(async (s) => {
      const stranger = accountId('888888888888');
      const event = scheduledConfigEvent({
        accountId: stranger,
        region: VIRGINIA,
        time: formatInstant(s.now()),
      });
      await expect(settings(event, s.state.services)).rejects.toThrow('not in the organization');
      expect(s.state.aws.config.evaluations()).toEqual({});
    }));

  test('a test token consumes nothing', () =>
    simulate(async (s) => {
      await settings(scheduled(s, { resultToken: 'TESTMODE' }), s.state.services);
      expect(s.state.aws.config.evaluations()).toEqual({});
    }));
});

describe('detector 4, the periodic Config rule', () => {
  test('alone switches off within an hour of the end, where the workflow hangs', () =>
    simulate(async (s) => {
      await compliantEstate(s);
      s.state.aws.config.createPeriodicRule(PAIR, s.now());
      const to = ENDS + 7000;
      const id = await s.active({ to });
      s.mute('deadMansSwitch', 'sweep');
      await s.stopWorkflow(id);
      await s.advanceTo(to - 1);
      expect(s.isOn(), 'on until the end').toBe(true);
      await s.advanceTo(to + HOUR_MS);
      expect(s.isOn()).toBe(false);
      expect(s.wentOffAt()).toBeLessThanOrEqual(to + HOUR_MS);
      expect(s.events('exception.off')[0]?.actor.id).toBe('config-rule');
      expect(evaluated(s)).toMatchObject({ compliance: 'COMPLIANT' });
      await s.advanceTo(LONG_AFTER + 2 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
    }));

  test('alone undoes drift within an hour where the policy enforces', () =>
    simulate(async (s) => {
      await compliantEstate(s);
      await s.adopt(policyText(['  enforcement: observe\n', '  enforcement: enforce\n']));
      await s.advance(15 * MINUTE_MS);
      s.mute('sweep');
      s.state.aws.config.createPeriodicRule(PAIR, s.now());
      s.somebodyPuts(SOMEBODYS);
      await s.advance(HOUR_MS);
      expect(s.isOn()).toBe(false);
      expect(evaluated(s)).toMatchObject({ compliance: 'COMPLIANT' });
    }));
});

describe('the rule that changes trigger', () => {
  const answer = async (s: Simulation, event: unknown) =>
    (await resources(event, s.state.services)) as { compliance: string; annotation: string };

  test('a bucket that receives prompts is NON_COMPLIANT; under a live exception COMPLIANT and named; otherwise not applicable', () =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      const somebodys = change('AWS::S3::Bucket', 'somebodys-bucket');
      expect(await answer(s, somebodys)).toMatchObject({ compliance: 'NON_COMPLIANT' });
      s.somebodyDeletes();
      expect(await answer(s, somebodys)).toMatchObject({ compliance: 'NOT_APPLICABLE' });
      const id = await s.active();
      const granted = await answer(s, change('AWS::S3::Bucket', BUCKET));
      expect(granted).toMatchObject({ compliance: 'COMPLIANT' });
      expect(granted.annotation).toContain(id);
      expect(await answer(s, change('AWS::KMS::Key', 'key', { ARN: KEY }))).toMatchObject({
        compliance: 'COMPLIANT',
      });
      await s.advanceTo(BEGINS + 12 * HOUR_MS);
      expect(await answer(s, change('AWS::KMS::Key', 'key', { ARN: KEY }))).toMatchObject({
        compliance: 'NOT_APPLICABLE',
      });
    }));

  test('a principal is judged by the policies that AWS shows now, not by the item; a policy by those who have it', () =>
    simulate(async (s) => {
      const arn = `arn:aws:iam::${INCIDENT}:role/Data`;
      const policy = { arn: `arn:aws:iam::${INCIDENT}:policy/Wide`, name: 'Wide' };
      const allow =
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"bedrock:*","Resource":"*"}]}';
      const iam = (attached: readonly (typeof policy)[]) => ({
        users: [],
        groups: [],
        roles: [
          {
            arn,
            name: 'Data',
            path: '/',
            assumeRolePolicyDocument:
              '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}',
            inlinePolicies: [],
            attachedPolicies: attached,
          },
        ],
        managedPolicies: [{ ...policy, document: allow }],
      });
      const shows = (attached: readonly (typeof policy)[]) =>
        Object.assign(s.state.services, {
          identities: {
            readIam: async () => ({
              kind: 'observed',
              value: iam(attached),
              at: s.now(),
              source: { call: 'x' },
            }),
          },
        });
      const role = change('AWS::IAM::Role', 'AROAEXAMPLE', {
        ARN: arn,
        configuration: { attachedManagedPolicies: [] },
      });
      const wide = change('AWS::IAM::Policy', 'ANPAEXAMPLE', { ARN: policy.arn });
      shows([policy]);
      expect(await answer(s, role)).toMatchObject({ compliance: 'NON_COMPLIANT', annotation: /CP-17/ });
      expect(await answer(s, wide)).toMatchObject({ compliance: 'NON_COMPLIANT', annotation: /Data: / });
      shows([]);
      expect(await answer(s, role)).toMatchObject({ compliance: 'COMPLIANT' });
      expect(await answer(s, wide)).toMatchObject({
        compliance: 'NOT_APPLICABLE',
        annotation: 'no principal has this policy',
      });
      expect(await answer(s, change('AWS::IAM::Role', 'AROAGONE', { ARN: `${arn}-gone` }))).toMatchObject({
        compliance: 'NOT_APPLICABLE',
        annotation: 'the principal is gone',
      });
    }));

  test('principals that cannot be listed are NON_COMPLIANT', () =>
    simulate(async (s) => {
      Object.assign(s.state.services, {
        identities: {
          readIam: async () => ({ kind: 'unobservable', reason: 'access-denied', detail: 'AccessDenied' }),
        },
      });
      const said = await answer(s, change('AWS::IAM::User', 'AIDAEXAMPLE', { resourceName: 'x' }));
      expect(said.compliance).toBe('NON_COMPLIANT');
      expect(said.annotation).toContain('AccessDenied');
    }));

  test('a principal of an account that the organization does not show is NON_COMPLIANT, not inapplicable', () =>
    simulate(async (s) => {
      const { services } = s.state;
      const whole = await services.organizationView.organization();
      const accounts = whole.accounts.filter(({ id }) => id !== INCIDENT);
      Object.assign(services, { organizationView: { organization: async () => ({ ...whole, accounts }) } });
      for (const type of ['AWS::IAM::Role', 'AWS::IAM::Policy'])
        expect(await answer(s, change(type, 'ID', { ARN: `arn:aws:iam::${INCIDENT}:role/x` }))).toMatchObject(
          {
            compliance: 'NON_COMPLIANT',
            annotation: `not known whether the policy is kept: account ${INCIDENT} is not in the organization as this deployment sees it`,
          },
        );
    }));

  test.each(['ResourceDeleted', 'ResourceDeletedNotRecorded', 'ResourceNotRecorded'])(
    '%s takes the answer away',
    (status) =>
      simulate(async (s) => {
        s.somebodyPuts(SOMEBODYS);
        const bucket = (item: object) => change('AWS::S3::Bucket', 'somebodys-bucket', item);
        await answer(s, bucket({}));
        expect(Object.keys(s.state.aws.config.evaluations())).toHaveLength(1);
        expect(await answer(s, bucket({ configurationItemStatus: status }))).toMatchObject({
          compliance: 'NOT_APPLICABLE',
        });
        expect(s.state.aws.config.evaluations()).toEqual({});
      }),
  );

  test('out of scope is NOT_APPLICABLE', () =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      expect(
        await answer(s, change('AWS::S3::Bucket', 'somebodys-bucket', {}, { eventLeftScope: true })),
      ).toMatchObject({ compliance: 'NOT_APPLICABLE' });
    }));

  test('an item too large to be sent is fetched, and one that Config does not have any more is gone', () =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      const { services } = s.state;
      const asked: unknown[] = [];
      const { reports } = services;
      const answering = (found: Awaited<ReturnType<ComplianceReports['resourceAt']>>) =>
        Object.assign(services, {
          reports: {
            put: reports.put.bind(reports),
            resourceAt: async (...parameters: unknown[]) => {
              asked.push(parameters.slice(1, 3));
              return found;
            },
          },
        });
      const oversized = {
        ...change('AWS::S3::Bucket', 'somebodys-bucket'),
        invokingEvent: JSON.stringify({
          messageType: 'OversizedConfigurationItemChangeNotification',
          configurationItemSummary: {
            changeType: 'UPDATE',
            awsAccountId: INCIDENT,
            awsRegion: VIRGINIA,
            configurationItemCaptureTime: '2026-11-20T09:00:00.123Z',
            configurationItemStatus: 'OK',
            resourceType: 'AWS::S3::Bucket',
            resourceId: 'somebodys-bucket',
          },
        }),
      };
      answering({ isDeleted: false });
      expect(await answer(s, oversized)).toMatchObject({ compliance: 'NON_COMPLIANT' });
      answering(undefined);
      expect(await answer(s, oversized)).toMatchObject({ compliance: 'NOT_APPLICABLE' });
      expect(asked).toEqual([
        ['AWS::S3::Bucket', 'somebodys-bucket'],
        ['AWS::S3::Bucket', 'somebodys-bucket'],
      ]);
    }));

  test('a type that no control is about is NOT_APPLICABLE', () =>
    simulate(async (s) => {
      expect(await answer(s, change('AWS::Bedrock::Guardrail', 'g'))).toMatchObject({
        compliance: 'NOT_APPLICABLE',
      });
      expect(await answer(s, change('constructor', 'g'))).toMatchObject({ compliance: 'NOT_APPLICABLE' });
    }));
});

describe('bad events', () => {
  const good = scheduledConfigEvent({ accountId: INCIDENT, region: VIRGINIA, time: '2026-11-20T09:00:00Z' });
  const inside = (event: unknown) =>
    JSON.parse((event as { invokingEvent: string }).invokingEvent) as Record<string, unknown>;
  const itemOf = (event: unknown) => inside(event)['configurationItem'] as Record<string, unknown>;
  const withInside = (event: object, more: Record<string, unknown>) => ({
    ...event,
    invokingEvent: JSON.stringify({ ...inside(event), ...more }),
  });
  const scheduled = (more: Record<string, unknown>) => withInside(good, more);
  const changed = (more: Record<string, unknown>) =>
    withInside(change('AWS::S3::Bucket', 'b') as object, more);
  const changedItem = (more: Record<string, unknown>) =>
    changed({ configurationItem: { ...itemOf(change('AWS::S3::Bucket', 'b')), ...more } });

  it('the events that the bad ones are made of are good', () => {
    for (const event of [scheduled({}), changed({}), changedItem({})])
      expect(parseConfigEvent(event)).toMatchObject({ ok: true });
  });

  it.each([
    ['nothing', undefined],
    ['an empty object', {}],
    ['no token', { ...good, resultToken: '' }],
    ['an invoking event that is no JSON', { ...good, invokingEvent: '{' }],
    ['an invoking event that is JSON of something else', { ...good, invokingEvent: '[1]' }],
    ['a message type of next year', { ...good, invokingEvent: '{"messageType":"X"}' }],
    [
      'no notification time',
      {
        ...good,
        invokingEvent: JSON.stringify({ messageType: 'ScheduledNotification', awsAccountId: INCIDENT }),
      },
    ],
    ['another account outside than inside', { ...good, accountId: '333333333333' }],
    [
      'another account in the rule',
      { ...good, configRuleArn: `arn:aws:config:${VIRGINIA}:333333333333:config-rule/x` },
    ],
    ['a rule that is none', { ...good, configRuleArn: 'config-rule-x' }],
    ['a Region that is none', { ...good, configRuleArn: `arn:aws:config:..:${INCIDENT}:config-rule/x` }],
    ['a resource without an id', change('AWS::S3::Bucket', '')],
    ['a notification time that is none', scheduled({ notificationCreationTime: 'yesterday' })],
    ['a notification of another account', scheduled({ awsAccountId: '333333333333' })],
    ['an account that is none', { ...good, accountId: 'x' }],
    ['an invoking event that is too long', { ...good, invokingEvent: `"${'x'.repeat(2_000_000)}"` }],
    ['an invoking event that is no text', { ...good, invokingEvent: {} }],
    ['a change without its item', changed({ configurationItem: undefined })],
    ['a change with an item that is null', changed({ configurationItem: null })],
    ['an item without a status', changedItem({ configurationItemStatus: undefined })],
    ['an item without a time', changedItem({ configurationItemCaptureTime: undefined })],
    ['an item with a time that is none', changedItem({ configurationItemCaptureTime: '2026-13-01' })],
    ['an item without a type', changedItem({ resourceType: undefined })],
    ['an item whose type is above 256 characters', changedItem({ resourceType: 'x'.repeat(257) })],
    ['an item of another account', changedItem({ awsAccountId: '333333333333' })],
    [
      'an oversized item without its summary',
      changed({ messageType: 'OversizedConfigurationItemChangeNotification', configurationItem: undefined }),
    ],
    [
      'an oversized item of another account',
      changed({
        messageType: 'OversizedConfigurationItemChangeNotification',
        configurationItemSummary: { ...itemOf(change('AWS::S3::Bucket', 'b')), awsAccountId: '333333333333' },
      }),
    ],
    ['whether it left the scope in words', { ...good, eventLeftScope: 'no' }],
    ['a resource id above 768 characters', change('AWS::S3::Bucket', 'x'.repeat(769))],
  ])('%s is refused, and nothing is reported', async (_, event) => {
    expect(parseConfigEvent(event)).toMatchObject({ ok: false });
    await expect(settings(event, {} as never)).rejects.toMatchObject({ name: 'MalformedConfigEvent' });
    await expect(resources(event, {} as never)).rejects.toMatchObject({ name: 'MalformedConfigEvent' });
  });

  it('each rule refuses the other’s events', async () => {
    await expect(settings(change('AWS::S3::Bucket', 'b'), {} as never)).rejects.toThrow(/periodic/);
    await expect(resources(good, {} as never)).rejects.toThrow(/triggered by changes/);
  });

  it('rule parameters that are missing or no JSON do not matter', () => {
    for (const ruleParameters of [undefined, '{', 7])
      expect(parseConfigEvent({ ...good, ruleParameters })).toMatchObject({ ok: true });
  });

  it('whatever comes is read or refused, and an error never repeats a value', () => {
    const key = fc.constantFrom(
      ...Object.keys(good),
      'messageType',
      'awsAccountId',
      'configurationItem',
      '__proto__',
    );
    fc.assert(
      fc.property(
        fc.object({ key, maxDepth: 3 }),
        fc.boolean(),
        fc.boolean(),
        (value, isNearlyGood, isInside) => {
          const event = isInside
            ? { ...good, invokingEvent: JSON.stringify(value) }
            : isNearlyGood
              ? { ...good, ...value }
              : value;
          const read = parseConfigEvent(event);
          if (!read.ok) expect(read.error).toMatch(/^the (invoking )?event of AWS Config [a-zA-Z`.,0-9: ]+$/);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('annotations', () => {
  it('take whatever there is, in one line of 1 to 256 units, never half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const cut = annotation(text);
        expect(cut.length).toBeGreaterThanOrEqual(1);
        expect(cut.length).toBeLessThanOrEqual(MAX_ANNOTATION);
        expect(cut.isWellFormed()).toBe(true);
        expect(cut).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
  it('cuts at a word and says so', () => {
    expect(annotation('word '.repeat(100))).toBe(`${'word '.repeat(51).trim()}…`);
    expect(annotation('x'.repeat(300))).toBe(`${'x'.repeat(255)}…`);
    expect(annotation('😀'.repeat(200)).isWellFormed()).toBe(true);
  });
});
