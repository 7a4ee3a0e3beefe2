import type { Trail, TrailFieldSelector } from '../evidence/index.ts';
import { allOf, anyOf, notOf } from './truth.ts';
import type { Truth } from './types.ts';

/** Which events a trail records, by what they do. */
export interface EventCoverage {
  readonly reads: Truth;
  readonly writes: Truth;
}

const NOTHING: EventCoverage = { reads: 'false', writes: 'false' };
const BEDROCK = 'bedrock.amazonaws.com';

/**
 * Which management events of Bedrock a trail that can see the Region records there. InvokeModel and Converse are management events, and
 * `readOnly` is false for them; listing and reading settings are the reads.
 *
 * @param eventSource - the service that is called; default: Bedrock
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
 */
export function managementCoverage(
  trail: Trail,
  region: string,
  eventSource: string = BEDROCK,
): EventCoverage {
  const isThere = trail.isMultiRegion || trail.homeRegion === region;
  if (!isThere || trail.isLogging === false) return NOTHING;
  const { selectors } = trail;
  if (selectors === null || (selectors.basic === undefined && selectors.advanced === undefined))
    return { reads: 'unknown', writes: 'unknown' };
  const records: EventCoverage[] = [
    ...(selectors.basic ?? []).map(({ includeManagementEvents, readWriteType, excludedSources }) => {
      if (!includeManagementEvents || excludedSources.includes(eventSource)) return NOTHING;
      return {
        reads: truthOf(readWriteType === 'All' || readWriteType === 'ReadOnly'),
        writes: truthOf(readWriteType === 'All' || readWriteType === 'WriteOnly'),
      };
    }),
    ...(selectors.advanced ?? []).map((fields) => advancedManagement(fields, eventSource)),
  ];
  const isLogging: Truth = trail.isLogging === null ? 'unknown' : 'true';
  return {
    reads: allOf([isLogging, anyOf(records.map(({ reads }) => reads))]),
    writes: allOf([isLogging, anyOf(records.map(({ writes }) => writes))]),
  };
}

/** Data events of one type of resource: of all of them, or of the one with this ARN. */
export interface DataEvents {
  /** `AWS::S3::Object`, as CloudTrail spells it. */
  readonly resourceType: string;
  /** Absent: every resource of the type. */
  readonly resourceArn?: string;
}

/**
 * Which data events of a type of resource a trail that can see the Region records. Classic selectors know S3, Lambda and DynamoDB alone; of
 * S3 they name a prefix of the object's ARN, `arn:aws:s3` for every bucket.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html
 */
export function dataEventCoverage(trail: Trail, region: string, wanted: DataEvents): EventCoverage {
  const isThere = trail.isMultiRegion || trail.homeRegion === region;
  if (!isThere || trail.isLogging === false) return NOTHING;
  const { selectors } = trail;
  if (selectors === null) return { reads: 'unknown', writes: 'unknown' };
  const records: EventCoverage[] = [
    ...(selectors.basic ?? []).map(({ readWriteType, dataResources }) => {
      const named = anyOf(dataResources.map((resource) => namesObject(resource, wanted)));
      return {
        reads: allOf([named, truthOf(readWriteType === 'All' || readWriteType === 'ReadOnly')]),
        writes: allOf([named, truthOf(readWriteType === 'All' || readWriteType === 'WriteOnly')]),
      };
    }),
    ...(selectors.advanced ?? []).map((fields) => advancedData(fields, wanted)),
  ];
  const isLogging: Truth = trail.isLogging === null ? 'unknown' : 'true';
  return {
    reads: allOf([isLogging, anyOf(records.map(({ reads }) => reads))]),
    writes: allOf([isLogging, anyOf(records.map(({ writes }) => writes))]),
  };
}

/** Whether a trail records all data events of a type of resource, reads and writes. */
export function recordsDataEvents(trail: Trail, region: string, resourceType: string): Truth {
  const { reads, writes } = dataEventCoverage(trail, region, { resourceType });
  return allOf([reads, writes]);
}

const OBJECT_OF_BUCKET = /^(arn:[^:]+:s3:::[^/]+\/)/;

function namesObject(
  { type, values }: { readonly type: string; readonly values: readonly string[] },
  { resourceType, resourceArn }: DataEvents,
): Truth {
  if (type !== resourceType) return 'false';
  return anyOf(
    values.map((value): Truth => {
      if (/^arn:[^:]+:s3(:::)?$/.test(value)) return 'true';
      if (resourceArn === undefined || !resourceArn.startsWith(value)) return 'false';
      // A bucket without its slash is no form that AWS documents.
      return OBJECT_OF_BUCKET.test(value) ? 'true' : 'unknown';
    }),
  );
}

function advancedData(
  fields: readonly TrailFieldSelector[],
  { resourceType, resourceArn }: DataEvents,
): EventCoverage {
  // AWS asks for both; a selector without one of them says nothing that is known.
  const both: Truth[] = ['eventCategory', 'resources.type'].map((name) =>
    fields.some(({ field }) => field === name) ? 'true' : 'unknown',
  );
  let [reads, writes]: [Truth, Truth] = ['true', 'true'];
  for (const field of fields)
    switch (field.field) {
      case 'eventCategory':
        both.push(matchField(field, 'Data'));
        break;
      case 'resources.type':
        both.push(matchField(field, resourceType));
        break;
      case 'readOnly':
        reads = allOf([reads, matchField(field, 'true')]);
        writes = allOf([writes, matchField(field, 'false')]);
        break;
      case 'resources.ARN':
        // How the name of an object ends is not known before it is written.
        both.push(
          resourceArn === undefined || field.endsWith || field.notEndsWith
            ? 'unknown'
            : matchField(field, resourceArn),
        );
        break;
      default:
        // Anything else leaves some of the events out.
        both.push('unknown');
    }
  return { reads: allOf([...both, reads]), writes: allOf([...both, writes]) };
}

function advancedManagement(fields: readonly TrailFieldSelector[], eventSource: string): EventCoverage {
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
        both = allOf([both, matchField(field, eventSource)]);
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
