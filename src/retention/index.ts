export { bucketRetention, type ObjectsUnder } from './bucket.ts';
export {
  effectiveRetention,
  isWithinRetention,
  purgeObstacles,
  retentionWords,
  type StoreRetention,
} from './effective.ts';
export { LOG_DELETION_LAG, logGroupRetention } from './log-group.ts';
export { placeOfS3Uri, placesOfInvocationLogging } from './places.ts';
export type * from './types.ts';
