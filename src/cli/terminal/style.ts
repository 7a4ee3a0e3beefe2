import { styleText } from 'node:util';

export type Tone = 'bold' | 'dim' | 'bad' | 'warning' | 'good' | 'note';

const FORMATS = {
  bold: 'bold',
  dim: 'dim',
  bad: 'red',
  warning: 'yellow',
  good: 'green',
  note: 'cyan',
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>;

/** Colours words that already say what the colour says. Style last: widths are counted without escape sequences. */
export type Paint = (tone: Tone, text: string) => string;

export const painter = (hasColor: boolean): Paint =>
  hasColor
    ? (tone, text) => styleText(FORMATS[tone], text, { validateStream: false })
    : (_tone, text) => text;
