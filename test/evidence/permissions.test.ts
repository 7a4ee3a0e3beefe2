import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const AWS = join(ROOT, 'src/adapters/aws');
const page = readFileSync(join(ROOT, 'docs/permissions.md'), 'utf8');

/** The collectors: `evidence-sources.ts` and every file beside it that it leads to. */
function collectorFiles(start = 'evidence-sources.ts', seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(start)) return seen;
  seen.add(start);
  const text = readFileSync(join(AWS, start), 'utf8');
  for (const [, file] of text.matchAll(/from '\.\/([a-z-]+\.ts)'/g)) if (file) collectorFiles(file, seen);
  return seen;
}

/** `iam.ts iam:ListAccessKeys` for every command that a file imports. */
function importedActions(file: string): readonly string[] {
  const text = readFileSync(join(AWS, file), 'utf8');
  return [...text.matchAll(/import \{([^}]+)\} from '@aws-sdk\/client-([a-z]+)'/g)].flatMap(
    ([, names = '', service = '']) =>
      names
        .split(',')
        .map((name) => name.trim())
        .filter((name) => !name.startsWith('type ') && name.endsWith('Command'))
        .map((name) => `${file} ${service}:${name.slice(0, -'Command'.length)}`),
  );
}

const documented = [...page.matchAll(/^\| `([a-z-]+\.ts)` \| `([a-z]+:[A-Za-z]+)` \|/gm)].map(
  ([, file, action]) => `${file} ${action}`,
);

it('names exactly the calls that the collectors can make, file by file', () => {
  const imported = [...collectorFiles()].flatMap(importedActions);
  expect(imported.length).toBeGreaterThan(10);
  expect([...documented].sort()).toEqual([...imported].sort());
});

it('the collectors import nothing that changes anything', () => {
  for (const action of documented)
    expect(action).toMatch(
      / (organizations|bedrock|iam):(Get|List|Describe)| sts:(AssumeRole|GetCallerIdentity)$/,
    );
});

it('the role’s policy allows what the second table lists, and no more', () => {
  const [, inEveryAccount = ''] = page.split('## In every account');
  const listed = [...inEveryAccount.matchAll(/^\| `[a-z-]+\.ts` \| `([a-z]+:[A-Za-z]+)` \|/gm)].map(
    ([, action]) => action,
  );
  const policy = JSON.parse(/```json\n([\s\S]+?)```/.exec(page)?.[1] ?? '{}') as {
    Statement?: readonly { Action: readonly string[] }[];
  };
  expect(policy.Statement?.flatMap(({ Action }) => Action)).toEqual(listed);
});
