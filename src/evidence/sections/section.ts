import type { z } from 'zod';

/** Where a section is asked: once per account and Region, once per account, or once per organization. */
export type SectionLevel = 'account-region' | 'account' | 'organization';

/**
 * One piece of evidence beside the two settings and IAM: what AWS answers, how it looks in a file, and which permissions it takes.
 * docs/snapshot.md ("Sections") says how to add one.
 */
export interface Section<T> {
  readonly level: SectionLevel;
  /** The value in memory and in a file, in both directions: codecs and strict objects only, no `transform`. */
  readonly value: z.ZodType<T>;
  /** Every IAM action that reading it takes, and why; docs/permissions.md and the role `ProvisoCollect` are made from it. */
  readonly actions: Readonly<Record<string, string>>;
  /** The organization's own services answer it: asked with the caller's credentials, not in the account. Implied for `organization`. */
  readonly isAskedAtHome?: true;
  /** What it is, in one line, for docs/snapshot.md. */
  readonly meaning: string;
  /** Why nobody reads it unless asked to: it costs money, or its call reads content. Absent: it is always read. */
  readonly optIn?: string;
}

export const section = <T>(definition: Section<T>): Section<T> => definition;
