import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LARGEST_BODY } from '../../src/api/index.ts';
import { principalId, type Sha256Hex } from '../../src/core/index.ts';
import { adoptPolicy, planEnforcement } from '../../src/enforcement/index.ts';
import { AwsCallError, type Notification } from '../../src/exceptions/index.ts';
import { parsePolicy } from '../../src/policy/index.ts';
import {
  approveChange,
  type ChangeRecord,
  encodeChangeRecord,
  parseChangeSigners,
} from '../../src/review/index.ts';
import {
  BEGINS,
  HOUR_MS,
  INCIDENT,
  LONG_AFTER,
  loadPolicy,
  MINUTE_MS,
  OTHER,
  POLICY_TEXT,
  SOMEBODYS,
  simulate,
  VAULT_KEY,
  VIRGINIA,
  withRole,
} from '../simulation/harness.ts';
import { requestBody, TestApi } from './harness.ts';

const withApi = (play: (api: TestApi) => Promise<void>, limit?: { burst: number; perSecond: number }) =>
  simulate((simulation) => play(new TestApi(simulation, limit)));

/** A port whose methods stay bound to it when it is spread. */
const bound = <Port extends object>(port: Port): Port =>
  Object.fromEntries(
    Object.entries(port).map(([name, member]) => [
      name,
      typeof member === 'function' ? (member as (...all: unknown[]) => unknown).bind(port) : member,
    ]),
  ) as Port;

async function requested(api: TestApi, headers: Record<string, string> = {}) {
  const made = await api.call('POST', '/exceptions', { as: 'sam', body: requestBody(), headers });
  expect(made.status, made.text).toBe(201);
  const { id, subjectHash } = made.body.exception as { id: string; subjectHash: string };
  return { id, subjectHash };
}

async function approved(api: TestApi, headers: Record<string, string> = {}) {
  const { id, subjectHash } = await requested(api, headers);
  for (const [as, role] of [
    ['lena', 'legal'],
    ['priya', 'security'],
    ['omar', 'executive'],
  ] as const) {
    const decided = await api.call('POST', `/exceptions/${id}/decisions`, {
      as,
      body: { role, decision: 'approve', subjectHash },
    });
    expect(decided.status, decided.text).toBe(201);
  }
  return id;
}

describe('an exception through the API', () => {
  it('goes from the request to the certificate, under one correlation id', () =>
    withApi(async (api) => {
      const id = await approved(api, { 'x-correlation-id': 'INC-2026-1142.a' });
      await api.simulation.advanceTo(LONG_AFTER);
      const shown = await api.call('GET', `/exceptions/${id}`);
      expect(shown.body.exception).toMatchObject({ id, state: 'closed', correlationId: 'INC-2026-1142.a' });
      const { body: certified } = await api.call('GET', `/exceptions/${id}/certificate`);
      expect(certified.certificate.statement).toMatchObject({
        exceptionId: id,
        outcome: 'closed',
        correlationId: 'INC-2026-1142.a',
      });
      expect(certified.hash).toBe(certified.certificate.statementHash);
      const { body: listed } = await api.call('GET', `/exceptions/${id}/events`);
      const types = listed.events.map(({ type }: { type: string }) => type);
      expect(types).toContain('exception.requested');
      expect(types).toContain('exception.closed');
      for (const event of listed.events)
        expect(event, event.type).toMatchObject({ correlationId: 'INC-2026-1142.a' });
    }));

  it('is recorded as the act of a person who proved who they are', () =>
    withApi(async (api) => {
      const { id } = await requested(api);
      const { body } = await api.call('GET', `/exceptions/${id}/events`);
      expect(body.events[0].actor).toEqual({ id: 'sam', kind: 'person' });
    }));

  it('is revoked: off is read back before the answer, and the limit of calls does not hold it up', () =>
    withApi(
      async (api) => {
        const id = await approved(api);
        await api.simulation.advanceTo(BEGINS + HOUR_MS);
        expect(api.simulation.isOn()).toBe(true);
        for (let call = 0; call < 10; call++) await api.call('GET', '/health', { as: 'dora' });
        expect((await api.call('GET', '/health', { as: 'dora' })).status).toBe(429);
        const ended = await api.call('POST', `/exceptions/${id}/revocation`, {
          as: 'dora',
          body: { reason: 'over' },
        });
        expect(ended.status, ended.text).toBe(200);
        expect(ended.body.off).toMatchObject({ isOff: true });
        expect(api.simulation.isOn()).toBe(false);
      },
      { burst: 8, perSecond: 0.001 },
    ));

  it('never shows a task token', () =>
    withApi(async (api) => {
      const { id } = await requested(api);
      const waits = await api.simulation.state.services.store.list('wait/');
      expect(waits.length).toBeGreaterThan(0);
      const texts = [];
      for (const path of ['/exceptions', `/exceptions/${id}`, `/exceptions/${id}/events`])
        texts.push((await api.call('GET', path)).text);
      for (const { value } of waits)
        expect(texts.join()).not.toContain((value as { taskToken: string }).taskToken);
    }));
});

