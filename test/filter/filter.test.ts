import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type FilteredBatch,
  type FilterScope,
  filterBatch,
  isModel,
  isSubject,
  MOST_RECORDS,
  MOST_UNZIPPED_BYTES,
} from '../../src/filter/index.ts';

const ACCOUNT = '444444444444';
const SUBJECT = `arn:aws:sts::${ACCOUNT}:assumed-role/IncidentResponder/sam`;
const STRANGER = `arn:aws:sts::${ACCOUNT}:assumed-role/Other/eve`;
const MODEL = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const SCOPE: FilterScope = {
  subjects: [`arn:aws:iam::${ACCOUNT}:role/team/IncidentResponder`],
  models: [MODEL],
  modalities: ['text'],
};

let made = 0;
const record = (arn: unknown, prompt: string, more: object = {}) => ({
  schemaType: 'ModelInvocationLog',
  timestamp: '2026-11-20T08:00:00Z',
  accountId: ACCOUNT,
  region: 'us-east-1',
  requestId: `r-${made++}`,
  operation: 'Converse',
  modelId: MODEL,
  identity: { arn },
  requestMetadata: { note: prompt },
  input: {
    inputContentType: 'application/json',
    inputTokenCount: 3,
    inputBodyJson: { messages: [{ role: 'user', content: [{ text: prompt }] }] },
  },
  output: { outputTokenCount: 5, outputBodyJson: { content: prompt } },
  ...more,
});
const batch = (...records: readonly unknown[]): Buffer =>
  Buffer.from(records.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n'));
const filtered = (result: FilteredBatch) => {
  if (result.outcome !== 'filtered') throw new Error(`dropped: ${result.because}`);
  return result;
};
const filter = (...records: readonly unknown[]) => filtered(filterBatch(batch(...records), SCOPE));

describe('of a batch', () => {
  test('the records of subjects are kept as they were written; of others nothing but counts and metadata comes out', () => {
    const mine = record(SUBJECT, 'MINE');
    const result = filter(mine, record(STRANGER, 'THEIRS'), record(STRANGER, 'THEIRS TOO'));
    expect(result.kept).toEqual([JSON.stringify(mine)]);
    expect(result.leftOut.others).toBe(2);
    expect(result.others).toEqual(new Map([[STRANGER, 2]]));
    expect(result.metadata).toHaveLength(3);
    expect(JSON.stringify({ ...result, others: [] })).not.toContain('THEIRS');
    expect(result.metadata[1]).toEqual({
      timestamp: '2026-11-20T08:00:00Z',
      accountId: ACCOUNT,
      region: 'us-east-1',
      requestId: expect.any(String),
      operation: 'Converse',
      modelId: MODEL,
      identityArn: STRANGER,
      inputTokenCount: 3,
      outputTokenCount: 5,
    });
  });

  test('gzipped and plain are read alike', () => {
    const records = batch(record(SUBJECT, 'A'), record(STRANGER, 'B'));
    expect(filterBatch(gzipSync(records), SCOPE)).toEqual(filterBatch(records, SCOPE));
  });

  test.each<readonly [string, unknown, string]>([
    ['another model', record(SUBJECT, 'x', { modelId: 'amazon.nova-pro-v1:0' }), 'other-model'],
    ['no model', record(SUBJECT, 'x', { modelId: undefined }), 'other-model'],
    ['no identity', record(undefined, 'x'), 'without-identity'],
    ['an identity that is no text', record({ arn: SUBJECT }, 'x'), 'without-identity'],
    ['identity as a list', record(SUBJECT, 'x', { identity: [SUBJECT] }), 'without-identity'],
    ['no JSON', '{"identity":{"arn":', 'unparsable'],
    ['JSON that is no record', '["a"]', 'unparsable'],
    ['null', 'null', 'unparsable'],
    [
      'an image, where text was asked for',
      record(SUBJECT, 'x', { input: { inputBodyJson: { messages: [{ content: [{ image: {} }] }] } } }),
      'other-modality',
    ],
    [
      'an image as Anthropic writes it',
      record(SUBJECT, 'x', { input: { inputBodyJson: { messages: [{ content: [{ type: 'image' }] }] } } }),
      'other-modality',
    ],
    [
      'a body that is an image',
      record(SUBJECT, 'x', { input: { inputContentType: 'image/png' } }),
      'other-modality',
    ],
    [
      'a body that is nested beyond recognition',
      record(SUBJECT, 'x', { input: { inputBodyJson: JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) } }),
      'other-modality',
    ],
  ])('%s is left out and counted', (_name, line, why) => {
    const result = filter(line);
    expect(result.kept).toEqual([]);
    expect(result.leftOut).toMatchObject({ [why]: 1 });
    expect(Object.values(result.leftOut).reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  test('a record that stands in it twice is kept once', () => {
    const mine = record(SUBJECT, 'MINE');
    const result = filter(mine, mine, record(SUBJECT, 'ANOTHER'));
    expect(result.kept).toHaveLength(2);
    expect(result.leftOut.duplicate).toBe(1);
  });

  test('large bodies go the way of their records; one that somebody else names too is nobody’s', () => {
    const at = (name: string) => `s3://bucket/raw/data/${name}`;
    const result = filter(
      record(SUBJECT, 'x', {
        input: { inputBodyS3Path: at('mine') },
        output: { outputBodyS3Path: at('both') },
      }),
      record(STRANGER, 'x', {
        input: { inputBodyS3Path: at('theirs') },
        output: { outputBodyS3Path: at('both') },
      }),
    );
    expect(result.keptBodies).toEqual([at('mine')]);
    expect(result.otherBodies).toEqual([at('theirs'), at('both')]);
  });

  test('what only looks like metadata is no metadata: nothing that could carry a sentence passes', () => {
    const hostile = record(STRANGER, 'x', {
      operation: 'my password is hunter2',
      errorCode: 'the prompt was: hunter2',
      requestId: 'hunter2 in a sentence',
      input: { inputTokenCount: 'hunter2' },
    });
    const result = filter(hostile, record('arn:aws:iam::1:user/a b hunter2', 'x'));
    expect(JSON.stringify(result.metadata)).not.toContain('hunter2');
    expect(result.metadata).toHaveLength(1);
  });

  test('names that every object has are no fields of a record', () => {
    const result = filter('{"__proto__":{"identity":{"arn":"x"}}}', '{"constructor":1,"toString":2}');
    expect(result.leftOut['without-identity']).toBe(2);
  });
});

describe('a batch is dropped as a whole', () => {
  test('when it is damaged', () => {
    expect(filterBatch(gzipSync('{}').subarray(0, 12), SCOPE)).toEqual({
      outcome: 'dropped',
      because: 'damaged',
    });
  });
  test('when it has too many records', () => {
    const line = JSON.stringify({ a: 1 });
    expect(filterBatch(batch(...Array<string>(MOST_RECORDS + 1).fill(line)), SCOPE)).toEqual({
      outcome: 'dropped',
      because: 'too-many-records',
    });
    expect(filterBatch(batch(...Array<string>(MOST_RECORDS).fill(line)), SCOPE).outcome).toBe('filtered');
  });
  test('when it unzips to more than the limit: a bomb is not unpacked', () => {
    const bomb = gzipSync(Buffer.alloc(MOST_UNZIPPED_BYTES + 1));
    expect(bomb.length).toBeLessThan(200_000);
    expect(filterBatch(bomb, SCOPE)).toEqual({ outcome: 'dropped', because: 'too-large' });
  });
});

describe('who is a subject', () => {
  test.each<readonly [string, string, boolean]>([
    [`arn:aws:iam::${ACCOUNT}:role/a/b/R`, `arn:aws:sts::${ACCOUNT}:assumed-role/R/any`, true],
    [`arn:aws:iam::${ACCOUNT}:role/R`, `arn:aws:sts::${ACCOUNT}:assumed-role/R/any`, true],
    [`arn:aws:iam::${ACCOUNT}:role/R`, `arn:aws:sts::${ACCOUNT}:assumed-role/r/any`, false],
    [`arn:aws:iam::${ACCOUNT}:role/R`, `arn:aws:sts::${ACCOUNT}:assumed-role/xR/any`, false],
    [`arn:aws:iam::${ACCOUNT}:role/R`, 'arn:aws:sts::555555555555:assumed-role/R/any', false],
    [`arn:aws:iam::${ACCOUNT}:role/R`, `arn:aws:sts::${ACCOUNT}:federated-user/R/any`, false],
    [`arn:aws:iam::${ACCOUNT}:user/U`, `arn:aws:iam::${ACCOUNT}:user/U`, true],
    [`arn:aws:iam::${ACCOUNT}:user/U`, `arn:aws:iam::${ACCOUNT}:user/U2`, false],
    [`arn:aws:sts::${ACCOUNT}:assumed-role/R/sam`, `arn:aws:sts::${ACCOUNT}:assumed-role/R/sam`, true],
    [`arn:aws:sts::${ACCOUNT}:assumed-role/R/sam`, `arn:aws:sts::${ACCOUNT}:assumed-role/R/eve`, false],
    [`arn:aws:iam::${ACCOUNT}:role/R`, `arn:aws:iam::${ACCOUNT}:root`, false],
  ])('%s is %s: %s', (subject, identity, expected) => {
    expect(isSubject([subject], identity)).toBe(expected);
  });
});

test.each<readonly [string, string, boolean]>([
  [MODEL, MODEL, true],
  [MODEL, `us.${MODEL}`, true],
  [MODEL, `arn:aws:bedrock:us-east-1::foundation-model/${MODEL}`, true],
  [MODEL, `arn:aws:bedrock:us-east-1:${ACCOUNT}:inference-profile/global.${MODEL}`, true],
  [MODEL, `arn:aws:bedrock:us-east-1:${ACCOUNT}:application-inference-profile/abc`, false],
  [MODEL, `${MODEL}0`, false],
  [`us.${MODEL}`, MODEL, true],
])('asked for %s, a record of %s is in scope: %s', (asked, found, expected) => {
  expect(isModel([asked], found)).toBe(expected);
});

test('ONLY_SUBJECTS: whatever stands in a batch, what is kept is a line of a subject', () => {
  const line = fc.oneof(
    fc
      .constantFrom(SUBJECT, STRANGER, undefined, 5, '')
      .chain((arn) => fc.string({ unit: 'binary' }).map((prompt) => JSON.stringify(record(arn, prompt)))),
    fc.json(),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const result = filterBatch(Buffer.from(lines.join('\n')), SCOPE);
      if (result.outcome === 'dropped') return;
      for (const kept of result.kept)
        expect((JSON.parse(kept) as { identity: { arn: string } }).identity.arn).toBe(SUBJECT);
      const counted =
        result.kept.length + Object.values(result.leftOut).reduce((sum, count) => sum + count, 0);
      const written = lines
        .join('\n')
        .split('\n')
        .filter((each) => each.trim() !== '');
      expect(counted).toBe(Buffer.from(written.join('\n')).toString() === '' ? 0 : written.length);
    }),
    { numRuns: 200 },
  );
});
