import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AccessRequest,
  ANY_RESOURCE,
  contextOf,
  evaluateRequest,
  known,
  layerOf,
  type PermissionDecision,
  parsePolicyDocument,
  readPolicy,
  sessionAttribution,
} from '../../src/iam/index.ts';
import { ALLOW_ALL, allow, documentOf, ROLE } from './documents.ts';

/* Documents that lie or are damaged: the run goes on, that answer is undecided and says why, and nothing takes longer than its length. */

const asked = (resource: AccessRequest['resource'] = ANY_RESOURCE, username = 'ada'): AccessRequest => ({
  action: 'bedrock:InvokeModel',
  resource,
  principal: ROLE,
  context: contextOf({ 'aws:username': known(username) }),
});
const decide = (text: string, request: AccessRequest = asked()): PermissionDecision =>
  evaluateRequest(request, {
    identity: layerOf('its identity policies', [readPolicy('p', text, 'identity')]),
    serviceControl: [],
    resourceControl: [],
  });
const reasonOf = (decision: PermissionDecision): string =>
  decision.kind === 'cannot-decide' ? decision.detail : decision.kind;
const encoded = (text: string): string => encodeURIComponent(text);

describe('a damaged document decides nothing and says why:', () => {
  const twelve = JSON.stringify(Array.from({ length: 12_000 }, () => allow('s3:*')));
  test.each([
    ['10 MB long', documentOf(allow('x'.repeat(10_000_000))), /more than 1048576 bytes/],
    ['more than 10,000 statements', `{"Version":"2012-10-17","Statement":${twelve}}`, /bytes|statements/],
    ['nested too deeply', `${'{"Statement":'.repeat(5000)}1${'}'.repeat(5000)}`, /levels deep/],
    ['nested too deeply in lists', `{"Statement":${'['.repeat(5000)}${']'.repeat(5000)}}`, /levels deep/],
    ['URL-encoded twice', encoded(encoded(documentOf(ALLOW_ALL))), /not JSON/],
    ['URL-encoded by halves', '%7B%22Statement%2', /does not decode/],
    ['not JSON', 'Allow everything', /not JSON/],
    ['empty', '', /not JSON/],
    ['null', 'null', /not an object/],
    ['a list', '[]', /not an object/],
    ['with a key that stands twice', '{"Statement":[],"Statement":[]}', /twice/],
    [
      'with a key that stands twice, once escaped',
      '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Eff\\u0065ct":"Allow","Action":"*","Resource":"*"}}',
      /twice/,
    ],
    [
      'with an element in another case',
      '{"Version":"2012-10-17","Statement":{"effect":"Allow","Action":"*","Resource":"*"}}',
      /unknown element/,
    ],
    [
      'with a look-alike letter in Allow',
      '{"Version":"2012-10-17","Statement":{"Effect":"Аllow","Action":"*","Resource":"*"}}',
      /neither Allow nor Deny/,
    ],
    ['with a prototype for a statement', '{"__proto__":{"Statement":[]}}', /unknown element|no Statement/],
    [
      'with an action that is a number',
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":1,"Resource":"*"}}',
      /not text/,
    ],
    [
      'of a version that does not exist',
      '{"Version":"2030-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
      /not a version/,
    ],
  ])('%s', (_name, text, expected) => {
    const start = performance.now();
    expect(reasonOf(decide(text))).toMatch(expected);
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test('10,000 statements within 1 MB are read', () => {
    const many = Array.from({ length: 9_999 }, (_, index) => ({
      Effect: 'Allow',
      Action: `s3:${index}`,
      Resource: '*',
    }));
    expect(decide(documentOf([...many, ALLOW_ALL])).statements).toMatchObject([{ index: 9999 }]);
  });

  test('a look-alike letter in an action is another action', () => {
    expect(decide(documentOf(allow('bedr\u043eck:*'))).kind).toBe('denied');
  });

  test('a byte order mark is not JSON, and no guess is made', () => {
    expect(decide(`\ufeff${documentOf(ALLOW_ALL)}`).kind).toBe('cannot-decide');
  });
});

describe('a pattern takes no longer than its length times the text’s:', () => {
  const LONG = 20_000;
  test.each([
    ['stars and a letter', '*a'.repeat(500), `${'a'.repeat(LONG)}b`],
    ['stars alone', '*'.repeat(LONG), 'a'.repeat(1000)],
    ['stars and question marks', '*?'.repeat(500), 'a'.repeat(LONG)],
    ['a long beginning that repeats', `*${'ab'.repeat(300)}c`, 'ab'.repeat(LONG / 2)],
  ])('%s', (_name, pattern, text) => {
    const document = documentOf(allow('*', { Resource: `arn:aws:s3:::${pattern}` }));
    const start = performance.now();
    decide(document, asked(`arn:aws:s3:::${text}`));
    decide(
      documentOf(allow('*', { Condition: { StringLike: { 'aws:username': pattern } } })),
      asked(ANY_RESOURCE, text),
    );
    expect(performance.now() - start).toBeLessThan(1500);
  });

  test.each([
    ['a variable full of white space', `\${${' '.repeat(50_000)}x`],
    ['a variable full of words', `\${a${' a'.repeat(50_000)}!}`],
    ['a default full of white space', `\${aws:username,${' '.repeat(50_000)}`],
    ['variables that open and never close', '${'.repeat(50_000)],
    ['a default that never closes', `\${aws:username, '${'x'.repeat(50_000)}}`],
  ])('%s', (_name, value) => {
    const start = performance.now();
    decide(documentOf(allow('*', { Resource: value })), asked('arn:aws:s3:::x'));
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test.each([
    '1'.repeat(100_000),
    `2026-${'0'.repeat(100_000)}`,
    `${'a:'.repeat(50_000)}`,
    '='.repeat(100_000),
  ])('a long value for every operator', (value) => {
    const start = performance.now();
    for (const operator of [
      'NumericEquals',
      'DateEquals',
      'IpAddress',
      'ArnLike',
      'BinaryEquals',
      'Bool',
      'Null',
    ])
      decide(
        documentOf(allow('*', { Condition: { [operator]: { 'aws:username': value } } })),
        asked(ANY_RESOURCE, value),
      );
    expect(performance.now() - start).toBeLessThan(1500);
  });
});

describe('fuzzing the parser', () => {
  const words = fc.constantFrom(
    'Version',
    'Statement',
    'Effect',
    'Allow',
    'Deny',
    'Action',
    'NotAction',
    'Resource',
    'NotResource',
    'Principal',
    'Condition',
    'Sid',
    '2012-10-17',
    '*',
    'bedrock:*',
    '__proto__',
    'constructor',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
    '${aws:username}',
    '',
  );
  const anyJson = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      words,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(words, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
    ),
  })).value;

  test('whatever JSON it is given, it answers and never throws', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const text = JSON.stringify(value);
        const parsed = parsePolicyDocument(text);
        const { kind } = decide(text);
        if (!parsed.ok) expect(kind).toBe('cannot-decide');
        sessionAttribution({ name: 'r', path: '/', assumeRolePolicyDocument: text });
      }),
      { numRuns: 5000 },
    );
  });

  test('a document with one character changed is never a certain Allow that it was not', () => {
    const whole = documentOf([
      { Sid: 'A', Effect: 'Allow', Action: ['s3:Get*', 'logs:*'], Resource: 'arn:aws:s3:::x/*' },
      {
        Effect: 'Deny',
        NotAction: 's3:*',
        Resource: '*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        const changed = whole.slice(0, at) + character + whole.slice(at + 1);
        expect(decide(changed).kind).not.toBe('allowed');
      }),
      { numRuns: 5000 },
    );
  });

  test('whatever text it is given, it answers and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        expect(['denied', 'cannot-decide']).toContain(decide(text).kind);
      }),
      { numRuns: 5000 },
    );
  });
});
