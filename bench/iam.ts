import { accountId, epochMs } from '../src/core/index.ts';
import type { IamRole, Observation } from '../src/evidence/index.ts';
import {
  type AccessEvidence,
  ANY_RESOURCE,
  type ApplicablePolicies,
  accessOf,
  contextOfPrincipal,
  describeStatement,
  evaluateRequest,
  layerOf,
  type RequestPrincipal,
  readPolicy,
  whoCan,
} from '../src/iam/index.ts';
import { measure, type Suite, timed } from './measure.ts';

/*
 * Explained decisions: three identity policies, a boundary and two levels of service control policies, for many principals and the actions of the shipped
 * questions, conditions and a Region fence included. Every decision carries its deciding statements; describing them in words is counted
 * apart, since only what is shown is described.
 */

const PRINCIPALS = 200;
const ROUNDS = 60;
const ACTIONS = [
  'bedrock:PutModelInvocationLoggingConfiguration',
  'bedrock:DeleteModelInvocationLoggingConfiguration',
  'bedrock:PutAccountDataRetention',
  'bedrock-mantle:PutAccountDataRetention',
  'bedrock-mantle:CreateProject',
  'bedrock-mantle:UpdateProject',
  'bedrock:InvokeModel',
  'bedrock:InvokeModelWithResponseStream',
  's3:GetObject',
  'kms:Decrypt',
] as const;

const text = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

