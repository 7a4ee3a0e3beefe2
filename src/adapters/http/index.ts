export * from './api-client.ts';
export * from './authorize.ts';
