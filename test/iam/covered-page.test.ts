import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/* docs/iam.md says what is covered and names a test for it: each stands where the page says. */

const page = readFileSync(join(import.meta.dirname, '../../docs/iam.md'), 'utf8');
const [, table = ''] = /<!-- covered -->\n([\s\S]+?)\n<!-- \/covered -->/.exec(page) ?? [];
const rows = table
  .split('\n')
  .slice(2)
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|')))
  .map(([, covered = '', file = '', name = '']) => [covered, file.replaceAll('`', ''), name] as const);

test('the page lists all that effective permission is made of', () => {
  expect(rows.length).toBeGreaterThanOrEqual(26);
});

test.each(rows)('%s', (_covered, file, name) => {
  expect(name).not.toBe('');
  expect(readFileSync(join(import.meta.dirname, file), 'utf8')).toContain(name);
});
