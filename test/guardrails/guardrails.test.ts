import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSnapshot } from '../../src/adapters/files/index.ts';
import type { Snapshot } from '../../src/evidence/index.ts';
import {
  attached,
  attachPlan,
  GUARDRAIL_LIMITS,
  type GuardrailDocument,
  type GuardrailOptions,
  guardrailDiff,
  guardrailDocuments,
  prove,
  scpStatements,
} from '../../src/guardrails/index.ts';
import type { LoadedPolicy } from '../../src/policy/index.ts';
import { REPOSITORY, run } from '../cli/harness.ts';
import { loadPolicy } from '../simulation/harness.ts';

const OPTIONS: GuardrailOptions = {
  denyMantle: false,
  denyBatch: false,
  deployers: [],
  organizationId: 'o-examplecorp',
  contentBuckets: 'proviso-content-*',
  contentLogGroups: '/proviso/content',
};
const ROOT = 'r-ex01';
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
    for (const { text } of documentsOf(loadPolicy(), { ...OPTIONS, denyBatch: true }))
      expect(text).not.toMatch(/DeleteModelInvocationLogging|"bedrock:\*"|"\*:\*"/);
  });

  it('deny mantle, batch and API keys as they are told, the last by a control of the policy', () => {
    const sids = (policy: LoadedPolicy, options: GuardrailOptions) =>
      scpStatements(policy, options).map(({ Sid }) => Sid);
    expect(sids(loadPolicy(), OPTIONS)).toContain('NoLongTermApiKeys');
    expect(sids(loadPolicy(), { ...OPTIONS, denyMantle: true, denyBatch: true })).toEqual(
      expect.arrayContaining(['NoMantle', 'NoBatch']),
    );
    const policy = loadPolicy();
    const without = {
      ...policy,
      policy: { ...policy.policy, controls: policy.policy.controls.filter(({ id }) => id !== 'RB-02') },
    };
    expect(sids(without, OPTIONS)).not.toContain('NoLongTermApiKeys');
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
    const documents = documentsOf(withAdministrators(43, 65));
    expect(documents.map(({ name }) => name)).toEqual(['proviso-scp-1', 'proviso-scp-2', 'proviso-rcp']);
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
  it('names every account below the target, and never the management account', () => {
    const plan = attachPlan(snapshot.organization, documentsOf(), ROOT);
    expect(plan.affected).toHaveLength(snapshot.organization.accounts.length - 1);
    expect(plan.managementAccount?.id).toBe(snapshot.organization.managementAccountId);
    expect(
      attachPlan(snapshot.organization, documentsOf(), 'ou-ex01-research1').affected.map(({ name }) => name),
    ).toEqual(['research-lab', 'research-vision', 'research-partners']);
  });
  it('refuses a target that is not there, and one that is full', () => {
    expect(attachPlan(snapshot.organization, documentsOf(), 'ou-none-00000000').problems).toHaveLength(1);
    const { attachments } = snapshot.organization;
    if (attachments.kind !== 'observed') throw new Error('no attachments');
    const full = { ...attachments, value: [{ targetId: ROOT, policyIds: ['1', '2', '3', '4', '5'] }] };
    expect(
      attachPlan({ ...snapshot.organization, attachments: full }, documentsOf(), ROOT).problems[0],
    ).toContain('5 service control policies');
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
