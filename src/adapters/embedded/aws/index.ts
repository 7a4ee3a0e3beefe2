export * from './bedrock.ts';
export * from './database.ts';
export * from './event-rules.ts';
export * from './evidence.ts';
export * from './faults.ts';
export * from './schedules.ts';
export * from './settings.ts';
export * from './storage.ts';
