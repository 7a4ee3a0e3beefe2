import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/* docs/failure-cases.md maps every case to the file in which a test bears its number. */

const ROOT = join(import.meta.dirname, '../..');
const CASES = Array.from({ length: 42 }, (_, index) => {
  const n = index + 1;
  return `${n < 8 ? 'A' : n < 20 ? 'B' : n < 34 ? 'C' : 'D'}${n}`;
});
/** What the product does not do yet. A case leaves this list with its test. */
const NOT_YET: readonly string[] = [];

const rows = [
  ...readFileSync(join(ROOT, 'docs/failure-cases.md'), 'utf8').matchAll(/^\| ([A-D]\d+) \| .+ \| (.+) \|$/gm),
].map(([, name = '', place = '']) => ({ name, place }));

test('all 42 failure cases stand in the page, in order', () => {
  expect(rows.map(({ name }) => name)).toEqual(CASES);
  expect(rows.filter(({ place }) => place === 'not yet').map(({ name }) => name)).toEqual(NOT_YET);
});

test.each(rows.filter(({ place }) => place !== 'not yet'))(
  '$name has a test of its number in $place',
  ({ name, place }) => {
    const file = join(ROOT, place.replaceAll('`', ''));
    expect(existsSync(file)).toBe(true);
    // The name of a test or of its group begins with the number.
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`['"\`]${name}: `));
  },
);
