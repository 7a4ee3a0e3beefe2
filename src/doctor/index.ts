export * from './deployment.ts';
export * from './live-checks.ts';
export * from './state.ts';
export * from './types.ts';
