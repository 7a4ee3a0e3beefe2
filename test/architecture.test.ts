import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  brokenRules,
  folderCycles,
  isKebabCase,
  lockFileFaults,
  RULES,
  type SourceFile,
} from './architecture-rules.ts';

/*
 * The rules of the house ("Dependencies point inward"), each with its reason, in architecture-rules.ts. Every rule is also shown to
 * fail on a planted file: a rule that cannot fail protects nothing.
 */

const ROOT = new URL('..', import.meta.url).pathname;

const filesBelow = (folder: string): readonly string[] => {
  try {
    return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
  } catch {
    return [];
  }
};

const read = (path: string): SourceFile => ({ path, text: readFileSync(join(ROOT, path), 'utf8') });
const sources = ['src', 'handlers']
  .flatMap(filesBelow)
  .filter((path) => path.endsWith('.ts'))
  .map(read);
const tests = filesBelow('test')
  .filter((path) => path.endsWith('.ts') && !path.startsWith('test/architecture'))
  .map(read);

describe('the source keeps to', () => {
  test.each(RULES.map((rule) => [rule.name, rule] as const))('%s', (_name, rule) => {
    const files =
      rule.appliesTo === 'tests' ? tests : rule.appliesTo === 'all' ? [...sources, ...tests] : sources;
    expect(files.length).toBeGreaterThan(10);
    expect(brokenRules(files, [rule])).toEqual([]);
  });

  test('no cycles between the folders of src', () => {
    expect(folderCycles(sources)).toEqual([]);
  });

  test('file names in kebab-case', () => {
    const named = ['src', 'handlers', 'test', 'bin', 'workflows', 'policies']
      .flatMap(filesBelow)
      .filter((path) => !isKebabCase(path));
    expect(named).toEqual([]);
  });

  test('a lock file that names no download address', () => {
    expect(lockFileFaults(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))).toEqual([]);
  });
});

