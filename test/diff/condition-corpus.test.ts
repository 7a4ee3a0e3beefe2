import { describe, expect, test } from 'vitest';
import { compareOutcomes, factSetOf } from '../../src/diff/index.ts';
import { evaluateControl } from '../../src/rules/index.ts';
import { anyPairs, type CorpusEdit, conditionCorpus } from './corpus.ts';
import { type Judged, naiveDirection, naiveSteps } from './naive.ts';
import { controlOf, diffOf, withControls } from './policies.ts';

/** Rewrites of generated controls; the seed is fixed so that a failure can be looked at again. */
const CORPUS = conditionCorpus(20_261_121, 180);
const asControl = ({ when, require }: Judged) => ({
  id: 'CP-90',
  require,
  ...(when === undefined ? {} : { when }),
});

function decided(edit: CorpusEdit) {
  const compared = compareOutcomes(asControl(edit.old), asControl(edit.new));
  if (compared.kind !== 'decided') throw new Error(`not decided: ${JSON.stringify(edit)}`);
  return compared;
}

function directionGiven(edit: CorpusEdit): string {
  const { loosens, tightens } = decided(edit);
  return loosens && tightens ? 'both' : loosens ? 'loosening' : tightens ? 'tightening' : 'neutral';
}

describe('edits of conditions whose direction is known by construction', () => {
  test('there are at least 2,000 of them, of every direction', () => {
    expect(CORPUS.length).toBeGreaterThanOrEqual(2000);
    for (const direction of ['loosening', 'tightening', 'both', 'neutral'])
      expect(CORPUS.filter((edit) => edit.direction === direction).length, direction).toBeGreaterThan(100);
  });

  test('every loosening is found, and none is called tightening or neutral', () => {
    const missed = CORPUS.filter(({ direction }) => direction === 'loosening' || direction === 'both').filter(
      (edit) => !['loosening', 'both'].includes(directionGiven(edit)),
    );
    expect(missed).toEqual([]);
  });

  test('every equivalence is recognised as neutral', () => {
    const equivalences = CORPUS.filter(({ direction }) => direction === 'neutral');
    const recognised = equivalences.filter((edit) => directionGiven(edit) === 'neutral');
    expect(recognised.length / equivalences.length).toBeGreaterThanOrEqual(0.95);
    expect(recognised.length, 'the comparison is exact, so all of them').toBe(equivalences.length);
  });

  test('every direction is exactly the one the edit was made with', () => {
    const wrong = CORPUS.filter((edit) => directionGiven(edit) !== edit.direction).map((edit) => ({
      ...edit,
      given: directionGiven(edit),
    }));
    expect(wrong).toEqual([]);
  });

  test('a second, naive evaluator over the whole truth table agrees with every answer', () => {
    const disagreements = CORPUS.flatMap((edit) => {
      const naive = naiveDirection(naiveSteps(edit.old, edit.new));
      const given = directionGiven(edit);
      return naive === given ? [] : [{ name: edit.name, naive, given, old: edit.old, new: edit.new }];
    });
    expect(disagreements).toEqual([]);
  });

  test('every example replays, and no example of the same step has fewer facts', () => {
    for (const edit of CORPUS) {
      const { loosens, tightens } = decided(edit);
      const steps = naiveSteps(edit.old, edit.new);
      for (const example of [loosens, tightens]) {
        if (example === undefined) continue;
        const facts = factSetOf(example.facts);
        expect(evaluateControl(asControl(edit.old), facts).outcome).toBe(example.old);
        expect(evaluateControl(asControl(edit.new), facts).outcome).toBe(example.new);
        expect(example.facts.length, edit.name).toBe(steps.get(`${example.old} -> ${example.new}`));
      }
    }
  });

  test('so it does for controls that have nothing to do with each other, with facts that stand several times', () => {
    for (const pair of anyPairs(99, 1500)) {
      const edit = { name: '', subject: 'principal', direction: 'neutral', ...pair } as const;
      const steps = naiveSteps(pair.old, pair.new);
      expect(directionGiven(edit), JSON.stringify(pair)).toBe(naiveDirection(steps));
      const { loosens, tightens } = decided(edit);
      for (const example of [loosens, tightens])
        if (example !== undefined)
          expect(example.facts.length, JSON.stringify(pair)).toBe(
            steps.get(`${example.old} -> ${example.new}`),
          );
    }
  });

  test('swapping the sides swaps the directions', () => {
    const opposite: Readonly<Record<string, string>> = {
      loosening: 'tightening',
      tightening: 'loosening',
      both: 'both',
      neutral: 'neutral',
    };
    for (const edit of CORPUS)
      expect(directionGiven({ ...edit, old: edit.new, new: edit.old }), edit.name).toBe(
        opposite[directionGiven(edit)],
      );
  });

  test('a whole policy says the same of the control as the comparison of conditions', () => {
    for (const edit of CORPUS.filter((_, index) => index % 20 === 0)) {
      const of = ({ when, require }: Judged) =>
        withControls(controlOf(edit.subject, require, when === undefined ? {} : { when }));
      const [change, ...more] = diffOf(of(edit.old), of(edit.new)).changes;
      expect(more).toEqual([]);
      expect(change?.direction, edit.name).toBe(edit.direction);
    }
  });
});
