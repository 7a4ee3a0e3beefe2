import { describe, expect, it } from 'vitest';
import { OPERATIONS, type OperationId } from '../../src/api/index.ts';
import { POLICY_TEXT, type Simulation, simulate } from '../simulation/harness.ts';
import { requestBody, TestApi } from './harness.ts';

/*
 * Every route by every kind of caller: what they get on an exception that `sam` asked for and nobody has decided. A route without a row
 * does not compile. 401 and 403 before the operation, other codes by the operation itself.
 */

const CALLERS = [
  'nobody',
  'stranger',
  'left',
  'no role',
  'requester',
  'legal',
  'security',
  'executive',
  'owner',
] as const;
type CallerKind = (typeof CALLERS)[number];
const WHO: Readonly<Record<CallerKind, string>> = {
  nobody: '',
  stranger: 'mallory',
  left: 'gone',
  'no role': 'nora',
  requester: 'sam',
  legal: 'lena',
  security: 'priya',
  executive: 'omar',
  owner: 'dora',
};

const outside = { nobody: 401, stranger: 403, left: 403 } as const;
const everybody = (status: number) =>
  ({
    ...outside,
    'no role': status,
    requester: status,
    legal: status,
    security: status,
    executive: status,
    owner: status,
  }) as const;

const MATRIX: Readonly<Record<OperationId, Readonly<Record<CallerKind, number>>>> = {
  getHealth: everybody(200),
  getPolicy: everybody(200),
  adoptPolicy: { ...everybody(403), owner: 200 },
  planEnforcement: { ...everybody(403), owner: 200 },
  getFindings: { ...everybody(200), 'no role': 403 },
  listExceptions: everybody(200),
  listStandings: everybody(200),
  // What concerns others, and names them: whoever holds a role.
  getReport: { ...everybody(200), 'no role': 403 },
  listPlannedChanges: { ...everybody(200), 'no role': 403 },
  publishPlannedChanges: { ...everybody(200), 'no role': 403 },
  previewException: { ...everybody(200), 'no role': 403 },
  listForeignSettings: { ...everybody(200), 'no role': 403 },
  // Security, the requester among them, answers for what is taken over; nothing there keeps content.
  adoptForeignSetting: { ...everybody(403), requester: 409, security: 409 },
  requestException: everybody(201),
  getException: { ...everybody(200), 'no role': 404 },
  getSheet: { ...everybody(200), 'no role': 404 },
  listEvents: { ...everybody(200), 'no role': 404 },
  // There is none yet: 404 as well, for those who may know.
  getCertificate: everybody(404),
  // In the role legal: held by one, asked for by one, and the others do not hold it.
  decideException: { ...everybody(403), legal: 201 },
  // Nobody has approved.
  takeBackApproval: everybody(403),
  // The requester and those who decide.
  withdrawException: { ...everybody(403), requester: 200, legal: 200, security: 200, executive: 200 },
  // Off needs nothing; before anything is enabled it is a withdrawal.
  revokeException: everybody(200),
  // Legal alone; nothing is on hold that could be released.
  holdException: { ...everybody(403), legal: 200 },
  releaseException: { ...everybody(403), legal: 409 },
  // Entitled are Legal and Security; the state refuses, because nothing was ever on.
  closeUnproven: { ...everybody(403), legal: 409, security: 409 },
};

const BODIES: Readonly<Record<OperationId, (subjectHash: string) => unknown>> = {
  getHealth: () => undefined,
  getPolicy: () => undefined,
  adoptPolicy: () => ({ name: 'policy.yaml', text: POLICY_TEXT }),
  planEnforcement: () => ({ name: 'policy.yaml', text: POLICY_TEXT }),
  getFindings: () => undefined,
  listExceptions: () => undefined,
  listStandings: () => undefined,
  getReport: () => undefined,
  listPlannedChanges: () => undefined,
  publishPlannedChanges: () => ({}),
  previewException: () => requestBody(),
  listForeignSettings: () => undefined,
  adoptForeignSetting: () => ({
    account: '222222222222',
    region: 'us-east-1',
    setting: 'invocation-logging',
    reason: 'agreed',
  }),
  requestException: () => requestBody({ reference: 'INC-another' }),
  getException: () => undefined,
  getSheet: () => undefined,
  listEvents: () => undefined,
  takeBackApproval: () => ({ reason: 'wrong' }),
  getCertificate: () => undefined,
  decideException: (subjectHash) => ({ role: 'legal', decision: 'approve', subjectHash }),
  withdrawException: () => ({ reason: 'not needed' }),
  revokeException: () => ({ reason: 'over' }),
  holdException: () => ({ reference: 'LIT-2026-7', reason: 'litigation' }),
  releaseException: () => ({ reason: 'settled' }),
  closeUnproven: () => ({ reason: 'held elsewhere' }),
};