const IDENTITY = [
  text(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
    { Effect: 'Allow', Action: ['s3:Get*', 's3:List*'], Resource: 'arn:aws:s3:::home/${aws:username}/*' },
    { Effect: 'Allow', Action: 'logs:*', Resource: '*' },
    { Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::audit/*' },
  ),
  text(
    {
      Effect: 'Allow',
      NotAction: ['iam:*', 'organizations:*'],
      Resource: '*',
      Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } },
    },
    {
      Effect: 'Deny',
      Action: 'bedrock:Delete*',
      Resource: '*',
      Condition: { NotIpAddress: { 'aws:SourceIp': ['203.0.113.0/24', '2001:db8::/32'] } },
    },
  ),
  text({ Effect: 'Allow', Action: ['bedrock:Invoke*', 'bedrock:List*', 'bedrock:Get*'], Resource: '*' }),
];
const BOUNDARY = text({
  Effect: 'Allow',
  Action: ['bedrock:*', 'bedrock-mantle:*', 's3:*', 'kms:*'],
  Resource: '*',
});
const LEVELS = [
  text(
    { Effect: 'Allow', Action: '*', Resource: '*' },
    {
      Effect: 'Deny',
      NotAction: ['iam:*', 'organizations:*', 'sts:*'],
      Resource: '*',
      Condition: { StringNotEquals: { 'aws:RequestedRegion': ['eu-central-1', 'eu-west-1'] } },
    },
  ),
  text(
    { Effect: 'Allow', Action: '*', Resource: '*' },
    {
      Effect: 'Deny',
      Action: 'bedrock:PutModelInvocationLoggingConfiguration',
      Resource: '*',
      Condition: { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/proviso/*' } },
    },
  ),
];

interface Subject {
  readonly principal: RequestPrincipal;
  readonly policies: ApplicablePolicies;
}

function subjects(): readonly Subject[] {
  const serviceControl = LEVELS.map((document, level) =>
    layerOf(`the service control policies of level ${level}`, [
      readPolicy(`SCP ${level}`, document, 'control'),
    ]),
  );
  const boundary = layerOf('its boundary', [readPolicy('boundary', BOUNDARY, 'identity')]);
  return Array.from({ length: PRINCIPALS }, (_, index) => ({
    principal: {
      kind: 'role',
      arn: `arn:aws:iam::222222222222:role/team/Runner${index}`,
      accountId: '222222222222',
    },
    policies: {
      identity: layerOf(
        'its identity policies',
        IDENTITY.map((document, at) => readPolicy(`policy ${at}`, document, 'identity')),
      ),
      boundary,
      serviceControl,
      resourceControl: [],
    },
  }));
}

/** Every account under one unit with a fence; the roles of an account trust the account, as consoles make them. */
function organization(accounts: number, roles: number): AccessEvidence {
  const at = epochMs(0);
  const observed = <T>(value: T): Observation<T> => ({
    kind: 'observed',
    value,
    at,
    source: { call: 'bench' },
  });
  const ids = Array.from({ length: accounts }, (_, index) => accountId(String(300_000_000_000 + index)));
  const targets = ['r-bench', 'ou-bench', ...ids];
  const roleOf = (account: string, index: number): IamRole => ({
    arn: `arn:aws:iam::${account}:role/Role${index}`,
    name: `Role${index}`,
    path: '/',
    assumeRolePolicyDocument: text({
      Effect: 'Allow',
      Principal: { AWS: account },
      Action: 'sts:AssumeRole',
    }),
    inlinePolicies: [
      {
        name: 'Work',
        document: text({
          Effect: 'Allow',
          Action: [
            's3:GetObject',
            ...(index % 10 === 0 ? ['bedrock:*'] : []),
            ...(index % 4 === 0 ? ['sts:AssumeRole'] : []),
          ],
          Resource: '*',
        }),
      },
    ],
    attachedPolicies: [],
  });
  return {
    organization: {
      id: 'o-bench',
      managementAccountId: accountId('200000000000'),
      units: [
        { id: 'r-bench', name: 'Root' },
        { id: 'ou-bench', name: 'Product', parentId: 'r-bench' },
      ],
      accounts: ids.map((id) => ({ id, name: id, state: 'ACTIVE', parentId: 'ou-bench' })),
      serviceControlPolicies: observed(
        LEVELS.map((document, level) => ({ id: `p-${level}`, name: `Level${level}`, document })),
      ),
      attachments: observed(
        targets.map((targetId, index) => ({
          targetId,
          policyIds: index < LEVELS.length ? [`p-${index}`] : ['p-FullAWSAccess'],
        })),
      ),
      delegatedAdministrators: observed([]),
    },
    accounts: ids.map((id) => ({
      accountId: id,
      iam: observed({
        users: [],
        groups: [],
        roles: Array.from({ length: roles }, (_, index) => roleOf(id, index)),
        managedPolicies: [],
      }),
    })),
  };
}

export const suite: Suite = {
  name: 'iam',
  async run() {
    const all = subjects();
    const evidence = organization(40, 100);
    let statements = 0;
    const decideAll = (describe: boolean): number => {
      let decisions = 0;
      for (const { principal, policies } of all) {
        const context = contextOfPrincipal(principal, 'o-bench');
        for (const action of ACTIONS) {
          const decision = evaluateRequest({ action, resource: ANY_RESOURCE, principal, context }, policies);
          statements += decision.statements.length;
          if (describe)
            for (const statement of decision.statements) statements += describeStatement(statement).length;
          decisions++;
        }
      }
      return decisions;
    };
    const rate = async (describe: boolean): Promise<number> => {
      let decisions = 0;
      const milliseconds = await timed(() => {
        for (let round = 0; round < ROUNDS; round++) decisions += decideAll(describe);
      });
      return decisions / (milliseconds / 1000);
    };
    const compiled = async (): Promise<number> => {
      const milliseconds = await timed(() => void subjects());
      return (PRINCIPALS * IDENTITY.length) / (milliseconds / 1000);
    };
    const results = [
      await measure('explained decisions, three policies, boundary, two SCP levels', 'decisions/s', 5, () =>
        rate(false),
      ),
      await measure('the same with every statement in words', 'decisions/s', 5, () => rate(true)),
      await measure('policy documents read and compiled', 'documents/s', 5, compiled),
      await measure(
        'who-can over an organization of 40 accounts x 100 roles, chains included',
        'ms',
        3,
        () => timed(() => void whoCan(accessOf(evidence), 'change-storage')),
        'every role trusts its whole account, one in ten may change storage, one in four may assume roles',
      ),
    ];
    if (statements === 0) throw new Error('no decision had a statement');
    return results;
  },
};