describe('a call is refused', () => {
  it('without a caller, before anything else is said', () =>
    withApi(async (api) => {
      for (const path of ['/health', '/exceptions', '/nowhere'])
        expect((await api.call('GET', path, { as: '' })).body).toMatchObject({
          status: 401,
          code: 'NOT_AUTHENTICATED',
        });
    }));

  it('when the caller has left, or is nobody of the directory', () =>
    withApi(async (api) => {
      for (const as of ['gone', 'stranger'])
        expect((await api.call('GET', '/health', { as })).body).toMatchObject({
          status: 403,
          code: 'CALLER_UNKNOWN',
        });
    }));

  it('when the body names somebody else than the caller, and nothing is recorded', () =>
    withApi(async (api) => {
      const before = await api.records();
      const refused = await api.call('POST', '/exceptions', {
        as: 'sam',
        body: { actor: 'lena', ...requestBody() },
      });
      expect(refused.body).toMatchObject({ status: 403, code: 'OTHER_ACTOR' });
      expect(await api.records()).toBe(before);
      const named = await api.call('POST', '/exceptions', {
        as: 'sam',
        body: { actor: 'sam', ...requestBody() },
      });
      expect(named.status).toBe(201);
    }));

  it('when it names an account that the policy does not govern', () =>
    withApi(async (api) => {
      const refused = await api.call('POST', '/exceptions', {
        as: 'sam',
        body: requestBody({ account: '123456789012' }),
      });
      expect(refused.body).toMatchObject({ status: 422, code: 'POLICY_REFUSES', exitCode: 1 });
      expect(refused.body.conditions.length).toBeGreaterThan(0);
      expect(refused.type).toBe('application/problem+json');
    }));

  it('and nobody goes into an account that is not of the organization, to judge a request', () =>
    withApi(async (api) => {
      const { services } = api.simulation.state;
      const { destinations, inspection, settings } = services;
      const entered: string[] = [];
      Object.assign(services, {
        inspection: {
          ...bound(inspection),
          readIam: (accountId: string) => {
            entered.push(accountId);
            return inspection.readIam(accountId as never);
          },
        },
        destinations: {
          ...bound(destinations),
          describeBucket: (pair: { accountId: string }, bucketName: string) => {
            entered.push(pair.accountId);
            return destinations.describeBucket(pair as never, bucketName);
          },
        },
        settings: {
          ...bound(settings),
          getInvocationLogging: (pair: { accountId: string }) => {
            entered.push(pair.accountId);
            return settings.getInvocationLogging(pair as never);
          },
        },
      });
      const preview = (account?: string) =>
        api.call('POST', '/previews', {
          as: 'lena',
          body: requestBody(account === undefined ? {} : { account }),
        });
      expect((await preview()).body.outcome).toBe('admitted');
      expect(new Set(entered).size).toBe(1);
      const [own] = entered;
      const outside = await preview('123456789012');
      expect(outside.body).toMatchObject({ outcome: 'refused' });
      const asked = await api.call('POST', '/exceptions', {
        as: 'sam',
        body: requestBody({ account: '123456789012' }),
      });
      expect(asked.status).toBe(422);
      expect(new Set(entered)).toEqual(new Set([own]));
    }));

  it('while AWS throttles the organization, with nothing half done; the same key is taken up later', () =>
    withApi(async (api) => {
      api.simulation.editPeople(
        'id: dora, name: Dora Novak, roles: [data-protection]',
        'id: dora, name: Dora Novak, roles: [policy-owner]',
      );
      const { services } = api.simulation.state;
      const { organizationView } = services;
      const throttled = new AwsCallError('throttled', 'organizations:ListAccounts: a secret', false);
      Object.assign(services, { organizationView: { organization: () => Promise.reject(throttled) } });
      const before = await api.records();
      const enforcing = POLICY_TEXT.replace('  enforcement: observe\n', '  enforcement: enforce\n');
      const policy = { name: 'p.yaml', text: enforcing };
      const key = { 'idempotency-key': 'while-throttled' };
      const calls: readonly (readonly [string, string, string, unknown])[] = [
        ['sam', 'POST', '/exceptions', requestBody()],
        ['lena', 'POST', '/previews', requestBody()],
        ['dora', 'POST', '/enforcement/plan', policy],
        ['dora', 'PUT', '/policy', { ...policy, confirmedPlan: 'a'.repeat(64) }],
        [
          'priya',
          'POST',
          '/foreign-settings/adoption',
          { account: INCIDENT, region: VIRGINIA, setting: 'invocation-logging', reason: 'agreed' },
        ],
      ];
      for (const [as, method, path, body] of calls) {
        const answer = await api.call(method, path, { as, body, headers: key });
        expect(answer.body, path).toMatchObject({ status: 503, code: 'UNAVAILABLE', exitCode: 4 });
        expect(answer.text, path).not.toContain('secret');
      }
      expect(await api.records()).toBe(before);
      Object.assign(services, { organizationView });
      const later = await api.call('POST', '/exceptions', { as: 'sam', body: requestBody(), headers: key });
      expect(later.status, later.text).toBe(201);
    }));

  it('where an account has no roles of ours yet: it cannot be decided, and the plan says what cannot be read', () =>
    withApi(async (api) => {
      api.simulation.editPeople(
        'id: dora, name: Dora Novak, roles: [data-protection]',
        'id: dora, name: Dora Novak, roles: [policy-owner]',
      );
      const { services } = api.simulation.state;
      const { destinations, inspection, settings, retention } = services;
      const denied = async () => ({
        kind: 'unobservable' as const,
        reason: 'access-denied' as const,
        detail: 'sts:AssumeRole of ProvisoCollect',
      });
      Object.assign(services, {
        inspection: { ...bound(inspection), readIam: denied },
        destinations: { ...bound(destinations), describeBucket: denied },
        settings: { ...bound(settings), getInvocationLogging: denied },
        retention: { ...bound(retention), getDataRetention: denied },
      });
      const preview = await api.call('POST', '/previews', { as: 'lena', body: requestBody() });
      expect(preview.body.outcome).toBe('undecided');
      expect(preview.text).toContain('The present setting there could not be seen.');
      const asked = await api.call('POST', '/exceptions', { as: 'sam', body: requestBody() });
      expect(asked.body).toMatchObject({ status: 422, code: 'POLICY_UNDECIDED' });
      const body = {
        name: 'p.yaml',
        text: POLICY_TEXT.replace('  enforcement: observe\n', '  enforcement: enforce\n'),
      };
      const planned = await api.call('POST', '/enforcement/plan', { as: 'dora', body });
      const effects = planned.body.settings.map(({ effect }: { effect: string }) => effect);
      expect(new Set(effects)).toEqual(new Set(['unreadable']));
    }));

  it('with a body that is too large, whatever its length says', () =>
    withApi(async (api) => {
      const text = JSON.stringify({ request: 'x'.repeat(LARGEST_BODY) });
      expect((await api.call('POST', '/exceptions', { text })).status).toBe(413);
      const claimed = await api.call('POST', '/exceptions', { text, headers: { 'content-length': '3' } });
      expect(claimed.status).toBe(413);
    }));

  it('with a body of another type, or of none', () =>
    withApi(async (api) => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])
        expect(
          (await api.call('POST', '/exceptions', { text: '{}', headers: { 'content-type': type } })).status,
          type,
        ).toBe(415);
      const withCharset = { 'content-type': 'application/json; charset=utf-8' };
      expect((await api.call('POST', '/exceptions', { text: '{}', headers: withCharset })).status).toBe(400);
    }));

  it('with the place of every fault in what was sent', () =>
    withApi(async (api) => {
      const { request } = requestBody();
      const refused = await api.call('POST', '/exceptions', {
        as: 'sam',
        text: JSON.stringify({ request: { ...request, retention: 7, extra: true } }, undefined, 2),
      });
      expect(refused.body).toMatchObject({ status: 400, code: 'MALFORMED', exitCode: 2 });
      expect(refused.body.problems.map(({ path }: { path: string }) => path)).toEqual(
        expect.arrayContaining(['request.retention']),
      );
      for (const problem of refused.body.problems) expect(problem.line).toBeGreaterThan(1);
    }));

  it('with a method or a path that is not there, and with a query', () =>
    withApi(async (api) => {
      const wrong = await api.call('DELETE', '/exceptions');
      expect(wrong.status).toBe(405);
      expect(wrong.headers.get('allow')).toBe('GET, POST');
      expect((await api.call('GET', '/exceptions/../policy/x')).status).toBe(404);
      expect((await api.call('GET', '/exceptions?as=lena')).status).toBe(400);
      expect((await api.call('GET', '/exceptions/ex-000000000000')).body.code).toBe('UNKNOWN_EXCEPTION');
      expect((await api.call('GET', '/exceptions/a%2Fb')).body.code).toBe('UNKNOWN_EXCEPTION');
    }));

  it('above the limit of its caller, and says when to come back', () =>
    withApi(
      async (api) => {
        for (let call = 0; call < 3; call++) expect((await api.call('GET', '/health')).status).toBe(200);
        const refused = await api.call('GET', '/health');
        expect(refused.body).toMatchObject({ status: 429, code: 'TOO_MANY' });
        expect(refused.headers.get('retry-after')).toBe('2');
        expect((await api.call('GET', '/health', { as: 'lena' })).status).toBe(200);
        api.wallClock += 2_000;
        expect((await api.call('GET', '/health')).status).toBe(200);
      },
      { burst: 3, perSecond: 0.5 },
    ));

  it('when nothing is in force, with the words of the command line', () =>
    withApi(async (api) => {
      const { services } = api.simulation.state;
      const { NoPolicyInForce } = await import('../../src/exceptions/index.ts');
      Object.assign(services, { policyInForce: { current: () => Promise.reject(new NoPolicyInForce()) } });
      expect((await api.call('GET', '/policy')).body).toMatchObject({
        status: 409,
        code: 'NO_POLICY_IN_FORCE',
      });
    }));

  it('by a fault, whose text stays inside', () =>
    withApi(async (api) => {
      const { services } = api.simulation.state;
      Object.assign(services, { directory: { people: () => Promise.reject(new Error('secret detail')) } });
      const failed = await api.call('GET', '/health');
      expect(failed.body).toMatchObject({ status: 500, code: 'FAULT' });
      expect(failed.text).not.toContain('secret');
      expect(api.faults).toHaveLength(1);
      expect(failed.body.correlationId).toBe(failed.headers.get('x-correlation-id'));
    }));
});

