import type { RequestContext } from './context.ts';

/** One character of a pattern: its code unit, or a wildcard. Text that comes out of a variable never holds wildcards. */
const ANY_RUN = -1;
const ANY_ONE = -2;
/** A pattern ready to be matched. */
export type Glob = readonly number[];

type Part =
  | { readonly kind: 'glob'; readonly glob: Glob }
  | { readonly kind: 'variable'; readonly key: string; readonly fallback: string | undefined };

/**
 * A text of a policy with its wildcards and, in the version of the language that has them, its variables:
 * `arn:aws:s3:::home/${aws:username}/*`, `${aws:PrincipalTag/team, 'none'}`, and `${*}`, `${?}`, `${$}` for the characters themselves.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export interface Template {
  readonly text: string;
  /** Without variables the pattern is always the same. */
  readonly fixed: Glob | undefined;
  readonly parts: readonly Part[];
  /** `${` that is never closed, or that holds something else than a key: what AWS makes of it is not documented. */
  readonly isOdd: boolean;
}

/** What a template comes to in one request. `absent`: a variable without a value; `unknown`: with a value that is not known. */
export type Resolved = Glob | 'absent' | 'unknown';

const VARIABLE = /\$\{([^{}]*)\}/g;
/** A key, and perhaps a default in quotes. Nothing in it can be matched in two ways, so it takes linear time. */
const VARIABLE_BODY = /^([A-Za-z0-9][^,'"*?]*)(?:,\s*(?:'([^']*)'|"([^"]*)"))?$/;

/**
 * @param version - only `2012-10-17` has variables; before, `${aws:username}` is its own text
 * @param hasWildcards - whether `*` and `?` stand for others here; `StringEquals` takes them as they are
 */
export function parseTemplate(text: string, version: string, hasWildcards: boolean): Template {
  if (version !== '2012-10-17' || !text.includes('${')) {
    const glob = globOf(text, hasWildcards);
    return { text, fixed: glob, parts: [{ kind: 'glob', glob }], isOdd: false };
  }
  const parts: Part[] = [];
  let isOdd = false;
  let from = 0;
  for (const match of text.matchAll(VARIABLE)) {
    parts.push({ kind: 'glob', glob: globOf(text.slice(from, match.index), hasWildcards) });
    const part = partOf(match[1] ?? '');
    if (part === undefined) isOdd = true;
    else parts.push(part);
    from = match.index + match[0].length;
  }
  const rest = text.slice(from);
  if (rest.includes('${')) isOdd = true;
  parts.push({ kind: 'glob', glob: globOf(rest, hasWildcards) });
  const globs = parts.flatMap((part) => (part.kind === 'glob' ? [part.glob] : []));
  return { text, fixed: !isOdd && globs.length === parts.length ? globs.flat() : undefined, parts, isOdd };
}

function partOf(body: string): Part | undefined {
  if (body === '*' || body === '?' || body === '$') return { kind: 'glob', glob: globOf(body, false) };
  const match = VARIABLE_BODY.exec(body.trim());
  if (match === null) return undefined;
  const [, key = '', single, double] = match;
  return { kind: 'variable', key: key.trim(), fallback: single ?? double };
}

export function globOf(text: string, hasWildcards = true): Glob {
  const glob: number[] = [];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    glob.push(hasWildcards && code === 42 ? ANY_RUN : hasWildcards && code === 63 ? ANY_ONE : code);
  }
  return glob;
}

export function resolveTemplate(template: Template, context: RequestContext): Resolved {
  if (template.fixed !== undefined) return template.fixed;
  if (template.isOdd) return 'unknown';
  const glob: number[] = [];
  let isUnknown = false;
  for (const part of template.parts) {
    if (part.kind === 'glob') {
      for (const code of part.glob) glob.push(code);
      continue;
    }
    const value = context.lookup(part.key);
    if (value.kind === 'known' && value.values.length === 1)
      for (const code of globOf(value.values[0] ?? '', false)) glob.push(code);
    else if (value.kind === 'absent' || (value.kind === 'known' && value.values.length === 0)) {
      if (part.fallback === undefined) return 'absent';
      for (const code of globOf(part.fallback, false)) glob.push(code);
    } else isUnknown = true;
  }
  return isUnknown ? 'unknown' : glob;
}

/**
 * Whether the pattern matches `text` as a whole. Only the last `*` is ever tried again, so it takes at most |pattern| x |text| steps
 * whatever the pattern: patterns come from documents that anyone in an account may have written.
 */
export function globMatchesText(glob: Glob, text: string): boolean {
  return matches(glob, text.length, (index) => text.charCodeAt(index));
}

/** Whether everything that `narrow` matches is matched by `wide` too. Sound, not complete: `false` means "not shown". */
export const globCovers = (wide: Glob, narrow: Glob): boolean =>
  matches(wide, narrow.length, (index) => narrow[index] ?? 0);

/** Whether the pattern matches something that begins with `prefix`; at most |pattern| x |prefix| steps. */
export function globReaches(glob: Glob, prefix: string): boolean {
  const skipRuns = (from: Iterable<number>): Set<number> => {
    const states = new Set(from);
    for (const state of states) if (glob[state] === ANY_RUN) states.add(state + 1);
    return states;
  };
  let states = skipRuns([0]);
  for (let index = 0; index < prefix.length && states.size > 0; index++) {
    const next: number[] = [];
    for (const state of states) {
      const code = glob[state];
      if (code === ANY_RUN) next.push(state);
      else if (code === ANY_ONE || code === prefix.charCodeAt(index)) next.push(state + 1);
    }
    states = skipRuns(next);
  }
  return states.size > 0;
}

function matches(glob: Glob, length: number, codeAt: (index: number) => number): boolean {
  let inGlob = 0;
  let inText = 0;
  let afterRun = -1;
  let runCovers = 0;
  while (inText < length) {
    const expected = glob[inGlob];
    const code = codeAt(inText);
    if (expected === ANY_RUN) {
      afterRun = ++inGlob;
      runCovers = inText;
    } else if (expected !== undefined && (expected === code || (expected === ANY_ONE && code !== ANY_RUN))) {
      inGlob++;
      inText++;
    } else if (afterRun >= 0) {
      inGlob = afterRun;
      inText = ++runCovers;
    } else {
      return false;
    }
  }
  while (glob[inGlob] === ANY_RUN) inGlob++;
  return inGlob === glob.length;
}

/** The pieces of a pattern between its colons, the last with the rest, as ARNs are divided. */
export function splitGlob(glob: Glob, pieces: number): readonly Glob[] {
  const before = divided.get(glob);
  if (before?.pieces === pieces) return before.found;
  const found = divideGlob(glob, pieces);
  divided.set(glob, { pieces, found });
  return found;
}

/** The patterns of a compiled policy stay, and are asked again and again. */
const divided = new WeakMap<Glob, { readonly pieces: number; readonly found: readonly Glob[] }>();

function divideGlob(glob: Glob, pieces: number): readonly Glob[] {
  const found: number[][] = [[]];
  for (const code of glob) {
    if (code === 58 && found.length < pieces) found.push([]);
    else found.at(-1)?.push(code);
  }
  return found;
}

/** `*` alone, however often: everything. */
export const isEverything = (glob: Glob): boolean =>
  glob.length > 0 && glob.every((code) => code === ANY_RUN);

export const endsInRun = (glob: Glob): boolean => glob.at(-1) === ANY_RUN;

export const textOf = (glob: Glob): string => String.fromCharCode(...glob);
