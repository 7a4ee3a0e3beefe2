import type { Observation } from '../evidence/index.ts';
import type { FactName, FactValue } from '../policy/index.ts';
import type { FactSet } from './types.ts';

/** A fact that is not in the set: nobody asked, so it may be anything. */
export const NOT_IN_SET: Observation<FactValue> = { kind: 'unobservable', reason: 'not-collected' };

/**
 * What was seen of one fact; never undefined. No name of a fact is one that every object inherits, and a fact set is a plain object or a
 * map without a prototype, so a plain look-up is enough; asking for an own member first
 * took a quarter of the evaluator's time.
 */
export const observationOf = (facts: FactSet, fact: FactName): Observation<FactValue> =>
  facts[fact] ?? NOT_IN_SET;
