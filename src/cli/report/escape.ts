import { printable } from '../terminal/index.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for element content and for quoted attributes. Characters that a reader cannot see become visible escapes, as on a terminal. */
export const escapeHtml = (text: string): string =>
  printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);

declare const markup: unique symbol;
/** Markup that is safe: made by `html` alone, which escapes everything that is put into it. */
export type Html = { readonly [markup]: true; readonly text: string };

const safe = (text: string): Html => ({ text }) as Html;

type Part = string | number | Html | readonly Html[];

/** A template in which every string is escaped and only `Html` is taken as it is, so that forgetting to escape is not possible. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return safe(strings.reduce((text, piece, index) => text + textOf(parts[index - 1] ?? '') + piece));
}

const textOf = (part: Part): string => {
  if (typeof part === 'string') return escapeHtml(part);
  if (typeof part === 'number') return String(part);
  return 'text' in part ? part.text : part.map(({ text }) => text).join('');
};

/** Our own style sheet and script, which are not text for people. Never for anything that comes from outside. */
export const unsafeVerbatim = (text: string): Html => safe(text);

/** A sentence in which `names` stand in backticks, as messages have them: each becomes code. */
export const prose = (text: string): Html =>
  html`${text.split('`').map((part, index, all) => {
    const isCode = index % 2 === 1 && index < all.length - 1;
    if (isCode) return html`<code>${part}</code>`;
    // The last backtick of an odd number has no partner and stays what it is.
    return index % 2 === 1 ? html`\`${part}` : html`${part}`;
  })}`;
