export * from './config-event.ts';
export * from './coverage.ts';
export * from './evaluation.ts';
export * from './generate.ts';
export * from './resources.ts';
export * from './settings.ts';