describe('an idempotency key', () => {
  const KEY = { 'idempotency-key': '5f4c1c0e-7a35-4c3a-9d0e-aa5a2ff6a1b0' };

  it('gives a repeated call the same bytes and one effect', () =>
    withApi(async (api) => {
      const first = await api.call('POST', '/exceptions', { as: 'sam', body: requestBody(), headers: KEY });
      const again = await api.call('POST', '/exceptions', { as: 'sam', body: requestBody(), headers: KEY });
      expect(again.status).toBe(201);
      expect(again.text).toBe(first.text);
      expect((await api.call('GET', '/exceptions')).body.exceptions).toHaveLength(1);
    }));

  it('refuses another body, another path; another person’s key is another key', () =>
    withApi(async (api) => {
      const { id } = (await api.call('POST', '/exceptions', { as: 'sam', body: requestBody(), headers: KEY }))
        .body.exception;
      const other = await api.call('POST', '/exceptions', {
        as: 'sam',
        body: requestBody({ retention: '6d' }),
        headers: KEY,
      });
      expect(other.body).toMatchObject({ status: 422, code: 'KEY_REUSED' });
      const elsewhere = await api.call('POST', `/exceptions/${id}/withdrawal`, {
        as: 'sam',
        body: { reason: 'x' },
        headers: KEY,
      });
      expect(elsewhere.status).toBe(422);
      expect(
        (await api.call('POST', '/exceptions', { as: 'priya', body: requestBody(), headers: KEY })).status,
      ).not.toBe(422);
    }));

  it('keeps a refusal, with its problem', () =>
    withApi(async (api) => {
      const body = requestBody({ account: '123456789012' });
      const first = await api.call('POST', '/exceptions', { as: 'sam', body, headers: KEY });
      const again = await api.call('POST', '/exceptions', { as: 'sam', body, headers: KEY });
      expect(again).toMatchObject({ status: 422, type: 'application/problem+json', text: first.text });
      const refusals = api.simulation.events('exception.request-refused');
      expect(refusals).toHaveLength(1);
    }));

  it('takes up an attempt whose answer was lost, and does nothing twice', () =>
    withApi(async (api) => {
      const { services } = api.simulation.state;
      const { executions } = services;
      // The exception is written, then the process fails before it has answered.
      Object.assign(services, {
        executions: {
          start: () => Promise.reject(new Error('lost')),
          status: async () => undefined,
          wake: async () => 'gone',
        },
      });
      const lost = await api.call('POST', '/exceptions', { as: 'sam', body: requestBody(), headers: KEY });
      expect(lost.status).toBe(500);
      Object.assign(services, { executions });
      const again = await api.call('POST', '/exceptions', { as: 'sam', body: requestBody(), headers: KEY });
      expect(again.status, again.text).toBe(201);
      expect(again.body.conditions.length).toBeGreaterThan(3);
      expect((await api.call('GET', '/exceptions')).body.exceptions).toHaveLength(1);
    }));

  it('takes up a decision whose answer was lost', () =>
    withApi(async (api) => {
      const { id, subjectHash } = await requested(api);
      const { services } = api.simulation.state;
      const { executions } = services;
      Object.assign(services, {
        executions: { ...executions, wake: () => Promise.reject(new Error('lost')) },
      });
      const body = { role: 'legal', decision: 'approve', subjectHash };
      const call = () => api.call('POST', `/exceptions/${id}/decisions`, { as: 'lena', body, headers: KEY });
      expect((await call()).status).toBe(500);
      Object.assign(services, { executions });
      expect((await call()).body.exception.decisions).toHaveLength(1);
    }));

  it('takes up a hold and a release whose answers were lost, and does neither twice', () =>
    withApi(async (api) => {
      const id = await approved(api);
      await api.simulation.advanceTo(BEGINS + HOUR_MS);
      const { services } = api.simulation.state;
      const { policyInForce } = services;
      const lostThenAgain = async (path: string, body: object, key: string) => {
        const call = () =>
          api.call('POST', `/exceptions/${id}/${path}`, {
            as: 'lena',
            body,
            headers: { 'idempotency-key': `${key}-5f4c1c0e` },
          });
        // The act is recorded; what is asked of the policy in force afterwards, for the answer, fails.
        Object.assign(services, { policyInForce: { current: () => Promise.reject(new Error('lost')) } });
        const lost = await call();
        Object.assign(services, { policyInForce });
        expect(lost.status).toBe(500);
        return call();
      };
      const asked = { reference: 'LIT-2026-7', reason: 'claim filed' };
      const held = await lostThenAgain('hold', asked, 'hold');
      expect(held.status, held.text).toBe(200);
      expect(held.body.exception.holds).toMatchObject([{ by: 'lena', ...asked }]);
      // Another call, with a key of its own, is no repeat.
      const twice = await api.call('POST', `/exceptions/${id}/hold`, { as: 'lena', body: asked });
      expect(twice.body).toMatchObject({ status: 409, code: 'STATE_REFUSES' });
      const vault = { bucketName: api.simulation.makeVault(), kmsKeyArn: VAULT_KEY };
      const moved = await lostThenAgain('hold', { ...asked, vault }, 'vault');
      expect(moved.status, moved.text).toBe(200);
      expect(moved.body.exception.holds).toMatchObject([{ vault: { bucketName: vault.bucketName } }]);
      const released = await lostThenAgain('release', { reason: 'settled' }, 'release');
      expect(released.status, released.text).toBe(200);
      expect(released.body.exception.holds).toMatchObject([{ released: { by: 'lena', reason: 'settled' } }]);
      const types = api.simulation.events('exception.held').length;
      expect([types, api.simulation.events('exception.hold-released').length]).toEqual([2, 1]);
    }));

  it('takes a hold for the repeated one only where everything that was asked is the same', () =>
    withApi(async (api) => {
      const id = await api.simulation.request({ also: [{ account: OTHER }] });
      const vault = { bucketName: 'legal-1', keyPrefix: 'a/', kmsKeyArn: VAULT_KEY };
      const other = { bucketName: 'legal-2', keyPrefix: 'b/', kmsKeyArn: VAULT_KEY };
      const why = { reference: 'LIT-2026-7', reason: 'claim filed' };
      const held = { ...why, scope: ['AWSLogs/'], vault, otherVaults: [other] };
      const anotherKey = { kmsKeyArn: VAULT_KEY.replace(/[^/]+$/, 'another') };
      const bodies = [
        { ...held, reference: 'LIT-2026-8' },
        { ...held, reason: 'another claim' },
        { ...held, scope: ['AWSLogs/222222222222/'] },
        { ...why, vault, otherVaults: [other] },
        { ...held, vault: { ...vault, keyPrefix: 'c/' } },
        { ...held, vault: { ...vault, ...anotherKey } },
        { ...held, otherVaults: [{ ...other, keyPrefix: 'c/' }] },
        { ...held, otherVaults: [{ ...other, ...anotherKey }] },
        why,
      ];
      const call = (body: object, key: number) =>
        api.call('POST', `/exceptions/${id}/hold`, {
          as: 'lena',
          body,
          headers: { 'idempotency-key': `hold-5f4c1c0e-${key}` },
        });
      const { services } = api.simulation.state;
      const { store, policyInForce } = services;
      // Nothing of these was written.
      const commit: typeof store.commit = async (writes) => {
        if (writes.some(({ key }) => key === `exception/${id}`)) throw new Error('lost');
        return store.commit(writes);
      };
      Object.assign(services, { store: Object.assign(Object.create(store), { commit }) });
      for (const [key, body] of bodies.entries()) expect((await call(body, key)).status).toBe(500);
      expect(api.faults.map(String)).toEqual(bodies.map(() => 'Error: lost'));
      Object.assign(services, { store });
      // A vault that is given later, for another reason than the hold's own, is taken up too.
      const first = await call({ ...why, reason: 'first heard of' }, 100);
      expect(first.status, first.text).toBe(200);
      Object.assign(services, { policyInForce: { current: () => Promise.reject(new Error('lost')) } });
      expect((await call(held, 101)).status).toBe(500);
      Object.assign(services, { policyInForce });
      expect((await call(held, 101)).status).toBe(200);
      for (const [key, body] of bodies.entries())
        expect((await call(body, key)).body, JSON.stringify(body)).toMatchObject({ code: 'STATE_REFUSES' });
      expect(api.simulation.events('exception.held')).toHaveLength(2);
    }));

  it('publishes planned changes under the same ids when a lost answer is asked for again', () =>
    withApi(async (api) => {
      const id = await approved(api);
      const { services } = api.simulation.state;
      const { notifier } = services;
      const sent: string[] = [];
      let isLost = true;
      Object.assign(services, {
        notifier: {
          async notify(notification: Notification) {
            if (notification.type === 'exception.planned-changes') sent.push(notification.id);
            await notifier.notify(notification);
            if (isLost) throw new Error('lost');
          },
        },
      });
      const publish = (headers: Record<string, string> = {}) =>
        api.call('POST', '/planned-changes/publication', { body: {}, headers });
      expect((await publish(KEY)).status).toBe(500);
      isLost = false;
      await api.simulation.advance(HOUR_MS);
      const again = await publish(KEY);
      expect(again.status, again.text).toBe(200);
      expect(sent).toHaveLength(2);
      expect(sent[1]).toBe(sent[0]);
      // Whoever asks anew is told anew; and what changed since a lost answer is told too.
      isLost = true;
      expect((await publish({ 'idempotency-key': 'another-5f4c1c0e' })).status).toBe(500);
      isLost = false;
      await api.simulation.advanceTo(BEGINS + MINUTE_MS);
      await publish({ 'idempotency-key': 'another-5f4c1c0e' });
      expect(new Set(sent).size).toBe(3);
      expect(sent).toHaveLength(4);
      expect(sent.every((each) => each.startsWith(`siem-window/${id}/`))).toBe(true);
    }));

  it('takes up the taking over of a foreign setting whose answer was lost', () =>
    withApi(async (api) => {
      api.simulation.somebodyPuts(SOMEBODYS);
      const { services } = api.simulation.state;
      const { settings } = services;
      const body = { account: INCIDENT, region: VIRGINIA, setting: 'invocation-logging', reason: 'agreed' };
      const call = () => api.call('POST', '/foreign-settings/adoption', { as: 'priya', body, headers: KEY });
      // It is switched off, then reading back for the answer fails.
      let reads = 0;
      Object.assign(services, {
        settings: {
          ...bound(settings),
          getInvocationLogging: (pair: never) =>
            ++reads > 1 ? Promise.reject(new Error('lost')) : settings.getInvocationLogging(pair),
        },
      });
      expect((await call()).status).toBe(500);
      Object.assign(services, { settings });
      const again = await call();
      expect(again.status, again.text).toBe(200);
      expect(again.body).toMatchObject({ isOff: true, restore: { kind: 'RestoreFile', adoptedBy: 'priya' } });
      expect(api.simulation.events('enforcement.adopted')).toHaveLength(1);
      const { body: listed } = await api.call('GET', '/foreign-settings');
      expect(listed.adopted).toEqual([again.body.restore]);
    }));

  it('tells a second call that the first is under way', () =>
    withApi(async (api) => {
      const { services } = api.simulation.state;
      const { directory } = services;
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      let calls = 0;
      Object.assign(services, {
        directory: {
          // The first look is for the caller, the second inside the act.
          people: async () => {
            if (++calls === 2) await held;
            return directory.people();
          },
        },
      });
      const first = api.call('POST', '/exceptions', { as: 'sam', body: requestBody(), headers: KEY });
      while (calls < 2) await Promise.resolve();
      const second = await api.call('POST', '/exceptions', { as: 'sam', body: requestBody(), headers: KEY });
      expect(second.body).toMatchObject({ status: 409, code: 'IN_PROGRESS' });
      release();
      expect((await first).status).toBe(201);
    }));

  it('is refused when it can be none', () =>
    withApi(async (api) => {
      const headers = { 'idempotency-key': 'short' };
      expect((await api.call('POST', '/exceptions', { body: requestBody(), headers })).status).toBe(400);
    }));
});

