export * from './deployment.ts';
export { LIVE_CHECKS } from './live-check-list.ts';
export * from './live-checks.ts';
export * from './state.ts';
export * from './types.ts';
