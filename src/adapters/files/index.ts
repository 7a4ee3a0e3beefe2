export * from './attestation-files.ts';
export * from './snapshot-store.ts';
