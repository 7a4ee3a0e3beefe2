export { MOST_RECORDS, MOST_UNZIPPED_BYTES } from './batch.ts';
export { filterBatch } from './filter.ts';
export { keyedHash } from './keyed-hash.ts';
export { isModel, isSubject } from './scope.ts';
export type * from './types.ts';
