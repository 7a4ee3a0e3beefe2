import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NODE_BUDGET } from '../../src/diff/index.ts';
import { CHANGE_REFUSALS, parseChangeSigners } from '../../src/review/index.ts';
import { REPOSITORY, run } from '../cli/harness.ts';

const PAGE = readFileSync(join(REPOSITORY, 'docs/policy-diff.md'), 'utf8');

test('the worked example of the page is what the program prints', async () => {
  const example = PAGE.split('```')
    .find((block) => block.includes('LOOSENING controls.CP-01.require'))
    ?.trim();
  const { stdout } = await run([
    'policy',
    'diff',
    'test/diff/fixtures/old.yaml',
    'test/diff/fixtures/new.yaml',
  ]);
  expect(example).toBeDefined();
  expect(stdout).toContain(example);
});

test('the page names the budget that the program has', () => {
  expect(PAGE).toContain(`more than ${NODE_BUDGET.toLocaleString('en-US')} nodes`);
});

test('the page lists every refusal of an approval with its meaning, and no other', () => {
  const rows = PAGE.split('\n').filter((line) => /^\| `[A-Z_]+` \|/.test(line));
  expect(rows).toEqual(
    Object.entries(CHANGE_REFUSALS).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
  );
});

test('the signers file of the page can be read', () => {
  const [, example = ''] = /```yaml\n(kind: PolicySigners[\s\S]*?)```/.exec(PAGE) ?? [];
  const read = parseChangeSigners(example, 'policy-signers.yaml');
  expect(read.ok ? read.value.signers.map(({ id, bodies }) => [id, bodies]) : read.error).toEqual([
    ['lena', ['legal']],
  ]);
});
