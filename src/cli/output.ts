import { canonicalJson } from '../core/index.ts';
import type { CommandContext } from './context.ts';
import { printable, wrap } from './terminal/index.ts';

/** One line of canonical JSON (RFC 8785): the same answer gives the same bytes, so it can be compared and hashed. */
export const jsonLine = (value: unknown): string => `${canonicalJson(value)}\n`;

export function writeJson(context: CommandContext, value: unknown): void {
  context.stdout.write(jsonLine(value));
}

export function writeLines(context: CommandContext, lines: readonly string[]): void {
  context.stdout.write(`${lines.join('\n')}\n`);
}

/** Something to know beside the data: it goes to `stderr`. */
export function note(context: CommandContext, text: string): void {
  context.stderr.write(`${wrap(printable(text), context.width).join('\n')}\n`);
}
