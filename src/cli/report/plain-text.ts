import { printable } from '../terminal/index.ts';

/** White space only separates words: one line, whatever a policy's author wrote. */
export const oneLine = (text: string): string => text.trim().replace(/\s+/g, ' ');

/** One line that is safe to show. */
export const plainText = (text: string): string => printable(oneLine(text));

/** At most `length` UTF-16 units, as services count them; never half a character. */
export const cut = (long: string, length: number): string =>
  long.length <= length ? long : `${long.slice(0, length - 3).replace(/[\ud800-\udbff]$/, '')}...`;
