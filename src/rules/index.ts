export * from './check.ts';
export * from './coverage.ts';
export { deriveFacts, type SubjectFacts } from './derive.ts';
export * from './errors.ts';
export { type Decidable, evaluateControl, evaluateControls } from './evaluate.ts';
export {
  type CanHold,
  type InventoryRow,
  inventoryOf,
  SURFACE_NAMES,
  type SurfaceName,
} from './inventory.ts';
export * from './mutants.ts';
export * from './mutate.ts';
export { findFacts, MAX_COMBINATIONS, regionsOf, type Search } from './regions.ts';
export * from './report-json.ts';
export * from './report-read.ts';
export { FORCED_RETENTION, RETAINING_MODELS } from './retaining-models.ts';
export * from './run-cases.ts';
export * from './suggest.ts';
export * from './types.ts';
export { decidingClause, decidingLeaves } from './verdict.ts';
