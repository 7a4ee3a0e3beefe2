export * from './evidence-sources.ts';
