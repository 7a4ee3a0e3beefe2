export { CARRIERS_OUTSIDE, INDISPENSABLE_ROLES } from './check.ts';
export * from './conditions.ts';
export * from './errors.ts';
export * from './facts.ts';
export * from './parse.ts';
export { inTextOrder, problemsOf } from './problems.ts';
export * from './resolve.ts';
export * from './schema.ts';