describe('the policy through the API', () => {
  it('is shown as it was adopted', () =>
    withApi(async (api) => {
      expect((await api.call('GET', '/policy')).body.text).toBe(POLICY_TEXT);
    }));

  it('is adopted by its owner alone', () =>
    withApi(async (api) => {
      const body = { name: 'policies/prompt-storage.yaml', text: withRole() };
      expect((await api.call('PUT', '/policy', { as: 'lena', body })).body.code).toBe('NOT_ENTITLED');
      api.simulation.editPeople(
        'id: dora, name: Dora Novak, roles: [data-protection]',
        'id: dora, name: Dora Novak, roles: [policy-owner]',
      );
      const adopted = await api.call('PUT', '/policy', { as: 'dora', body });
      expect(adopted.body).toMatchObject({ isNew: true, rejudged: [] });
      expect((await api.call('GET', '/health')).body.policy).toBe(adopted.body.hash);
      const malformed = await api.call('PUT', '/policy', {
        as: 'dora',
        body: { ...body, text: 'kind: Policy' },
      });
      expect(malformed.body).toMatchObject({ status: 400, code: 'MALFORMED' });
    }));

  describe('when it enforces', () => {
    const enforcing = POLICY_TEXT.replace('  enforcement: observe\n', '  enforcement: enforce\n');
    const body = { name: 'policies/prompt-storage.yaml', text: enforcing };
    const withOwner = (play: (api: TestApi) => Promise<void>) =>
      withApi(async (api) => {
        expect(enforcing).not.toBe(POLICY_TEXT);
        api.simulation.editPeople(
          'id: dora, name: Dora Novak, roles: [data-protection]',
          'id: dora, name: Dora Novak, roles: [policy-owner]',
        );
        await play(api);
      });

    it('is put in force by the plan of today alone, as on one machine', () =>
      withOwner(async (api) => {
        const planned = await api.call('POST', '/enforcement/plan', { as: 'dora', body });
        expect(planned.status, planned.text).toBe(200);
        expect(planned.body).toEqual(
          await planEnforcement(api.simulation.state.services, loadPolicy(enforcing)),
        );
        expect(planned.body.settings.length).toBeGreaterThan(10);
        const adopt = (confirmedPlan?: string) =>
          api.call('PUT', '/policy', {
            as: 'dora',
            body: { ...body, ...(confirmedPlan === undefined ? {} : { confirmedPlan }) },
          });
        expect((await adopt()).body).toMatchObject({ status: 409, code: 'PLAN_NOT_CONFIRMED' });
        expect((await adopt(planned.body.hash.slice(0, 16))).body.code).toBe('PLAN_NOT_CONFIRMED');
        // Somebody changes a setting after the plan was read.
        api.simulation.somebodyPuts(SOMEBODYS);
        expect((await adopt(planned.body.hash)).body.code).toBe('PLAN_NOT_CONFIRMED');
        expect((await api.call('GET', '/policy')).body.text).toBe(POLICY_TEXT);
        const again = await api.call('POST', '/enforcement/plan', { as: 'dora', body });
        expect(again.body.hash).not.toBe(planned.body.hash);
        expect((await adopt(again.body.hash)).body).toMatchObject({ isNew: true });
        expect((await api.call('GET', '/policy')).body.text).toBe(enforcing);
      }));

    it('has no half plan: what cannot be read in time is said, and nothing is adopted', () =>
      withOwner(async (api) => {
        const { services } = api.simulation.state;
        const { clock } = services;
        let seconds = 0;
        Object.assign(services, { clock: { now: () => clock.now() + 3000 * seconds++ } });
        const planned = await api.call('POST', '/enforcement/plan', { as: 'dora', body });
        expect(planned.body).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
        expect(planned.body.detail).toMatch(/^[1-9]\d* of \d+ settings were read/);
        const adopted = await api.call('PUT', '/policy', { as: 'dora', body });
        expect(adopted.body).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
        Object.assign(services, { clock });
        expect((await api.call('GET', '/policy')).body.text).toBe(POLICY_TEXT);
        expect(api.faults).toEqual([]);
      }));
  });

  describe('when it loosens', () => {
    const looser = () => POLICY_TEXT.replace('retention: 14d', 'retention: 15d');
    const shipped = parsePolicy(POLICY_TEXT, 'p');
    const bodies = shipped.ok ? shipped.value.policy.review.reviewers.map(({ body }) => body) : [];
    const people = bodies.map((body, index) => {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString().trim();
      return { id: principalId(`reviewer-${index}`), body, pem, publicKey, privateKey };
    });
    const signersText = (of = people) =>
      `kind: PolicySigners\nschemaVersion: 1\nsigners:\n${of
        .map(
          ({ id, body, pem }) =>
            `  - {id: ${id}, name: ${id}, bodies: [${body}], publicKey: ${JSON.stringify(pem)}}`,
        )
        .join('\n')}\n`;
    const approvalsOf = (next: string, by = people, cases: Sha256Hex | null = null): string => {
      const [old, after] = [parsePolicy(POLICY_TEXT, 'p'), parsePolicy(next, 'p')];
      const signers = parseChangeSigners(signersText(), 's');
      if (!old.ok || !after.ok || !signers.ok) throw new Error('not readable');
      const change = {
        policyId: old.value.policy.metadata.id,
        oldHash: old.value.hash,
        newHash: after.value.hash,
        oldCases: cases,
        newCases: cases,
        oldSigners: signers.value.hash,
        newSigners: signers.value.hash,
      };
      let record: ChangeRecord = { approvals: [] };
      for (const { id, body, publicKey, privateKey } of by) {
        const key = {
          publicKey,
          sign: (bytes: Uint8Array) => sign(null, bytes, privateKey).toString('base64'),
        };
        const reviewers = old.value.policy.review.reviewers;
        const more = approveChange({
          change,
          bodies: reviewers,
          signers: signers.value.signers,
          record,
          by: id,
          body,
          key,
        });
        if (!more.ok) throw new Error(more.error.message);
        record = more.value;
      }
      return encodeChangeRecord(record);
    };
    const owned = (
      play: (put: (more: object) => ReturnType<TestApi['call']>, api: TestApi) => Promise<void>,
      signers = signersText(),
    ) =>
      withApi(async (api) => {
        api.simulation.editPeople(
          'id: dora, name: Dora Novak, roles: [data-protection]',
          'id: dora, name: Dora Novak, roles: [policy-owner]',
        );
        const { services } = api.simulation.state;
        if (signers !== '')
          await adoptPolicy(
            services,
            await services.policyInForce.current(),
            POLICY_TEXT,
            principalId('lena'),
            undefined,
            {
              signers: { file: 'policy-signers.yaml', text: signers },
            },
          );
        const name = 'policies/prompt-storage.yaml';
        await play(
          (more) => api.call('PUT', '/policy', { as: 'dora', body: { name, text: looser(), ...more } }),
          api,
        );
      });

    it('is refused to its owner alone, with what it loosens and who is missing; the refusal is recorded', () =>
      owned(async (put, api) => {
        const { body } = await put({});
        expect(body).toMatchObject({ status: 403, code: 'CHANGE_NOT_APPROVED', exitCode: 1 });
        for (const reviewer of bodies) expect(body.detail).toContain(`\`${reviewer}\``);
        expect(body.detail).toContain('15 days');
        const { hash } = await api.simulation.state.services.policyInForce.current();
        expect((await api.call('GET', '/health')).body.policy).toBe(hash);
        expect(api.simulation.state.events.events().at(-1)?.type).toBe('policy.adoption-refused');
      }));
    it.each([
      ['nothing', null],
      ['the cases of a repository, which the state does not keep', 'c'.repeat(64) as Sha256Hex],
    ])('is adopted with the signatures of all reviewers, over it and %s', (_, cases) =>
      owned(async (put, api) => {
        const { body } = await put({ approvals: approvalsOf(looser(), people, cases) });
        expect(body).toMatchObject({ isNew: true });
        // Who may sign stays as it was: the next loosening needs them again.
        const next = await api.call('PUT', '/policy', {
          as: 'dora',
          body: { name: 'p', text: looser().replace('retention: 15d', 'retention: 16d') },
        });
        expect(next.body.code).toBe('CHANGE_NOT_APPROVED');
      }),
    );
    it('is refused with one signature too few, with those of another change, and where nobody may sign', async () => {
      await owned(async (put) => {
        expect((await put({ approvals: approvalsOf(looser(), people.slice(1)) })).body.detail).toContain(
          `\`${bodies[0]}\``,
        );
        const other = POLICY_TEXT.replace('retention: 14d', 'retention: 16d');
        expect((await put({ approvals: approvalsOf(other) })).body.code).toBe('CHANGE_NOT_APPROVED');
        expect((await put({ approvals: '{}' })).body.code).toBe('MALFORMED');
      });
      await owned(async (put) => {
        const { body } = await put({
          approvals: approvalsOf(looser()),
          signers: { name: 's', text: signersText() },
        });
        expect(body.detail).toContain('no signers were adopted');
      }, '');
    });
    it('new signers need those of before, whatever the policy says', () =>
      owned(async (put) => {
        const { body } = await put({
          text: POLICY_TEXT,
          signers: { name: 's', text: signersText(people.slice(1)) },
        });
        expect(body.detail).toContain('a change of who may sign');
      }));
  });

  it('that a request counts on must be in force', () =>
    withApi(async (api) => {
      const policy = { name: 'mine.yaml', hash: 'a'.repeat(64) };
      const refused = await api.call('POST', '/exceptions', {
        as: 'sam',
        body: { policy, ...requestBody() },
      });
      expect(refused.body).toMatchObject({ status: 409, code: 'POLICY_NOT_IN_FORCE' });
      expect(api.simulation.events('policy.refused')).toHaveLength(1);
    }));
});

describe('the log of calls', () => {
  it('holds route, status and caller, and nothing that was sent', () =>
    withApi(async (api) => {
      await requested(api);
      expect(api.told[0]).toEqual({
        method: 'POST',
        route: '/exceptions',
        status: 201,
        caller: 'sam',
        correlationId: 'made-000001',
      });
      expect(JSON.stringify(api.told)).not.toContain('INC-2026');
    }));
});
