export * from './app.ts';
export * from './caller.ts';
export * from './failures.ts';
export * from './openapi.ts';
export * from './operations.ts';
export * from './ports.ts';
export * from './rate-limit.ts';
export { findingsView, holdBody, problemSchema } from './schemas.ts';
export * from './views.ts';
