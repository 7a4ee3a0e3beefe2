export * from './check.ts';
export { deriveFacts, type SubjectFacts } from './derive.ts';
export * from './errors.ts';
export { type Decidable, evaluateControl, evaluateControls } from './evaluate.ts';
export * from './run-cases.ts';
export * from './types.ts';
export { decidingClause, decidingLeaves } from './verdict.ts';
