/*
 * Columns that text takes on a terminal: East Asian wide and fullwidth characters and emoji take two, combining marks none
 * (Unicode Standard Annex 11, in ranges coarse enough to read). An unassigned character counts as one.
 */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1faff],
  [0x20000, 0x3fffd],
];
const MARK = /^\p{Mark}$/u;
const EMOJI = /^\p{Emoji_Presentation}/u;
const ASCII_ONLY = /^[\u0020-\u007e]*$/;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** @param text - printable, without escape sequences */
export function displayWidth(text: string): number {
  if (ASCII_ONLY.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** The longest beginning of `text` that fits `width` columns, in whole graphemes; at least one, so that a caller always gets on. */
export function takeColumns(text: string, width: number): string {
  if (ASCII_ONLY.test(text)) return text.slice(0, Math.max(1, width));
  let taken = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment);
    if (used > width && taken !== '') break;
    taken += segment;
  }
  return taken;
}

function graphemeWidth(grapheme: string): number {
  const code = grapheme.codePointAt(0) ?? 0;
  if (MARK.test(grapheme)) return 0;
  if (EMOJI.test(grapheme) || grapheme.includes('\ufe0f')) return 2;
  return WIDE.some(([from, to]) => from <= code && code <= to) ? 2 : 1;
}
