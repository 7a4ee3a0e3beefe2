import { describe, expect, it } from 'vitest';
import { type AccountId, accountId, type Region, region } from '../../src/core/index.ts';
import {
  collectAccount,
  collectHead,
  collectSnapshot,
  decodeSnapshot,
  type EvidenceSources,
  encodeSnapshot,
  type MemberAccount,
  type Observation,
  type UnobservableReason,
} from '../../src/evidence/index.ts';
import { AT, absent, MANAGEMENT, MEMBER, noIam, observed, organization } from './snapshots.ts';

const REGIONS: readonly Region[] = [region('us-east-1'), region('eu-central-1')];

const unobservable = <T>(reason: UnobservableReason): Observation<T> => ({ kind: 'unobservable', reason });

/** An organization where everything is off; `overrides` replace single reads. */
function cleanSources(
  overrides: Partial<EvidenceSources> = {},
): EvidenceSources & { readonly calls: string[] } {
  const calls: string[] = [];
  const later = async <T>(name: string, answer: Observation<T>) => {
    calls.push(name);
    await Promise.resolve();
    return answer;
  };
  return {
    calls,
    readOrganization: () => later('organization', observed(organization())),
    readIam: (id) => later(`${id} iam`, observed(noIam)),
    readInvocationLogging: (id, name) => later(`${id} ${name} logging`, absent()),
    readDataRetention: (id, name) => later(`${id} ${name} retention`, observed({ mode: 'none' })),
    sections: { 'account-region': {}, account: {}, organization: {} },
    ...overrides,
  };
}

const withStates = (...states: readonly string[]) =>
  organization({
    accounts: [
      { id: MANAGEMENT, name: 'management', state: 'ACTIVE', parentId: 'r-ex01' },
      ...states.map(
        (state, index): MemberAccount => ({
          id: accountId(String(index + 2).repeat(12)),
          name: `member-${index}`,
          state,
          parentId: 'ou-ex01-product01',
        }),
      ),
    ],
  });

describe('collecting a snapshot', () => {
  it('asks every account once for IAM and every account and Region once for each setting, in order', async () => {
    const sources = cleanSources();
    const taken = await collectSnapshot(sources, { regions: [...REGIONS, ...REGIONS], takenAt: AT });
    expect(taken).toMatchObject({ ok: true, value: { schemaVersion: 1, takenAt: AT, regions: REGIONS } });
    if (!taken.ok) return;
    expect(taken.value.accounts.map(({ accountId: id }) => id)).toEqual([MANAGEMENT, MEMBER]);
    expect(taken.value.accountRegions.map(({ accountId: id, region: name }) => `${id} ${name}`)).toEqual([
      `${MANAGEMENT} us-east-1`,
      `${MANAGEMENT} eu-central-1`,
      `${MEMBER} us-east-1`,
      `${MEMBER} eu-central-1`,
    ]);
    expect(sources.calls).toHaveLength(1 + 2 + 4 * 2);
    expect(new Set(sources.calls).size).toBe(sources.calls.length);
  });

  it.each([
    ['SUSPENDED', false],
    ['CLOSED', false],
    ['PENDING_CLOSURE', true],
    ['PENDING_ACTIVATION', true],
    ['A_STATE_OF_THE_FUTURE', true],
  ])('an account that is %s is called: %s', async (state, isCalled) => {
    const tree = withStates(state);
    const sources = cleanSources({ readOrganization: async () => observed(tree) });
    const taken = await collectSnapshot(sources, { regions: REGIONS, takenAt: AT });
    expect(sources.calls.some((call) => call.startsWith(MEMBER))).toBe(isCalled);
    if (isCalled || !taken.ok) return expect(taken.ok).toBe(true);
    const notCollected = {
      kind: 'unobservable',
      reason: 'not-collected',
      detail: `the account is ${state} and was not called`,
    };
    expect(taken.value.accounts[1]?.iam).toEqual(notCollected);
    for (const pair of taken.value.accountRegions.slice(2))
      expect(pair).toMatchObject({ invocationLogging: notCollected, dataRetention: notCollected });
  });

  it('one account’s failures stay its own, even when a source breaks its promise and rejects', async () => {
    const ofMember = (id: AccountId) => id === MEMBER;
    const taken = await collectSnapshot(
      cleanSources({
        readIam: async (id) => {
          if (ofMember(id)) throw new Error('CANARY');
          return observed(noIam);
        },
        readInvocationLogging: async (id) => (ofMember(id) ? unobservable('access-denied') : absent()),
        readDataRetention: (id) => {
          if (ofMember(id)) throw new Error('CANARY');
          return Promise.resolve(observed({ mode: 'none' }));
        },
      }),
      { regions: REGIONS, takenAt: AT },
    );
    expect(taken).toMatchObject({
      ok: true,
      value: {
        accounts: [{ iam: { kind: 'observed' } }, { iam: { kind: 'unobservable', reason: 'failed' } }],
        accountRegions: [
          { invocationLogging: { kind: 'absent' } },
          { invocationLogging: { kind: 'absent' } },
          { invocationLogging: { reason: 'access-denied' }, dataRetention: { reason: 'failed' } },
          { invocationLogging: { reason: 'access-denied' }, dataRetention: { reason: 'failed' } },
        ],
      },
    });
    expect(JSON.stringify(taken)).not.toContain('CANARY');
  });

  it('keeps no more in flight than it was told', async () => {
    let inFlight = 0;
    let most = 0;
    const slow = async <T>(answer: Observation<T>) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
      return answer;
    };
    const tree = withStates('ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE');
    await collectSnapshot(
      cleanSources({
        readOrganization: async () => observed(tree),
        readIam: () => slow(observed(noIam)),
        readInvocationLogging: () => slow(absent()),
        readDataRetention: () => slow(observed({ mode: 'none' })),
      }),
      { regions: REGIONS, takenAt: AT, concurrency: 3 },
    );
    expect(most).toBe(3);
  });
});

