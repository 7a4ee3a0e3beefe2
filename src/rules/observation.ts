import type { Observation } from '../evidence/index.ts';
import type { FactName, FactValue } from '../policy/index.ts';
import type { FactSet } from './types.ts';

/** A fact that is not in the set: nobody asked, so it may be anything. */
const NOT_IN_SET: Observation<FactValue> = { kind: 'unobservable', reason: 'not-collected' };

/** What was seen of one fact; never undefined. */
export const observationOf = (facts: FactSet, fact: FactName): Observation<FactValue> =>
  Object.hasOwn(facts, fact) ? (facts[fact] ?? NOT_IN_SET) : NOT_IN_SET;
