export * from './brands.ts';
export * from './canonical-json.ts';
export * from './document.ts';
export * from './ports.ts';
export * from './result.ts';
export * from './time.ts';
