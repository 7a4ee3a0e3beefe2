import { describe, expect, test } from 'vitest';
import { conditionFiles, decideCase, decideCondition, requestFiles } from './corpus.ts';

const ALLOW = { yes: 'allowed', no: 'denied', unknown: 'conditionally-allowed' } as const;
const DENY = { yes: 'denied', no: 'allowed', unknown: 'conditionally-allowed' } as const;

test('D40: the corpus has at least 400 cases, each a sentence of its own in its file', () => {
  const files = [...conditionFiles(), ...requestFiles()];
  expect(files.reduce((sum, { cases }) => sum + cases.length, 0)).toBeGreaterThanOrEqual(400);
  for (const { file, cases } of files) {
    const names = cases.map(({ name }) => name);
    expect(new Set(names).size, file).toBe(names.length);
    for (const name of names) expect(name.split(' ').length, name).toBeGreaterThan(2);
  }
});

for (const { file, rule, cases } of conditionFiles())
  describe(`${file}: ${rule}`, () => {
    test.each(cases.map((each) => [each.name, each] as const))('%s', (_name, each) => {
      expect(decideCondition(each, 'Allow')).toBe(ALLOW[each.holds]);
      expect(decideCondition(each, 'Deny')).toBe(DENY[each.holds]);
    });
  });

for (const { file, rule, cases } of requestFiles())
  describe(`${file}: ${rule}`, () => {
    test.each(cases.map((each) => [each.name, each] as const))('%s', (_name, each) => {
      const decision = decideCase(each);
      expect(decision.kind).toBe(each.answer);
      if (each.by !== undefined)
        expect(decision.statements.map(({ policy, index }) => `${policy} ${index}`)).toEqual(each.by);
      if (each.because !== undefined) {
        const reason =
          decision.kind === 'denied'
            ? decision.because
            : decision.kind === 'cannot-decide'
              ? decision.detail
              : undefined;
        expect(reason).toContain(each.because);
      }
      if (each.onlyIf !== undefined)
        expect(decision.statements.flatMap(({ onlyIf }) => onlyIf)).toEqual(each.onlyIf);
    });
  });
