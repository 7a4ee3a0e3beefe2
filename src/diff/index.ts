export * from './compare.ts';
export { compareOutcomes, directionOf, type OutcomeComparison } from './compare-outcomes.ts';
export { NODE_BUDGET } from './decision-diagram.ts';
export * from './impact.ts';
export * from './locate.ts';
export { factSetOf } from './regions.ts';
export * from './replay.ts';
export { judgeExample } from './request-example.ts';
export * from './types.ts';
