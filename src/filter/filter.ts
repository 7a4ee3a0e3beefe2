import { recordsOf } from './batch.ts';
import { isModel, isSubject, modalitiesOf } from './scope.ts';
import type { FilteredBatch, FilterScope, InvocationMetadata, LeftOut } from './types.ts';

/**
 * Decides what of one batch an exception keeps: the records of its subjects, with the models and kinds of content that the request names.
 * Of all others nothing but metadata and counts comes out, and whoever cannot be told is not a subject.
 *
 * INVARIANT (ONLY_SUBJECTS): no byte of a record that is out of scope, or not understood, is in `kept`.
 *
 * @param bytes - one object as Bedrock delivered it, gzipped or not; at most 100 MB unzipped and 10,000 records, else the batch is dropped
 */
export function filterBatch(bytes: Uint8Array, scope: FilterScope): FilteredBatch {
  const records = recordsOf(bytes);
  if ('dropped' in records) return { outcome: 'dropped', because: records.dropped };
  const kept: string[] = [];
  const keptBodies = new Set<string>();
  const otherBodies = new Set<string>();
  const metadata: InvocationMetadata[] = [];
  const others = new Map<string, number>();
  const seen = new Set<string>();
  const leftOut: Record<LeftOut, number> = {
    others: 0,
    'other-model': 0,
    'other-modality': 0,
    'without-identity': 0,
    unparsable: 0,
    duplicate: 0,
  };
  for (const line of records.lines) {
    const record = parsed(line);
    if (record === undefined) {
      leftOut.unparsable += 1;
      continue;
    }
    const bodies = bodiesOf(record);
    const identityArn = textIn(objectIn(record, 'identity'), 'arn');
    const requestId = textIn(record, 'requestId');
    if (requestId !== undefined && seen.has(requestId)) {
      leftOut.duplicate += 1;
      continue;
    }
    if (requestId !== undefined) seen.add(requestId);
    if (identityArn !== undefined && PLAIN.test(identityArn)) metadata.push(metadataOf(record, identityArn));
    const why = outOfScope(record, identityArn, scope);
    if (why === undefined) {
      kept.push(line);
      for (const body of bodies) keptBodies.add(body);
      continue;
    }
    leftOut[why] += 1;
    for (const body of bodies) otherBodies.add(body);
    if (why === 'others' && identityArn !== undefined)
      others.set(identityArn, (others.get(identityArn) ?? 0) + 1);
  }
  // An address that somebody else's record names too is nobody's to keep.
  for (const body of otherBodies) keptBodies.delete(body);
  return {
    outcome: 'filtered',
    kept,
    keptBodies: [...keptBodies],
    otherBodies: [...otherBodies],
    metadata,
    leftOut,
    others,
  };
}

type Json = Readonly<Record<string, unknown>>;

function parsed(line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** Own properties alone: a record may be named like what every object has. */
const valueIn = (record: Json | undefined, key: string): unknown =>
  record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;

function objectIn(record: Json | undefined, key: string): Json | undefined {
  const value = valueIn(record, key);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** Longest text that is taken from a record: an ARN's or a model id's 2,048 characters. */
const MOST_TEXT = 2048;
function textIn(record: Json | undefined, key: string): string | undefined {
  const value = valueIn(record, key);
  return typeof value === 'string' && value !== '' && value.length <= MOST_TEXT ? value : undefined;
}

function countIn(record: Json | undefined, key: string): number | undefined {
  const value = valueIn(record, key);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function outOfScope(
  record: Json,
  identityArn: string | undefined,
  { subjects, models, modalities }: FilterScope,
): LeftOut | undefined {
  if (identityArn === undefined) return 'without-identity';
  if (!isSubject(subjects, identityArn)) return 'others';
  const modelId = textIn(record, 'modelId');
  if (modelId === undefined || !isModel(models, modelId)) return 'other-model';
  const [input, output] = [objectIn(record, 'input'), objectIn(record, 'output')];
  for (const found of [
    modalitiesOf(valueIn(input, 'inputBodyJson'), textIn(input, 'inputContentType')),
    modalitiesOf(valueIn(output, 'outputBodyJson'), textIn(output, 'outputContentType')),
  ])
    if (found === undefined || [...found].some((modality) => !modalities.includes(modality)))
      return 'other-modality';
  return undefined;
}

/** Where bodies lie that are binary or over 100 KB. [field names known from readers, not documented] */
const bodiesOf = (record: Json): readonly string[] =>
  [
    textIn(objectIn(record, 'input'), 'inputBodyS3Path'),
    textIn(objectIn(record, 'output'), 'outputBodyS3Path'),
  ].filter((path) => path !== undefined);

/** Codes are words of AWS's; a text with anything else could carry content. */
const CODE = /^[A-Za-z0-9_.-]{1,100}$/;
/** What AWS sets, in the letters that it sets it in. */
const PLAIN = /^[\w.:/@+=,-]{1,2048}$/;

function metadataOf(record: Json, identityArn: string): InvocationMetadata {
  const [input, output] = [objectIn(record, 'input'), objectIn(record, 'output')];
  const plain = (key: string): string | undefined => {
    const value = textIn(record, key);
    return value !== undefined && PLAIN.test(value) ? value : undefined;
  };
  const errorCode = textIn(record, 'errorCode');
  const all = {
    timestamp: plain('timestamp'),
    accountId: plain('accountId'),
    region: plain('region'),
    inferenceRegion: plain('inferenceRegion'),
    requestId: plain('requestId'),
    operation: plain('operation'),
    modelId: plain('modelId'),
    identityArn,
    inputTokenCount: countIn(input, 'inputTokenCount'),
    outputTokenCount: countIn(output, 'outputTokenCount'),
    cacheReadInputTokenCount: countIn(input, 'cacheReadInputTokenCount'),
    cacheWriteInputTokenCount: countIn(input, 'cacheWriteInputTokenCount'),
    errorCode: errorCode !== undefined && CODE.test(errorCode) ? errorCode : undefined,
  };
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as unknown as InvocationMetadata;
}
