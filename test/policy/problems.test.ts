import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseSourceDocument } from '../../src/core/index.ts';
import { parsePolicy, problemsOf } from '../../src/policy/index.ts';
import { nearest } from '../../src/policy/nearest.ts';
import { POLICY_TEXT } from './shipped.ts';

/** The shapes that other documents of the project use beside those of a policy. */
const schema = z.strictObject({
  destination: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('s3'), bucketName: z.string().describe('the bucket') }),
    z.strictObject({ kind: z.literal('cloudwatch-logs'), logGroupName: z.string() }),
  ]),
  account: z.string().optional(),
});

function told(text: string): readonly string[] {
  const document = parseSourceDocument(text, 'r.yaml');
  if (!document.ok) throw new Error(JSON.stringify(document.error));
  const parsed = schema.safeParse(document.value.value);
  if (parsed.success) return [];
  return problemsOf(document.value, parsed.error, schema).map(
    ({ line, column, code, path, message, remedy }) =>
      `${line}:${column} ${code} ${path}: ${message} | ${remedy}`,
  );
}

describe('problems of any document of ours', () => {
  it.each<readonly [string, string, readonly string[]]>([
    ['a sound document has none', 'destination: { kind: s3, bucketName: b }', []],
    [
      'an unknown kind names the kinds there are',
      'destination: { kind: s4, bucketName: b }',
      ['1:22 value-not-allowed destination.kind: `s4` is not allowed here | did you mean `s3`?'],
    ],
    [
      'a missing kind is told as missing',
      'destination: { bucketName: b }',
      ['1:1 missing-key destination.kind: `kind` is missing | add `kind:`'],
    ],
    [
      'a typo within the kind that was meant is one problem',
      'destination: { kind: s3, buckeName: b }',
      [
        '1:26 unknown-key destination.buckeName: there is no key `buckeName` here | did you mean `bucketName`? The keys here are `kind`, `bucketName`, `logGroupName`',
      ],
    ],
    [
      'a number is shown as it was written',
      'destination: { kind: s3, bucketName: b }\naccount: 1.0',
      ['2:10 wrong-type account: expected text, found `1.0` | put it in quotes'],
    ],
    [
      'an account id that YAML reads as a number asks for quotes',
      'destination: { kind: s3, bucketName: b }\naccount: 123456789012',
      ['2:10 wrong-type account: expected text, found `123456789012` | put it in quotes'],
    ],
    [
      'a list in place of the document',
      '- 1',
      ['1:1 wrong-type : expected a mapping, found a list | write a mapping'],
    ],
    [
      'a key that would reach the prototype is only an unknown key',
      'destination: { kind: s3, bucketName: b }\n__proto__: { a: 1 }',
      [
        '2:1 unknown-key __proto__: there is no key `__proto__` here | remove it; the keys here are `destination`, `account`',
      ],
    ],
  ])('%s', (_name, text, expected) => {
    expect(told(text)).toEqual(expected);
  });

  it.each([
    ['2026-11-22T12:00:00+01:00', '2026-11-22T11:00:00Z'],
    ['2026-11-22T12:00+0100', '2026-11-22T11:00:00Z'],
    ['2026-03-01T00:30:00.250+01:00', '2026-02-28T23:30:00.250Z'],
    ['2028-02-29T12:00:00-02:00', '2028-02-29T14:00:00Z'],
    // Dates that do not exist: none is proposed in their place.
    ['2026-02-30T12:00:00+01:00', undefined],
    ['2027-02-29T23:30:00-01:00', undefined],
    ['2026-11-31T12:00:00+01:00', undefined],
    ['2026-11-22T24:00:00+01:00', undefined],
    // Years that the proposed text could not name.
    ['9999-12-31T23:30:00-01:00', undefined],
    ['0000-01-01T00:30:00+01:00', undefined],
    ['+012026-11-22T12:00:00+01:00', undefined],
  ])('the remedy for %s is another spelling of it alone', (written, instant) => {
    const parsed = parsePolicy(
      POLICY_TEXT.replace('  status: draft', `  status: draft\n  effectiveFrom: "${written}"`),
      'p.yaml',
    );
    expect(parsed.ok ? [] : parsed.error).toMatchObject([
      {
        code: 'not-an-instant',
        remedy: instant === undefined ? 'write it so' : `write \`${instant}\`, which is the same instant`,
      },
    ]);
  });

  it('need no schema to be told, though they say less', () => {
    const document = parseSourceDocument('a: 1', 'r.yaml');
    if (!document.ok) throw new Error('expected a document');
    const parsed = z.strictObject({ a: z.string(), b: z.string() }).safeParse(document.value.value);
    expect(parsed.error && problemsOf(document.value, parsed.error).map(({ code }) => code)).toEqual([
      'missing-key',
      'wrong-type',
    ]);
  });
});

describe('the nearest name', () => {
  const names = ['equal', 'notEqual', 'invocationLogging.textDataDelivery', 'dataRetention.mode'];
  it.each([
    ['euqal', 'equal'],
    ['EQUAL', 'equal'],
    ['textDataDelivery', 'invocationLogging.textDataDelivery'],
    ['invocationLogging.textDataDelivry', 'invocationLogging.textDataDelivery'],
    ['color', undefined],
    ['', undefined],
    ['x'.repeat(1_000_000), undefined],
  ])('of %.40s is %s', (text, expected) => {
    expect(nearest(text, names)).toBe(expected);
  });
});

describe('a value that does not fit its fact', () => {
  it.each([
    ['value: "0"', 'found the text `0`'],
    ['value: true', 'found `true`'],
  ])('%s for a number is told as it is', (value, says) => {
    const leaf =
      /\{ fact: principal\.accessKeys[A-Za-z.]*, op: equal, value: 0 \}|fact: [A-Za-z.]+, op: \w+, value: 0/;
    const text = POLICY_TEXT.replace(leaf, (found) => found.replace('value: 0', value));
    expect(text).not.toBe(POLICY_TEXT);
    const parsed = parsePolicy(text, 'p.yaml');
    const messages = parsed.ok ? [] : parsed.error.map(({ message }) => message);
    expect(messages.join()).toContain(says);
  });
});
