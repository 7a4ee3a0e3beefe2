export * from './documents.ts';
export * from './plan.ts';
export * from './prove.ts';
