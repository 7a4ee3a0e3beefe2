export * from './deployment.ts';
export * from './state.ts';
export * from './types.ts';
