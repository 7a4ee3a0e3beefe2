export * from './cover.ts';
export * from './errors.ts';
export * from './parse.ts';
export * from './read-all.ts';
export * from './subjects.ts';
export * from './types.ts';
