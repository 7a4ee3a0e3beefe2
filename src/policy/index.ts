export * from './conditions.ts';
export * from './facts.ts';
export * from './schema.ts';
