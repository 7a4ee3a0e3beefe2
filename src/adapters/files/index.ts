export * from './attestation-files.ts';
export * from './signing-key.ts';
export * from './snapshot-store.ts';
