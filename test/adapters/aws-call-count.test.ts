import { BedrockClient } from '@aws-sdk/client-bedrock';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  actionsOf,
  CALLS,
  type CallCount,
  homePermissions,
  rolePermissions,
} from '../../scripts/collect-permissions.ts';
import { awsEvidenceSources } from '../../src/adapters/aws/index.ts';
import { epochMs, region } from '../../src/core/index.ts';
import { collectSnapshot } from '../../src/evidence/index.ts';

/*
 * Every call of a whole collection, counted against the documented minimum. The fake answers stand where the SDK would send, below every
 * client there is, so a call that nobody thought of is counted too.
 */

const OWN = '111111111111';
const CLOSED = '444444444444';
const REGIONS = ['us-east-1', 'eu-central-1'];
const START = Date.parse('2026-11-20T08:00:00Z');

interface Sizes {
  readonly members: number;
  readonly units: number;
  readonly policies: number;
  readonly users: number;
  readonly trails: number;
  readonly rules: number;
  readonly sets: number;
  readonly exports: number;
}
const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_each, index) => make(index));
const memberIds = ({ members }: Sizes) => many(members, (index) => String(222222222222 + index));

/** What AWS answers, by operation; the input decides where it has to. */
function answersOf(sizes: Sizes): Readonly<Record<string, (input: Record<string, unknown>) => object>> {
  const ids = [OWN, ...memberIds(sizes), CLOSED];
  const accounts = ids.map((Id) => ({ Id, Name: `a${Id}`, State: Id === CLOSED ? 'SUSPENDED' : 'ACTIVE' }));
  return {
    GetCallerIdentity: () => ({ Account: OWN, Arn: `arn:aws:iam::${OWN}:user/collector` }),
    AssumeRole: ({ RoleArn }) => ({
      Credentials: {
        AccessKeyId: String(RoleArn).split(':')[4],
        SecretAccessKey: 'secret',
        SessionToken: 'token',
        Expiration: new Date(START + 3_600_000),
      },
    }),
    DescribeOrganization: () => ({ Organization: { Id: 'o-1', MasterAccountId: OWN } }),
    ListRoots: () => ({ Roots: [{ Id: 'r-1', Name: 'Root' }] }),
    ListOrganizationalUnitsForParent: ({ ParentId }) => ({
      OrganizationalUnits:
        ParentId === 'r-1'
          ? many(sizes.units - 1, (index) => ({ Id: `ou-${index}`, Name: `u${index}` }))
          : [],
    }),
    ListAccountsForParent: ({ ParentId }) => ({ Accounts: ParentId === 'r-1' ? accounts : [] }),
    ListAccounts: () => ({ Accounts: accounts }),
    ListPolicies: ({ Filter }) => ({
      Policies:
        Filter === 'SERVICE_CONTROL_POLICY'
          ? many(sizes.policies, (index) => ({ Id: `p-${index}`, Name: `p${index}` }))
          : [],
    }),
    DescribePolicy: () => ({ Policy: { Content: '{}' } }),
    ListTargetsForPolicy: () => ({ Targets: [] }),
    ListDelegatedAdministrators: () => ({ DelegatedAdministrators: [] }),
    DescribeEffectivePolicy: () => ({ EffectivePolicy: { PolicyContent: '{}' } }),
    ListInstances: () => ({ Instances: [{ InstanceArn: 'arn:aws:sso:::instance/i' }] }),
    ListPermissionSetsProvisionedToAccount: () => ({
      PermissionSets: many(sizes.sets, (index) => `arn:aws:sso:::permissionSet/i/${index}`),
    }),
    DescribePermissionSet: () => ({ PermissionSet: { Name: 'Reader' } }),
    ListAccountAssignments: () => ({ AccountAssignments: [{ PrincipalType: 'GROUP', PrincipalId: 'g' }] }),
    ListExports: () => ({
      Exports: many(sizes.exports, (index) => ({ ExportArn: `arn:e${index}`, ExportName: `e${index}` })),
    }),
    GetExport: () => ({ Export: { DataQuery: { TableConfigurations: {} } } }),
    GetAccountAuthorizationDetails: () => ({
      UserDetailList: many(sizes.users, (index) => ({ Arn: `arn:user/u${index}`, UserName: `u${index}` })),
    }),
    GetAccountDataRetention: () => ({ mode: 'none' }),
    ListSessions: () => ({ sessionSummaries: [] }),
    DescribeTrails: () => ({
      trailList: many(sizes.trails, (index) => ({ TrailARN: `arn:trail/${index}`, HomeRegion: 'us-east-1' })),
    }),
    GetTrailStatus: () => ({ IsLogging: true }),
    ListRules: () => ({
      // The last is a schedule.
      Rules: many(sizes.rules + 1, (index) => ({
        Name: `r${index}`,
        State: 'ENABLED',
        ...(index === sizes.rules ? {} : { EventPattern: '{}' }),
      })),
    }),
  };
}

