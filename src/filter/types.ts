import type { Modality } from '../policy/index.ts';

/** Whose records, of which models and kinds, an exception keeps. */
export interface FilterScope {
  /** ARNs of users, roles and assumed-role sessions. A role means all of its sessions. */
  readonly subjects: readonly string[];
  /** Model or inference profile ids or ARNs, as the request names them. */
  readonly models: readonly string[];
  readonly modalities: readonly Modality[];
}

/** Why a record was not kept. */
export type LeftOut =
  /** Somebody who is no subject. */
  | 'others'
  /** A subject, with a model that the request does not name. */
  | 'other-model'
  /** A subject, with a kind of content that the request does not name, or that is not recognized. */
  | 'other-modality'
  | 'without-identity'
  /** Not JSON, or not an object. */
  | 'unparsable'
  /** Once more in the same batch. */
  | 'duplicate';

/**
 * What a record says beside its content: an allow-list, so that a new field of AWS's is left out until somebody has looked at it.
 * `requestMetadata` is not in it: callers write it, and can write anything.
 */
export interface InvocationMetadata {
  readonly timestamp?: string;
  readonly accountId?: string;
  readonly region?: string;
  readonly inferenceRegion?: string;
  readonly requestId?: string;
  readonly operation?: string;
  readonly modelId?: string;
  readonly identityArn: string;
  readonly inputTokenCount?: number;
  readonly outputTokenCount?: number;
  readonly cacheReadInputTokenCount?: number;
  readonly cacheWriteInputTokenCount?: number;
  readonly errorCode?: string;
}

/** Everything that the filter says of one batch. */
export type FilteredBatch =
  | {
      readonly outcome: 'filtered';
      /** The lines of the records in scope, byte for byte as Bedrock wrote them. */
      readonly kept: readonly string[];
      /** Large bodies of the records in scope, as `s3://` addresses. */
      readonly keptBodies: readonly string[];
      /** Large bodies of all other records. */
      readonly otherBodies: readonly string[];
      readonly metadata: readonly InvocationMetadata[];
      readonly leftOut: Readonly<Record<LeftOut, number>>;
      /** How many records of each identity that is no subject, by its ARN. In memory alone: hashed before anything is written. */
      readonly others: ReadonlyMap<string, number>;
    }
  | {
      /** Nothing of it can be kept or counted by record: it is deleted, and that is told. */
      readonly outcome: 'dropped';
      readonly because: 'too-large' | 'too-many-records' | 'damaged';
    };
