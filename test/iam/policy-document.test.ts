import { describe, expect, test } from 'vitest';
import { type IamProblemCode, parsePolicyDocument } from '../../src/iam/index.ts';
import { ALLOW_ALL, allow, documentOf } from './documents.ts';

/** Grammar: IAM User Guide, "Grammar of the IAM JSON policy language". */
describe('a policy document is read', () => {
  test.each([
    ['with one statement as an object', documentOf(ALLOW_ALL), 1],
    ['with statements as a list', documentOf([ALLOW_ALL, ALLOW_ALL]), 2],
    ['with an empty list of statements', documentOf([]), 0],
    ['with an Id', JSON.stringify({ Version: '2012-10-17', Id: 'x', Statement: [ALLOW_ALL] }), 1],
    ['without a version', JSON.stringify({ Statement: [ALLOW_ALL] }), 1],
    ['when it is still URL-encoded', encodeURIComponent(documentOf(ALLOW_ALL)), 1],
    [
      'when it is still URL-encoded in lower case',
      encodeURIComponent(documentOf(ALLOW_ALL)).replaceAll('%7B', '%7b'),
      1,
    ],
    ['with white space around it', `\n  ${documentOf(ALLOW_ALL)}\n`, 1],
    ['with escaped quotes and braces in texts', documentOf(allow('a:b', { Sid: 'say "{" : "Effect"' })), 1],
    ['with 10,000 statements', documentOf(Array.from({ length: 10_000 }, () => ALLOW_ALL)), 10_000],
  ])('%s', (_name, text, statements) => {
    const read = parsePolicyDocument(text);
    expect(read.ok && read.value.statements.length).toBe(statements);
  });

  test('with single texts turned into lists and conditions laid out', () => {
    const read = parsePolicyDocument(
      documentOf(
        allow('s3:Get*', { Sid: 'A', Condition: { NumericLessThan: { 'aws:x': 5, 'aws:y': ['1', true] } } }),
      ),
    );
    expect(read.ok && read.value).toEqual({
      version: '2012-10-17',
      statements: [
        {
          index: 0,
          sid: 'A',
          effect: 'Allow',
          actions: { kind: 'Action', patterns: ['s3:Get*'] },
          resources: { kind: 'Resource', patterns: ['*'] },
          conditions: [
            { operator: 'NumericLessThan', key: 'aws:x', values: ['5'] },
            { operator: 'NumericLessThan', key: 'aws:y', values: ['1', 'true'] },
          ],
        },
      ],
    });
  });
});

