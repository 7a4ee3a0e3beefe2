export * from './evidence-sources.ts';
export * from './sdk-settings.ts';
