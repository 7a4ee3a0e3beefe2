export * from './snapshot-store.ts';
