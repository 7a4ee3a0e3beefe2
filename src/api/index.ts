export * from './app.ts';
export * from './caller.ts';
export * from './failures.ts';
export { beginCall } from './idempotency.ts';
export * from './openapi.ts';
export * from './operation.ts';
export * from './operations.ts';
export type {
  AdoptedSettingView,
  ForeignSettings,
  PlannedChanges,
  PreviewView,
  Standings,
} from './overviews.ts';
export * from './ports.ts';
export * from './rate-limit.ts';
export { findingsView, holdBody, problemSchema } from './schemas.ts';
export * from './views.ts';