describe('a planted fault is found:', () => {
  const planted: readonly (readonly [string, string, string, string])[] = [
    [
      'core imports a domain',
      'src/core/a.ts',
      `import { x } from '../policy/index.ts';`,
      'core-imports-nothing',
    ],
    [
      'rules import exceptions',
      'src/rules/a.ts',
      `import type { Lease } from '../exceptions/index.ts';`,
      'inward',
    ],
    ['policy imports rules', 'src/policy/a.ts', `import { x } from '../rules/index.ts';`, 'inward'],
    [
      'a domain imports an adapter',
      'src/evidence/a.ts',
      `export * from '../adapters/aws/index.ts';`,
      'inward',
    ],
    [
      'an attestation imports rules',
      'src/attestations/a.ts',
      `import type { Coverage } from '../rules/index.ts';`,
      'inward',
    ],
    [
      'the ledger imports a policy',
      'src/ledger/a.ts',
      `const x = await import('../policy/index.ts');`,
      'inward',
    ],
    [
      'a file is imported past its index',
      'src/rules/a.ts',
      `import { x } from '../policy/schema.ts';`,
      'through-index',
    ],
    [
      'the AWS SDK in a domain',
      'src/rules/a.ts',
      `import { X } from '@aws-sdk/client-iam';`,
      'effects-at-the-edge',
    ],
    [
      'the file system in a domain',
      'src/policy/a.ts',
      `import { readFile } from 'node:fs/promises';`,
      'effects-at-the-edge',
    ],
    [
      'the database in a domain',
      'src/exceptions/a.ts',
      `import { DatabaseSync } from 'node:sqlite';`,
      'effects-at-the-edge',
    ],
    ['fetch in a domain', 'src/iam/a.ts', `const x = await fetch('x');`, 'effects-at-the-edge'],
    ['the environment in a domain', 'src/iam/a.ts', `const x = process.env.X;`, 'effects-at-the-edge'],
    ['the clock in a domain', 'src/rules/a.ts', `const now = Date.now();`, 'effects-at-the-edge'],
    ['the clock in a domain, as a date', 'src/rules/a.ts', `const now = new Date();`, 'effects-at-the-edge'],
    [
      'the clock in a domain, as a date without brackets',
      'src/rules/a.ts',
      `const now = new Date;`,
      'effects-at-the-edge',
    ],
    ['chance in a domain', 'src/exceptions/a.ts', `const id = Math.random();`, 'effects-at-the-edge'],
    ['random bytes in a domain', 'src/exceptions/a.ts', `const id = randomBytes(8);`, 'effects-at-the-edge'],
    [
      'a random UUID in a domain',
      'src/exceptions/a.ts',
      `const id = crypto.randomUUID();`,
      'effects-at-the-edge',
    ],
    [
      'a second home of the rule engine',
      'src/rules/a.ts',
      `import { Engine } from 'json-rules-engine';`,
      'one-rule-engine',
    ],
    [
      'the languages of zod',
      'src/policy/a.ts',
      `import { type ZodType, z } from 'zod';`,
      'zod-as-a-namespace',
    ],
    [
      'a second copy of the equation',
      'src/enforcement/a.ts',
      `if (now < lease.expiresAt) go();`,
      'one-equation',
    ],
    ['the equation the other way round', 'src/cli/a.ts', `const x = lease.expiresAt <= now;`, 'one-equation'],
    [
      'the equation over a destructured end',
      'src/runtime/a.ts',
      `const x = expiresAt > now;`,
      'one-equation',
    ],
    [
      'one comparison more where some are allowed',
      'src/enforcement/ending.ts',
      `const a = at > lease.expiresAt;\nconst b = now >= lease.expiresAt;`,
      'one-equation',
    ],
    ['a test that silences the others', 'test/a.test.ts', `test.only('x', () => {});`, 'no-only'],
    ['work left undone', 'src/core/a.ts', `// TODO: later`, 'no-todo'],
  ];

  test.each(planted)('%s', (_name, path, text, rule) => {
    expect(brokenRules([{ path, text }], RULES).map((fault) => fault.rule)).toContain(rule);
  });

  test('a cycle of folders', () => {
    const files = [
      { path: 'src/rules/a.ts', text: `import { x } from '../iam/index.ts';` },
      { path: 'src/iam/b.ts', text: `import { y } from '../evidence/index.ts';` },
      { path: 'src/evidence/c.ts', text: `import { z } from '../rules/index.ts';` },
    ];
    expect(folderCycles(files)).toEqual(['evidence -> rules -> iam -> evidence']);
  });

  test('a name that is not kebab-case', () => {
    expect(['src/core/canonicalJson.ts', 'src/Core/x.ts', 'src/core/x_y.ts'].map(isKebabCase)).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('a download address in the lock file', () => {
    const text = JSON.stringify({
      packages: { '': {}, 'node_modules/a': { resolved: 'https://example.com/a.tgz' }, 'node_modules/b': {} },
    });
    expect(lockFileFaults(text)).toHaveLength(2);
  });
});

describe('what is allowed is not refused:', () => {
  const allowed: readonly (readonly [string, string, string])[] = [
    ['a date made from an instant', 'src/core/a.ts', `const x = new Date(at);`],
    ['the clock in an adapter', 'src/adapters/aws/a.ts', `const x = Date.now();`],
    ['a comment about the clock', 'src/rules/a.ts', `// never Date.now() here`],
    ['a text that names the file system', 'src/rules/a.ts', `const x = "node:fs is not read";`],
    ['a field of the lease, not compared', 'src/enforcement/a.ts', `const until = lease.expiresAt;`],
    ['a generic over the end', 'src/enforcement/a.ts', `type X = Pick<Lease, 'expiresAt'>;`],
    ['an end that may be missing', 'src/evidence/a.ts', `const x = expiresAt === undefined ? 1 : 2;`],
    ['a downward import', 'src/rules/a.ts', `import type { Policy } from '../policy/index.ts';`],
  ];
  test.each(allowed)('%s', (_name, path, text) => {
    expect(brokenRules([{ path, text }], RULES)).toEqual([]);
  });
});
