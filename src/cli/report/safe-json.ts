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
