import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openObjections } from '../../src/review/index.ts';
import { Reviews, SIGNERS } from './reviews.ts';

const ROLES: Readonly<Record<string, readonly string[]>> = {
  anna: ['ai-governance'],
  lena: ['legal'],
  liam: ['legal'],
  priya: ['security'],
  carl: ['cloud-architecture'],
  max: ['legal', 'security', 'cloud-architecture', 'ai-governance'],
  rosa: [],
  gone: [],
};
const BODIES = ['cloud-architecture', 'security', 'legal', 'ai-governance'];
const person = fc.constantFrom(...Object.keys(ROLES));
const body = fc.constantFrom(...BODIES, 'auditor');

/** Rightful signatures are more likely than the rest, so that reviews get complete. */
const act = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .constantFrom(...SIGNERS)
      .map(([of, by]) => ({ kind: 'sign' as const, by: by as string, body: of as string })),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('sign' as const), by: person, body }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('object' as const), by: person, body }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      by: person,
      number: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('start' as const), by: person }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const) }) },
);

test('whatever people do, a complete review has one person for each body, and no open objection', async () => {
  let completed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 60 }), async (acts) => {
      const reviews = new Reviews();
      await reviews.start();
      for (const each of acts) {
        try {
          if (each.kind === 'sign') await reviews.sign(each.body, each.by);
          else if (each.kind === 'object') await reviews.object(each.body, each.by);
          else if (each.kind === 'answer') await reviews.answer(each.number, each.by);
          else if (each.kind === 'start') await reviews.start(each.by);
          else reviews.diesTelling = true;
        } catch (error) {
          expect(String(error)).toContain('the process died');
        }
      }
      reviews.diesTelling = false;
      await reviews.tell();
      const { reviews: all } = await reviews.history();
      expect(
        all.filter(({ completedAt, supersededAt }) => completedAt === undefined && supersededAt === undefined)
          .length,
      ).toBeLessThanOrEqual(1);
      for (const review of all) {
        const signers = review.signatures.map(({ principalId }) => principalId);
        expect(new Set(signers).size).toBe(signers.length);
        for (const signature of review.signatures)
          expect([signature, ROLES[signature.principalId]?.includes(signature.body)]).toEqual([
            signature,
            true,
          ]);
        if (review.completedAt === undefined) continue;
        completed += 1;
        expect(review.supersededAt).toBeUndefined();
        expect(review.signatures.map(({ body: of }) => of).toSorted()).toEqual(BODIES.toSorted());
        expect(openObjections(review)).toEqual([]);
      }
      // Every act that stands was told exactly once.
      const told = reviews.events.filter(({ type }) => type === 'review.signed').length;
      const stands = all.reduce(
        (sum, { signatures, withdrawn }) => sum + signatures.length + withdrawn.length,
        0,
      );
      expect(told).toBe(stands);
    }),
    { numRuns: 120 },
  );
  // The property would say nothing if no review ever got complete.
  expect(completed).toBeGreaterThan(5);
});
