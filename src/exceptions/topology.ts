import type { Destination, ExceptionRequest } from './types.ts';

/*
 * How an exception is kept to its subjects. `dedicated`: nobody else can invoke a model there. `filter-and-purge`: others can; Bedrock
 * delivers everybody's records to a raw prefix, from which the drain takes those of the subjects to a vault prefix and deletes all.
 */

export const isFiltered = ({ topology }: Pick<ExceptionRequest, 'topology'>): boolean =>
  topology === 'filter-and-purge';

/** The parts of a `filter-and-purge` exception's own prefix. Everything below the prefix is purged at the end, these included. */
export interface FilterPlaces {
  readonly bucketName: string;
  /** Where Bedrock delivers: content of everybody, until the drain has been there. */
  readonly raw: string;
  /** What is kept of the subjects; readers read here alone. */
  readonly vault: string;
  /** The key under which others are counted. */
  readonly key: string;
}

/** @returns undefined for a log group, which cannot be filtered */
export const filterPlaces = (destination: Destination): FilterPlaces | undefined =>
  destination.kind === 's3'
    ? {
        bucketName: destination.bucketName,
        raw: `${destination.keyPrefix}raw/`,
        vault: `${destination.keyPrefix}vault/`,
        key: `${destination.keyPrefix}drain/key`,
      }
    : undefined;

/** Below what Bedrock delivers. */
export const deliveryPrefix = (
  request: Pick<ExceptionRequest, 'topology'>,
  destination: Extract<Destination, { kind: 's3' }>,
): string => (isFiltered(request) ? `${destination.keyPrefix}raw/` : destination.keyPrefix);

/** What the drain of a `filter-and-purge` exception did so far. Records are counted once; nobody is named. */
export interface FilterCounts {
  readonly batches: number;
  /** Records of subjects in scope, and their large bodies, moved to the vault. */
  readonly kept: number;
  readonly keptBodies: number;
  /** Records of others, and how many different identities they were. */
  readonly others: number;
  readonly otherIdentities: number;
  /** Records of subjects with a model or a kind of content that was not asked for. */
  readonly otherModel: number;
  readonly otherModality: number;
  readonly withoutIdentity: number;
  readonly unparsable: number;
  readonly duplicates: number;
  /** Whole batches: damaged, over 100 MB unzipped, over 10,000 records. What was in them nobody knows. */
  readonly droppedBatches: number;
  /** Large bodies of others, or that no record named in time. */
  readonly deletedBodies: number;
}

export const NO_COUNTS: FilterCounts = {
  batches: 0,
  kept: 0,
  keptBodies: 0,
  others: 0,
  otherIdentities: 0,
  otherModel: 0,
  otherModality: 0,
  withoutIdentity: 0,
  unparsable: 0,
  duplicates: 0,
  droppedBatches: 0,
  deletedBodies: 0,
};

/** `3 records kept of 10 (5 of 2 others, ...)`, in one sentence. */
export function countsText(counts: FilterCounts): string {
  const left = [
    [counts.otherModel, 'with another model'],
    [counts.otherModality, 'with another kind of content'],
    [counts.withoutIdentity, 'without an identity'],
    [counts.unparsable, 'that could not be read'],
    [counts.duplicates, 'delivered twice'],
  ] as const;
  return [
    `${many(counts.batches, 'batch', 'batches')} filtered: ${many(counts.kept, 'record', 'records')} of subjects kept, ${many(counts.others, 'record', 'records')} of ${many(counts.otherIdentities, 'other', 'others')} counted and deleted`,
    ...left.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])),
    ...(counts.keptBodies + counts.deletedBodies === 0
      ? []
      : [`large bodies: ${counts.keptBodies} kept, ${counts.deletedBodies} deleted`]),
    ...(counts.droppedBatches === 0
      ? []
      : [`${many(counts.droppedBatches, 'batch', 'batches')} dropped unread`]),
  ].join('; ');
}

const many = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`;

/** What stays true of everybody else's content, in words for whoever decides. */
export const FILTER_LIMITS: readonly string[] = [
  'Raw records of everyone who invokes a model there, with prompts and responses, lie in the raw prefix until they are filtered: minutes as a rule, a quarter of an hour and more where the filter fails. Only the drain role may read them.',
  'The filter keeps the records of the subjects, with the models and kinds of content named here; all others are deleted unread by anybody, and counted. Whoever uses a subject’s role is taken for the subject.',
  'What the filter cannot read, or is too large for it, is deleted and counted: records of subjects can be lost with it.',
];
