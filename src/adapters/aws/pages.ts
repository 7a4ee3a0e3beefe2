import { MalformedAnswer } from './observe.ts';

export interface Page<T> {
  readonly items: readonly T[] | null | undefined;
  /** Undefined, null or empty on the last page. */
  readonly next: string | null | undefined;
}

/**
 * Reads every page. Only a missing token ends the list: Organizations may give an empty page with a token, so an empty page says
 * nothing about the next.
 * @throws MalformedAnswer when a token comes twice, which would go on for ever
 */
export async function allPages<T>(
  fetch: (token: string | undefined) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  const seen = new Set<string>();
  let token: string | undefined;
  for (;;) {
    const page = await fetch(token);
    items.push(...(page.items ?? []));
    if (page.next === undefined || page.next === null || page.next === '') return items;
    if (seen.has(page.next)) throw new MalformedAnswer('the same page token came twice');
    seen.add(page.next);
    token = page.next;
  }
}

/** IAM's way of paging. @throws MalformedAnswer when more is announced without saying where it begins */
export function iamNext(page: {
  readonly IsTruncated?: boolean | undefined;
  readonly Marker?: string | undefined;
}): string | undefined {
  if (page.IsTruncated !== true) return undefined;
  if (page.Marker === undefined || page.Marker === '')
    throw new MalformedAnswer('IsTruncated without a Marker');
  return page.Marker;
}

/** The input of most list operations: a token, or nothing for the first page. */
export const nextToken = (token: string | undefined): { readonly nextToken?: string } =>
  token === undefined ? {} : { nextToken: token };