describe('a policy document is a problem', () => {
  const nested = `${'['.repeat(40)}${']'.repeat(40)}`;
  const REFUSED: readonly (readonly [string, string, IamProblemCode, RegExp])[] = [
    ['when it is empty', '', 'not-json', /not JSON/],
    ['when it is cut off', documentOf(ALLOW_ALL).slice(0, -3), 'not-json', /not JSON/],
    ['when it is a list', '[]', 'not-a-policy', /the document is not an object/],
    ['when it is null', 'null', 'not-a-policy', /the document is not an object/],
    ['when its encoding is damaged', '%7B%22Statement%E0%', 'bad-encoding', /does not decode/],
    [
      'when it is encoded twice',
      encodeURIComponent(encodeURIComponent(documentOf(ALLOW_ALL))),
      'not-json',
      /not JSON/,
    ],
    [
      'when a key stands twice',
      '{"Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}',
      'duplicate-key',
      /`Effect` stands twice/,
    ],
    [
      'when a key stands twice, once escaped',
      '{"Statement":[{"Effect":"Deny","Eff\\u0065ct":"Allow","Action":"*","Resource":"*"}]}',
      'duplicate-key',
      /`Effect` stands twice/,
    ],
    [
      'when there are two lists of statements',
      '{"Statement":[],"Statement":[]}',
      'duplicate-key',
      /`Statement` stands twice/,
    ],
    [
      'when a condition key stands twice',
      '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":"1","a:b":"0"}}}]}',
      'duplicate-key',
      /`a:b` stands twice/,
    ],
    ['when it nests too deep', `{"Statement":${nested}}`, 'too-deep', /more than 16 levels/],
    [
      'when it is too long',
      `{"Statement":[],"Id":"${'x'.repeat(1024 * 1024)}"}`,
      'too-long',
      /more than 1048576 bytes/,
    ],
    [
      'when it has too many statements',
      documentOf(Array.from({ length: 10_001 }, () => ({ Effect: 'Deny' }))),
      'too-many-statements',
      /more than 10000 statements/,
    ],
    ['when it has no Statement', '{"Version":"2012-10-17"}', 'not-a-policy', /no Statement/],
    [
      'when its version is unknown',
      '{"Version":"2030-01-01","Statement":[]}',
      'not-a-policy',
      /`2030-01-01`/,
    ],
    [
      'when an element name is in lower case',
      documentOf({ effect: 'Allow', Action: '*', Resource: '*' }),
      'not-a-policy',
      /unknown element `effect`/,
    ],
    [
      'when the statements are in lower case',
      '{"statement":[]}',
      'not-a-policy',
      /unknown element `statement`/,
    ],
    [
      'when an element is unknown',
      documentOf({ ...ALLOW_ALL, Comment: 'x' }),
      'not-a-policy',
      /unknown element `Comment`/,
    ],
    [
      'when an element is __proto__',
      '{"Statement":[],"__proto__":{}}',
      'not-a-policy',
      /unknown element `__proto__`/,
    ],
    [
      'when Effect is missing',
      documentOf({ Action: '*', Resource: '*' }),
      'not-a-policy',
      /neither Allow nor Deny/,
    ],
    [
      'when Effect is in lower case',
      documentOf({ ...ALLOW_ALL, Effect: 'allow' }),
      'not-a-policy',
      /neither Allow nor Deny/,
    ],
    [
      'when it has no action',
      documentOf({ Effect: 'Allow', Resource: '*' }),
      'not-a-policy',
      /neither Action nor NotAction/,
    ],
    [
      'when it has Action and NotAction',
      documentOf({ ...ALLOW_ALL, NotAction: 's3:*' }),
      'not-a-policy',
      /both Action and NotAction/,
    ],
    [
      'when it has Resource and NotResource',
      documentOf({ ...ALLOW_ALL, NotResource: 'x' }),
      'not-a-policy',
      /both Resource and NotResource/,
    ],
    [
      'when Action is a number',
      documentOf({ ...ALLOW_ALL, Action: 7 }),
      'not-a-policy',
      /Statement\[0\]\.Action is not text/,
    ],
    [
      'when Action is an empty list',
      documentOf({ ...ALLOW_ALL, Action: [] }),
      'not-a-policy',
      /Action is an empty list/,
    ],
    [
      'when a Resource is null',
      documentOf({ ...ALLOW_ALL, Resource: [null] }),
      'not-a-policy',
      /Resource is not text/,
    ],
    [
      'when a Statement is text',
      documentOf(['Allow' as unknown as Record<string, unknown>]),
      'not-a-policy',
      /Statement\[0\] is not an object/,
    ],
    [
      'when a Condition is a list',
      documentOf({ ...ALLOW_ALL, Condition: [] }),
      'not-a-policy',
      /Condition is not an object/,
    ],
    [
      'when a condition value is an object',
      documentOf({ ...ALLOW_ALL, Condition: { Bool: { a: {} } } }),
      'not-a-policy',
      /is not a text, number or boolean/,
    ],
    ['when a Sid is a number', documentOf({ ...ALLOW_ALL, Sid: 1 }), 'not-a-policy', /Sid is not text/],
    [
      'when a principal has an unknown kind',
      documentOf({ ...ALLOW_ALL, Principal: { Robot: 'x' } }),
      'not-a-policy',
      /unknown element `Robot`/,
    ],
  ];
  test.each(REFUSED)('%s', (_name, text, code, message) => {
    const read = parsePolicyDocument(text);
    expect(read.ok ? undefined : read.error.code).toBe(code);
    expect(read.ok ? '' : read.error.message).toMatch(message);
  });
});
