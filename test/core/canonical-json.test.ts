import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, hashOf } from '../../src/core/index.ts';

describe('canonical JSON', () => {
  test('is what another implementation of RFC 8785 writes, for any JSON value', () => {
    const anything = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
      fc.dictionary(
        fc.string({ unit: 'binary' }),
        fc.oneof(fc.double(), fc.string(), fc.constant(undefined)),
      ),
      fc.array(fc.oneof(fc.double(), fc.constant(undefined), fc.date())),
    );
    fc.assert(
      fc.property(anything, (value) => {
        const peer = writtenBy(canonicalize, value);
        expect(writtenBy(canonicalJson, value)).toBe(peer);
        if (peer !== REFUSED) expect(JSON.parse(peer)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    // RFC 8785, 3.2.2 and 3.2.3, and appendix B.
    [
      {
        numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
        string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
        literals: [null, true, false],
      },
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ],
    [
      {
        '\u20ac': 'Euro Sign',
        '\r': 'Carriage Return',
        '\ufb33': 'Hebrew Letter Dalet With Dagesh',
        '1': 'One',
        '\ud83d\ude00': 'Emoji: Grinning Face',
        '\u0080': 'Control',
        '\u00f6': 'Latin Small Letter O With Diaeresis',
      },
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    ],
    [
      [-0, 5e-324, -1.7976931348623157e308, 295147905179352830000],
      '[0,5e-324,-1.7976931348623157e+308,295147905179352830000]',
    ],
    // Names that are numbers are sorted as text, not as numbers.
    [{ 10: 1, 9: 2, a: undefined }, '{"10":1,"9":2}'],
    [[undefined, new Date(0)], '[null,"1970-01-01T00:00:00.000Z"]'],
  ])('%j', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test.each([
    undefined,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    1n,
    Symbol('s'),
    () => 1,
    '\ud83d',
    { '\ude00': 1 },
    [{ a: () => 1 }],
  ])('refuses what JSON cannot hold', (value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  test('a hash is the same whatever the order of the names', () => {
    expect(hashOf({ b: [1, { d: 1, c: 2 }], a: 'x' })).toBe(hashOf({ a: 'x', b: [1, { c: 2, d: 1 }] }));
    expect(hashOf({ a: 'x' })).toBe('bac82bcae3ff0e486fd02d6dce53dc6444bcbd21f6ab5dea0a69e86e8b723b7f');
  });
});

const REFUSED = 'refused';

function writtenBy(write: (value: unknown) => string | undefined, value: unknown): string {
  try {
    return write(value) ?? REFUSED;
  } catch {
    return REFUSED;
  }
}
