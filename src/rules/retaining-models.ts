import data from './retaining-models.json' with { type: 'json' };

/** A model whose traffic AWS keeps, or may keep, whatever the account asks for. */
export interface RetainingModel {
  readonly name: string;
  /** As they stand in a `foundation-model` ARN. */
  readonly ids: readonly string[];
  readonly keeps: 'all-traffic' | 'flagged-traffic';
  /** What happens to calls in an account whose retention mode is `none`. */
  readonly underNone: 'refused' | 'unknown';
  readonly says: string;
}

/** The models that AWS names, with the day and the pages of the list. A model that AWS adds later is not on it. */
export const RETAINING_MODELS = data as {
  readonly asOf: string;
  readonly source: string;
  readonly note: string;
  readonly models: readonly RetainingModel[];
};

/** Those that cannot be used without all of their traffic being kept: under retention mode `none` they stop working. */
export const FORCED_RETENTION: readonly RetainingModel[] = RETAINING_MODELS.models.filter(
  ({ keeps }) => keeps === 'all-traffic',
);
