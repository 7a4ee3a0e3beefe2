import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Condition,
  clausePaths,
  describeCondition,
  explainPolicy,
  type LoadedPolicy,
  type Policy,
} from '../../src/policy/index.ts';
import { shippedPolicy } from './shipped.ts';

const NONE: Condition = { fact: 'dataRetention.mode', op: 'equal', value: 'none' };
const TEXT_OFF: Condition = { fact: 'invocationLogging.textDataDelivery', op: 'equal', value: 'disabled' };
const BUCKET: Condition = { fact: 'invocationLogging.largeDataBucket', op: 'present', value: true };

describe('a condition in words', () => {
  it.each<readonly [string, Condition]>([
    ['the account data-retention mode is `none`', NONE],
    ['the account data-retention mode is not `none`', { not: NONE }],
    ['no bucket for large bodies is named', { not: BUCKET }],
    ['a bucket for large bodies is named', { not: { ...BUCKET, value: false } }],
    ['the account data-retention mode is there', { fact: 'dataRetention.mode', op: 'present', value: true }],
    [
      'the principal is not a storage administrator',
      { fact: 'principal.isStorageAdministrator', op: 'notEqual', value: true },
    ],
    [
      'the state of the account is none of `SUSPENDED`, `CLOSED`',
      { fact: 'account.state', op: 'notIn', value: ['SUSPENDED', 'CLOSED'] },
    ],
    [
      'the number of active access keys is at least 1',
      { not: { fact: 'principal.activeAccessKeys', op: 'lessThan', value: 1 } },
    ],
    [
      'the delivery of text is `disabled` and (the account data-retention mode is `none` or a bucket for large bodies is named)',
      { all: [TEXT_OFF, { any: [NONE, BUCKET] }] },
    ],
    [
      'it is not so that (the delivery of text is `disabled` and the account data-retention mode is `none`)',
      { not: { all: [TEXT_OFF, NONE] } },
    ],
  ])('%s', (words, condition) => {
    expect(describeCondition(condition)).toBe(words);
  });
});

it('clause paths are those of the leaves, in the policy’s order', () => {
  const condition: Condition = { any: [{ all: [TEXT_OFF, { not: BUCKET }] }, NONE] };
  expect(clausePaths(condition, 'require')).toEqual([
    'require.any[0].all[0]',
    'require.any[0].all[1].not',
    'require.any[1]',
  ]);
  expect(clausePaths(NONE, 'when')).toEqual(['when']);
});

describe('the explained policy', () => {
  const { policy, ...rest } = shippedPolicy();
  const explained = (changes: Partial<Policy>): string =>
    explainPolicy({ ...rest, policy: { ...policy, ...changes } } satisfies LoadedPolicy);
  const text = explained({});

  it('reads as it did when people last looked at it', () => {
    expect(text).toMatchSnapshot();
  });

  it('fits 80 columns', () => {
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('says every comparison of every control with its clause path', () => {
    for (const { when, require } of policy.controls)
      for (const path of [...(when ? clausePaths(when, 'when') : []), ...clausePaths(require, 'require')])
        expect(text).toContain(` ${path}\n`);
  });

  it('says a double negation, a stricter unit and a refused version of the bucket', () => {
    const other = explained({
      controls: policy.controls
        .slice(0, 1)
        .map((control) => ({ ...control, require: { not: { not: NONE } } })),
      storage: {
        ...policy.storage,
        overrides: [{ organizationalUnit: 'ou-ab12-cdefgh34', reason: 'a bank', enforcement: 'enforce' }],
      },
    });
    expect(other).toContain('- this does not hold:\n        - the account data-retention mode is not `none`');
    expect(other).toContain('- ou-ab12-cdefgh34: drift is undone (a bank)');
  });

  it('fits 80 columns whatever sentences a policy holds, as long as its words do', () => {
    const sentence = fc
      .array(fc.string({ unit: fc.constantFrom(...'abcdef'), minLength: 1, maxLength: 30 }), {
        minLength: 1,
        maxLength: 40,
      })
      .map((words) => words.join(' '));
    fc.assert(
      fc.property(sentence, (message) => {
        const lines = explained({
          metadata: { ...policy.metadata, title: message, summary: message },
          controls: policy.controls.map((control) => ({
            ...control,
            message,
            remedy: message,
            title: message,
          })),
        }).split('\n');
        expect(lines.filter((line) => line.length > 80)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});