describe('the Regions that are asked', () => {
  const listing = (...statuses: readonly (readonly [string, string])[]) =>
    cleanSources({
      sections: {
        'account-region': {},
        account: {
          regions: async ({ accountId: id }) =>
            id === MEMBER
              ? observed(statuses.map(([name, optStatus]) => ({ region: name, optStatus })))
              : unobservable('access-denied'),
        },
        organization: {},
      },
    });
  const asked = async (sources: EvidenceSources, onlyTheseRegions?: boolean) => {
    const taken = await collectSnapshot(sources, { regions: REGIONS, takenAt: AT, onlyTheseRegions });
    if (!taken.ok) throw taken.error;
    return {
      taken: taken.value,
      of: (id: AccountId) =>
        taken.value.accountRegions.flatMap((each) => (each.accountId === id ? [each.region] : [])),
    };
  };
  const EVERYTHING = listing(
    ['us-east-1', 'ENABLED_BY_DEFAULT'],
    ['us-west-2', 'ENABLED_BY_DEFAULT'],
    ['af-south-1', 'ENABLING'],
    ['ap-east-1', 'DISABLED'],
    ['me-south-1', 'DISABLING'],
    ['il-central-1', 'A_STATUS_OF_THE_FUTURE'],
    ['not a Region', 'ENABLED'],
  );

  it('are those given and all that the account can use, and where its list was denied those given', async () => {
    const { of, taken } = await asked(EVERYTHING);
    expect(of(MEMBER)).toEqual([
      'us-east-1',
      'eu-central-1',
      'af-south-1',
      'il-central-1',
      'me-south-1',
      'us-west-2',
    ]);
    expect(of(MANAGEMENT)).toEqual(REGIONS);
    expect(taken.regions).toEqual(REGIONS);
    expect(decodeSnapshot(encodeSnapshot(taken))).toEqual({ ok: true, value: taken });
  });

  it('are those given alone where no others are wanted', async () => {
    const { of } = await asked(EVERYTHING, true);
    expect(of(MEMBER)).toEqual(REGIONS);
  });

  it('a file of a Region that the account cannot use is refused', async () => {
    const { taken } = await asked(EVERYTHING);
    const files = new Map(encodeSnapshot(taken));
    const path = (name: string) => `accounts/${MEMBER}/${name}.json`;
    const moved = files.get(path('us-west-2'))?.replaceAll('us-west-2', 'ap-east-1') ?? '';
    files.delete(path('us-west-2'));
    files.set(path('ap-east-1'), moved);
    expect(decodeSnapshot(files)).toMatchObject({
      ok: false,
      error: [{ code: 'unknown-region', file: path('ap-east-1') }],
    });
  });
});