async function prepared(simulation: Simulation) {
  simulation.editPeople(
    'id: dora, name: Dora Novak, roles: [data-protection]',
    'id: dora, name: Dora Novak, roles: [policy-owner] }\n  - { id: nora, name: Nora Lind, roles: []',
  );
  const api = new TestApi(simulation);
  api.report = { kind: 'CheckReport' };
  const made = await api.call('POST', '/exceptions', { as: 'sam', body: requestBody() });
  const { id, subjectHash } = made.body.exception as { id: string; subjectHash: string };
  return { api, id, subjectHash };
}

describe('every route by every caller', () => {
  it('has a row for every operation', () => {
    expect(Object.keys(MATRIX).sort()).toEqual(Object.keys(OPERATIONS).sort());
  });

  it.each(Object.keys(MATRIX) as OperationId[])('%s', async (operation) => {
    const { method, path } = OPERATIONS[operation];
    const got: Partial<Record<CallerKind, number>> = {};
    const expected = MATRIX[operation];
    const changes = (caller: CallerKind) => method !== 'GET' && expected[caller] < 400;
    // Those that change nothing share a state; each that does has one of its own.
    for (const callers of [
      CALLERS.filter((each) => !changes(each)),
      ...CALLERS.filter(changes).map((each) => [each]),
    ])
      await simulate(async (simulation) => {
        const { api, id, subjectHash } = await prepared(simulation);
        for (const caller of callers) {
          const body = BODIES[operation](subjectHash);
          const before = [api.fingerprint(), await api.records()];
          const answer = await api.call(method, path.replace('{id}', id), { as: WHO[caller], body });
          got[caller] = answer.status;
          if (method === 'GET' || answer.status === 401)
            expect([api.fingerprint(), await api.records()], caller).toEqual(before);
          if (answer.status >= 400) expect(await api.records(), caller).toBe(before[1]);
        }
      });
    expect(got).toEqual(expected);
  });

  /** A body that says who acts, and is refused if that is not the caller. */
  it.each((Object.keys(OPERATIONS) as OperationId[]).filter((id) => 'body' in OPERATIONS[id]))(
    '%s: a body that disagrees with the caller changes nothing, and a replayed call has no second effect',
    (operation) =>
      simulate(async (simulation) => {
        const { api, id, subjectHash } = await prepared(simulation);
        const { method, path } = OPERATIONS[operation];
        const target = path.replace('{id}', id);
        const [as = ''] = CALLERS.filter((each) => MATRIX[operation][each] < 300).map((each) => WHO[each]);
        const caller = as === '' ? WHO.legal : as;
        const body = BODIES[operation](subjectHash) as object;
        const before = await api.records();
        const other = caller === 'sam' ? 'lena' : 'sam';
        const disagrees = await api.call(method, target, { as: caller, body: { ...body, actor: other } });
        expect(disagrees.body).toMatchObject({ status: 403, code: 'OTHER_ACTOR' });
        expect(await api.records()).toBe(before);
        // The same bytes once more, key and all, as somebody sends them who has seen them.
        const headers = { 'idempotency-key': 'seen-by-somebody' };
        const first = await api.call(method, target, { as: caller, body, headers });
        const afterwards = [api.fingerprint(), await api.records()];
        const replayed = await api.call(method, target, { as: caller, body, headers });
        expect([replayed.status, replayed.text]).toEqual([first.status, first.text]);
        expect([api.fingerprint(), await api.records()]).toEqual(afterwards);
      }),
  );

  it('somebody without a role sees only what they asked for', () =>
    simulate(async (simulation) => {
      const { api } = await prepared(simulation);
      expect((await api.call('GET', '/exceptions', { as: 'nora' })).body.exceptions).toEqual([]);
      const own = await api.call('POST', '/exceptions', {
        as: 'nora',
        body: requestBody({ reference: 'INC-nora' }),
      });
      const { id } = own.body.exception as { id: string };
      expect((await api.call('GET', '/exceptions', { as: 'nora' })).body.exceptions).toMatchObject([{ id }]);
      expect((await api.call('GET', `/exceptions/${id}`, { as: 'nora' })).status).toBe(200);
      expect((await api.call('GET', '/exceptions', { as: 'lena' })).body.exceptions).toHaveLength(2);
    }));
});
