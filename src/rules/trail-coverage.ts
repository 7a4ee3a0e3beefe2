import type { Trail, TrailFieldSelector } from '../evidence/index.ts';
import { allOf, anyOf, notOf } from './truth.ts';
import type { Truth } from './types.ts';

/** Which management events of Bedrock's own API a trail records. */
export interface ManagementCoverage {
  readonly reads: Truth;
  readonly writes: Truth;
}

const NOTHING: ManagementCoverage = { reads: 'false', writes: 'false' };
const BEDROCK = 'bedrock.amazonaws.com';

/**
 * Which management events of Bedrock a trail that can see the Region records there. InvokeModel and Converse are management events, and
 * `readOnly` is false for them; listing and reading settings are the reads.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
 */
export function managementCoverage(trail: Trail, region: string): ManagementCoverage {
  const isThere = trail.isMultiRegion || trail.homeRegion === region;
  if (!isThere || trail.isLogging === false) return NOTHING;
  const { selectors } = trail;
  if (selectors === null || (selectors.basic === undefined && selectors.advanced === undefined))
    return { reads: 'unknown', writes: 'unknown' };
  const records: ManagementCoverage[] = [
    ...(selectors.basic ?? []).map(({ includeManagementEvents, readWriteType, excludedSources }) => {
      if (!includeManagementEvents || excludedSources.includes(BEDROCK)) return NOTHING;
      return {
        reads: truthOf(readWriteType === 'All' || readWriteType === 'ReadOnly'),
        writes: truthOf(readWriteType === 'All' || readWriteType === 'WriteOnly'),
      };
    }),
    ...(selectors.advanced ?? []).map(advancedManagement),
  ];
  const isLogging: Truth = trail.isLogging === null ? 'unknown' : 'true';
  return {
    reads: allOf([isLogging, anyOf(records.map(({ reads }) => reads))]),
    writes: allOf([isLogging, anyOf(records.map(({ writes }) => writes))]),
  };
}

/** Whether a trail records the data events of one type of resource, all of them. Classic selectors know S3, Lambda and DynamoDB alone. */
export function recordsDataEvents(trail: Trail, region: string, resourceType: string): Truth {
  const isThere = trail.isMultiRegion || trail.homeRegion === region;
  if (!isThere || trail.isLogging === false) return 'false';
  if (trail.selectors === null) return 'unknown';
  const records = (trail.selectors.advanced ?? []).map((fields) =>
    allOf([
      // AWS asks for both; a selector without one of them says nothing that is known.
      ...['eventCategory', 'resources.type'].map(
        (name): Truth => (fields.some(({ field }) => field === name) ? 'true' : 'unknown'),
      ),
      ...fields.map((field) => {
        if (field.field === 'eventCategory') return matchField(field, 'Data');
        if (field.field === 'resources.type') return matchField(field, resourceType);
        // Anything else leaves some of the events out.
        return 'unknown';
      }),
    ]),
  );
  return allOf([trail.isLogging === null ? 'unknown' : 'true', anyOf(records)]);
}

function advancedManagement(fields: readonly TrailFieldSelector[]): ManagementCoverage {
  let both: Truth = 'true';
  let [reads, writes]: [Truth, Truth] = ['true', 'true'];
  let isManagement = false;
  for (const field of fields)
    switch (field.field) {
      case 'eventCategory':
        isManagement = true;
        both = allOf([both, matchField(field, 'Management')]);
        break;
      case 'readOnly':
        reads = allOf([reads, matchField(field, 'true')]);
        writes = allOf([writes, matchField(field, 'false')]);
        break;
      case 'eventSource':
        both = allOf([both, matchField(field, BEDROCK)]);
        break;
      default:
        both = allOf([both, 'unknown']);
    }
  if (!isManagement) return NOTHING;
  return { reads: allOf([both, reads]), writes: allOf([both, writes]) };
}

/** All operators of one field must hold; of one operator's values, any (for the negated ones: none). */
function matchField(field: TrailFieldSelector, value: string): Truth {
  const any = (values: readonly string[], matches: (each: string) => boolean): Truth =>
    truthOf(values.some(matches));
  const parts: Truth[] = [];
  const { equals, startsWith, endsWith, notEquals, notStartsWith, notEndsWith } = field;
  if (equals) parts.push(any(equals, (each) => each === value));
  if (startsWith) parts.push(any(startsWith, (each) => value.startsWith(each)));
  if (endsWith) parts.push(any(endsWith, (each) => value.endsWith(each)));
  if (notEquals) parts.push(notOf(any(notEquals, (each) => each === value)));
  if (notStartsWith) parts.push(notOf(any(notStartsWith, (each) => value.startsWith(each))));
  if (notEndsWith) parts.push(notOf(any(notEndsWith, (each) => value.endsWith(each))));
  return parts.length === 0 ? 'unknown' : allOf(parts);
}

const truthOf = (is: boolean): Truth => (is ? 'true' : 'false');
