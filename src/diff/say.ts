import { describeLeaf } from '../policy/index.ts';
import type { ExampleFact } from './types.ts';

/** What is given in an example, as a sentence. Every name that the policy's authors chose is in backticks. */
export function sayFact(example: ExampleFact): string {
  const { fact } = example;
  if (example.kind === 'absent') return describeLeaf({ fact, op: 'present', value: false }, false);
  const { value } = example;
  return typeof value === 'object'
    ? `\`${fact}\` holds ${value.length === 0 ? 'nothing' : listed(value.map(quoted))}`
    : describeLeaf({ fact, op: 'equal', value: value as boolean | string | number }, false);
}

/** `a, b and c`. */
export function listed(parts: readonly string[], word = 'and'): string {
  const last = parts.at(-1) ?? '';
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} ${word} ${last}`;
}

/** What somebody wrote, in backticks; a backtick of its own would end them. */
export const quoted = (text: string): string => `\`${text.replaceAll('`', '’')}\``;

const UNIT_WORDS: Readonly<Record<string, string>> = { d: 'day', h: 'hour', m: 'minute', s: 'second' };

/** `14d` -> `14 days`. */
export function sayLength(duration: string): string {
  const amount = Number(duration.slice(0, -1));
  return `${amount} ${UNIT_WORDS[duration.slice(-1)] ?? ''}${amount === 1 ? '' : 's'}`;
}

/** A long text in one line that still tells it from others. */
export const shortened = (text: string, length = 60): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;
