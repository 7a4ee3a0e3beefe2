import { displayWidth, takeColumns } from '../../core/display-width.ts';

/**
 * Breaks text into lines of at most `width` columns, each after `indent`. Words that are wider than a line (ARNs) are broken after a
 * `:` or `/` where possible, and so is what follows a bullet or a label (`key:`) that would else stand alone on its line. White space in
 * `text` only separates words; lines of the text itself are lost, so wrap each of them.
 *
 * @param text - printable (see printable.ts), without escape sequences
 * @returns at least one line
 */
export function wrap(text: string, width: number, indent = '', hanging = indent): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  let isEmpty = true;
  /** Nothing but a bullet or a label stands on the line. */
  let isBare = false;
  const room = (): number => width - displayWidth(line) - (isEmpty ? 0 : 1);
  const next = (): void => {
    lines.push(line);
    line = hanging;
    isEmpty = true;
  };
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    let rest = word;
    if (displayWidth(rest) > room() && !isEmpty && !(isBare && breaksWell(rest, room()))) next();
    while (displayWidth(rest) > room()) {
      const piece = breakWord(rest, Math.max(1, room()));
      line += isEmpty ? piece : ` ${piece}`;
      rest = rest.slice(piece.length);
      next();
    }
    line += isEmpty ? rest : ` ${rest}`;
    isBare = isEmpty && rest === word && /^(?:-|[\w-]+:)$/.test(word);
    isEmpty = false;
  }
  if (!isEmpty || lines.length === 0) lines.push(line);
  return lines;
}

/** Whether what would go on this line ends where a reader expects a long name to be broken. */
const breaksWell = (word: string, width: number): boolean =>
  width > 0 && /[:/]$/.test(breakWord(word, width));

/** The part of a too long word that goes on this line: up to the last `:` or `/` that fits, unless that leaves the line nearly empty. */
function breakWord(word: string, width: number): string {
  const piece = takeColumns(word, width);
  const at = Math.max(piece.lastIndexOf(':'), piece.lastIndexOf('/'));
  return at + 1 >= piece.length / 2 ? piece.slice(0, at + 1) : piece;
}

/** Every line of `text` wrapped; an empty line stays one. */
export const wrapLines = (text: string, width: number, indent = ''): readonly string[] =>
  text
    .replace(/\n+$/, '')
    .split('\n')
    .flatMap((line) => (line.trim() === '' ? [''] : wrap(line, width, indent)));
