import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REVIEW_REFUSALS } from '../../src/review/index.ts';

test('the page of the review lists every refusal with its meaning, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/annual-review.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `[A-Z_]+` \|/.test(line));
  expect(rows).toEqual(
    Object.entries(REVIEW_REFUSALS).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
  );
});
