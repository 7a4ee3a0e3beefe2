export * from './ports.ts';
export * from './scan.ts';