describe('no snapshot is taken', () => {
  it.each<[string, Observation<never>, boolean, RegExp]>([
    ['the organization is denied', unobservable('access-denied'), false, /permissions\.md/],
    ['the organization is throttled', unobservable('throttled'), true, /again/],
    ['the organization cannot be read', unobservable('malformed'), false, /again/],
    ['there is no organization', absent(), false, /management account/],
  ])('when %s', async (_name, answer, isRetryable, remedy) => {
    const taken = await collectSnapshot(cleanSources({ readOrganization: async () => answer }), {
      regions: REGIONS,
      takenAt: AT,
    });
    expect(taken).toMatchObject({ ok: false, error: { code: 'organization-unreadable', isRetryable } });
    expect(taken.ok ? '' : taken.error.remedy).toMatch(remedy);
  });

  it('without a Region, since an empty snapshot would have nothing to complain about', async () => {
    const sources = cleanSources();
    expect(await collectSnapshot(sources, { regions: [], takenAt: AT })).toMatchObject({
      ok: false,
      error: { code: 'no-regions' },
    });
    expect(sources.calls).toEqual([]);
  });

  it.each(['organization', 'iam', 'last'])('when it is stopped at the %s read', async (at) => {
    const stop = new AbortController();
    let retentions = 0;
    const sources = cleanSources({
      ...(at === 'organization'
        ? {
            readOrganization: async () => {
              stop.abort();
              return unobservable<never>('failed');
            },
          }
        : {}),
      ...(at === 'iam'
        ? {
            readIam: async () => {
              stop.abort();
              return unobservable<never>('failed');
            },
          }
        : {}),
      ...(at === 'last'
        ? {
            readDataRetention: async () => {
              retentions += 1;
              if (retentions === 4) stop.abort();
              return unobservable<never>('failed');
            },
          }
        : {}),
    });
    expect(
      await collectSnapshot(sources, { regions: REGIONS, takenAt: AT, signal: stop.signal }),
    ).toMatchObject({
      ok: false,
      error: { code: 'collection-aborted', isRetryable: true },
    });
  });
});

describe('collecting account by account', () => {
  it('gives the parts of the same snapshot', async () => {
    const options = { regions: REGIONS, takenAt: AT };
    const sources = cleanSources({
      readOrganization: async () => observed(withStates('ACTIVE', 'SUSPENDED')),
    });
    const whole = await collectSnapshot(sources, options);
    const head = await collectHead(sources, options);
    if (!whole.ok || !head.ok) throw new Error('nothing was collected');
    const parts = await Promise.all(
      head.value.organization.accounts.map((account) => collectAccount(sources, head.value, account)),
    );
    expect({
      ...head.value,
      accounts: parts.map(({ evidence }) => evidence),
      accountRegions: parts.flatMap(({ regions }) => regions),
    }).toEqual(whole.value);
  });

  it('gives no half account when it is stopped', async () => {
    const head = await collectHead(cleanSources(), { regions: REGIONS, takenAt: AT });
    if (!head.ok) throw new Error('nothing was collected');
    const stop = new AbortController();
    const sources = cleanSources({
      readIam: async () => {
        stop.abort(new Error('stopped'));
        return observed(noIam);
      },
    });
    const [account] = head.value.organization.accounts;
    await expect(
      collectAccount(sources, head.value, account as MemberAccount, { signal: stop.signal }),
    ).rejects.toThrow('stopped');
  });
});
