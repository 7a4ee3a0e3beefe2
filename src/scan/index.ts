export * from './archive.ts';
export * from './ports.ts';
export * from './scan.ts';
