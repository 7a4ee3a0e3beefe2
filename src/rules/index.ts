export * from './errors.ts';
export { type Decidable, evaluateControl, evaluateControls } from './evaluate.ts';
export * from './types.ts';
export { decidingClause, decidingLeaves } from './verdict.ts';
