/*
 * JSON for other programs that people also look at in a terminal or a browser. Inside its strings, every character that steers a
 * terminal or hides text is written as an escape: the value stays exactly what AWS said, only the bytes are harmless.
 */
const UNSAFE =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');

/** `JSON.stringify` writes control characters and lone surrogates as escapes itself. */
export const safeJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(UNSAFE, escaped);

/** An element of an array that stands `depth` levels deep in indented JSON, without what separates it from the next. */
export const safeJsonElement = (value: unknown, depth: number): string =>
  // No string holds a line break of its own: JSON writes them as escapes.
  safeJson(value, 2).replace(/^/gm, '  '.repeat(depth));
