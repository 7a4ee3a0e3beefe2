export * from './collect.ts';
export * from './errors.ts';
export * from './ports.ts';
export * from './snapshot-files.ts';
export * from './types.ts';
