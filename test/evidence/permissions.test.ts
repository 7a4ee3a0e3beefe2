import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  actionsOf,
  homePermissions,
  MEMBER_TEMPLATE,
  memberTemplate,
  optInPermissions,
  PERMISSIONS_PAGE,
  permissionsPage,
  rolePermissions,
  SNAPSHOT_PAGE,
  snapshotPage,
} from '../../scripts/collect-permissions.ts';

const ROOT = join(import.meta.dirname, '../..');
const AWS = join(ROOT, 'src/adapters/aws');
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** The collectors: `evidence-sources.ts` and every file beside it that it leads to. */
function collectorFiles(start = 'evidence-sources.ts', seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(start)) return seen;
  seen.add(start);
  const text = readFileSync(join(AWS, start), 'utf8');
  for (const [, file] of text.matchAll(/from '\.\/([a-z0-9-]+\.ts)'/g)) if (file) collectorFiles(file, seen);
  return seen;
}

/** IAM's prefix where it is not the client's name. */
const PREFIX_OF: Readonly<Record<string, string>> = {
  'bedrock-agent': 'bedrock',
  'bedrock-agent-runtime': 'bedrock',
  'bedrock-runtime': 'bedrock',
  'bedrock-agentcore-control': 'bedrock-agentcore',
  'cloudwatch-logs': 'logs',
  'cost-explorer': 'ce',
  eventbridge: 'events',
  's3-control': 's3',
  'sso-admin': 'sso',
};
/** IAM's name where it is not the operation's. */
const ACTION_OF: Readonly<Record<string, string>> = {
  's3:GetBucketLifecycleConfiguration': 's3:GetLifecycleConfiguration',
  's3:GetBucketEncryption': 's3:GetEncryptionConfiguration',
  's3:GetBucketReplication': 's3:GetReplicationConfiguration',
  's3:GetObjectLockConfiguration': 's3:GetBucketObjectLockConfiguration',
};

/** The actions behind the commands that a file imports, and behind the calls that it signs itself (`const SIGNED = [...]`). */
function importedActions(file: string): readonly string[] {
  const text = readFileSync(join(AWS, file), 'utf8');
  const imported = [...text.matchAll(/import \{([^}]+)\} from '@aws-sdk\/client-([a-z0-9-]+)'/g)].flatMap(
    ([, names = '', client = '']) =>
      names
        .split(',')
        .map((name) => name.trim())
        .filter((name) => !name.startsWith('type ') && name.endsWith('Command'))
        .map((name) => `${PREFIX_OF[client] ?? client}:${name.slice(0, -'Command'.length)}`)
        .map((action) => ACTION_OF[action] ?? action),
  );
  const [, signed = ''] = /const SIGNED_ACTIONS = \[([^\]]*)\]/.exec(text) ?? [];
  return [...imported, ...[...signed.matchAll(/'([^']+)'/g)].map(([, action = '']) => action)];
}

const documented = actionsOf([...homePermissions(), ...rolePermissions(), ...optInPermissions()]);

it('names exactly the calls that the collectors can make', () => {
  const imported = new Set([...collectorFiles()].flatMap(importedActions));
  expect(imported.size).toBeGreaterThan(10);
  expect([...documented].sort()).toEqual([...imported].sort());
});

it('the collectors import nothing that changes anything', () => {
  // A query of CloudWatch Logs is started and stopped, and changes nothing.
  const reads = /^[a-z0-9-]+:(Get|List|Describe)|^sts:AssumeRole$|^logs:(StartQuery|StopQuery)$/;
  for (const action of documented) expect(action).toMatch(reads);
});

it('docs/permissions.md, docs/snapshot.md and the role in the member template are current', () => {
  const remedy = 'run node scripts/collect-permissions.ts';
  const page = textOf(PERMISSIONS_PAGE);
  expect(permissionsPage(page), remedy).toBe(page);
  const snapshotPageText = textOf(SNAPSHOT_PAGE);
  expect(snapshotPage(snapshotPageText), remedy).toBe(snapshotPageText);
  const template = textOf(MEMBER_TEMPLATE);
  expect(memberTemplate(template), remedy).toBe(template);
});

it('the role’s policy allows what its table lists, and no more', () => {
  const policy = JSON.parse(/```json\n([\s\S]+?)```/.exec(textOf(PERMISSIONS_PAGE))?.[1] ?? '{}') as {
    Statement?: readonly { Action: readonly string[] }[];
  };
  expect(policy.Statement?.flatMap(({ Action }) => Action)).toEqual(actionsOf(rolePermissions()));
});
