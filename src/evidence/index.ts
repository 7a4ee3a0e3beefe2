export * from './account-part.ts';
export * from './collect.ts';
export * from './errors.ts';
export * from './freshness.ts';
export * from './known-settings.ts';
export * from './ports.ts';
export * from './snapshot-files.ts';
export { dataRetentionSchema, describeIssue, loggingConfigurationSchema } from './snapshot-schema.ts';
export * from './types.ts';