const timesOf = (times: CallCount['times'], sizes: Sizes, isOwn: boolean): number =>
  ({
    one: 1,
    two: 2,
    none: 0,
    units: sizes.units,
    accountPages: 1,
    policies: sizes.policies,
    permissionSets: sizes.sets,
    exports: sizes.exports,
    notOwn: isOwn ? 0 : 1,
    ifUsers: sizes.users > 0 ? 1 : 0,
    users: sizes.users,
    setsInAccount: sizes.sets,
    trails: sizes.trails,
    patternRules: sizes.rules,
  })[times];

/** IAM's prefix where it is not the service's name in lower case. */
const PREFIX: Readonly<Record<string, string>> = {
  'Bedrock Agent Runtime': 'bedrock',
  'CloudWatch Logs': 'logs',
  EventBridge: 'events',
  'SSO Admin': 'sso',
  'Cost Explorer': 'ce',
  'BCM Data Exports': 'bcm-data-exports',
};

interface Sent {
  readonly config: {
    readonly serviceId: string;
    readonly region: () => Promise<string>;
    readonly credentials: () => Promise<{ readonly accessKeyId: string }>;
  };
}
/** Of every client: the class that they all extend. */
const base = Object.getPrototypeOf(BedrockClient.prototype) as { send: unknown };
const realSend = base.send;

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', OWN);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterEach(() => {
  base.send = realSend;
  vi.unstubAllEnvs();
});

/** Collects, and counts by action and by account, Region and action. */
async function counted(sizes: Sizes) {
  const counts = new Map<string, number>();
  const answers = answersOf(sizes);
  base.send = async function (this: Sent, command: { readonly input: Record<string, unknown> }) {
    const operation = command.constructor.name.replace(/Command$/, '');
    const { serviceId } = this.config;
    const action = `${PREFIX[serviceId] ?? serviceId.toLowerCase()}:${operation}`;
    const place = [(await this.config.credentials()).accessKeyId, await this.config.region(), action].join(
      ' ',
    );
    for (const key of [action, place]) counts.set(key, (counts.get(key) ?? 0) + 1);
    return answers[operation]?.(command.input) ?? {};
  };
  const sources = awsEvidenceSources({
    clock: { now: () => epochMs(START) },
    homeRegion: region('us-east-1'),
    maxAttempts: 1,
  });
  const taken = await collectSnapshot(sources, { regions: REGIONS.map(region), takenAt: epochMs(START) });
  sources.close();
  expect(taken).toMatchObject({ ok: true });
  return counts;
}

const SMALL: Sizes = {
  members: 1,
  units: 1,
  policies: 0,
  users: 0,
  trails: 0,
  rules: 0,
  sets: 0,
  exports: 0,
};
const LARGE: Sizes = {
  members: 4,
  units: 3,
  policies: 3,
  users: 2,
  trails: 2,
  rules: 3,
  sets: 2,
  exports: 2,
};

it.each([
  ['nothing in the accounts', SMALL],
  ['something of everything', LARGE],
])('makes the documented minimum of calls, with %s', async (_name, sizes) => {
  const counts = await counted(sizes);
  const callable = [OWN, ...memberIds(sizes)];
  const expected: Record<string, number> = {};
  const actual: Record<string, number> = {};
  for (const { action, per, times } of CALLS) {
    const places =
      per === 'organization' ? [OWN] : per === 'account' ? callable : callable.flatMap((id) => [id, id]);
    expected[action] = places.reduce((sum, id) => sum + timesOf(times, sizes, id === OWN), 0);
    actual[action] = counts.get(action) ?? 0;
    if (per === 'account-region')
      for (const place of callable.flatMap((id) => REGIONS.map((name) => `${id} ${name} ${action}`))) {
        expected[place] = timesOf(times, sizes, false);
        actual[place] = counts.get(place) ?? 0;
      }
  }
  expect(actual).toEqual(expected);
});

it('every call that is made may be made by the documented roles, and the suspended account is not called', async () => {
  const counts = await counted(LARGE);
  const allowed = new Set(actionsOf([...homePermissions(), ...rolePermissions()]));
  const made = [...counts.keys()].filter((key) => !key.includes(' '));
  expect(made.filter((action) => !allowed.has(action))).toEqual([]);
  expect([...counts.keys()].filter((key) => key.startsWith(CLOSED))).toEqual([]);
});
