import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatInstant, parseInstant } from '../../src/core/index.ts';

test('an instant is read exactly where it is written back the same: no day or hour rolls over', () => {
  const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
  const year = fc.integer({ min: 0, max: 9999 }).map((n) => String(n).padStart(4, '0'));
  const text = fc
    .tuple(year, two(13), two(32), two(25), two(60), two(60), fc.constantFrom('', '.001', '.999'))
    .map(([y, mo, d, h, mi, s, ms]) => `${y}-${mo}-${d}T${h}:${mi}:${s}${ms}Z`);
  fc.assert(
    fc.property(text, (written) => {
      const at = Date.parse(written);
      const iso = Number.isNaN(at) ? '' : new Date(at).toISOString();
      const exists = iso.startsWith(written.slice(0, 19));
      const read = parseInstant(written);
      expect(read.ok).toBe(exists);
      if (read.ok) expect(formatInstant(read.value)).toBe(written);
    }),
    { numRuns: 2000 },
  );
});

test.each(['2026-02-29T00:00:00Z', '2026-04-31T00:00:00Z', '2026-11-20T24:00:00Z', '1900-02-29T00:00:00Z'])(
  '%s does not exist',
  (text) => {
    expect(parseInstant(text).ok).toBe(false);
  },
);
test('a leap day does', () => {
  expect(parseInstant('2028-02-29T23:59:59Z').ok).toBe(true);
});
