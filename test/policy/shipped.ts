import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type LoadedPolicy, parsePolicy } from '../../src/policy/index.ts';

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../policies/${name}`, import.meta.url)), 'utf8');

export const POLICY_TEXT = read('prompt-storage.yaml');
export const CASES_TEXT = read('prompt-storage.cases.yaml');
export const POLICY_SCHEMA_TEXT = read('policy.schema.json');
export const CASES_SCHEMA_TEXT = read('policy-cases.schema.json');

export function shippedPolicy(): LoadedPolicy {
  const loaded = parsePolicy(POLICY_TEXT, 'prompt-storage.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error, undefined, 2));
  return loaded.value;
}

/** Replaces the first `find` of `text`, which must be there, so that a case cannot go stale unnoticed. */
export function edited(text: string, find: string, replace: string): string {
  if (!text.includes(find)) throw new Error(`the text holds no \`${find}\` to edit`);
  return text.replace(find, () => replace);
}

/** Takes out the first `«` and says where it stood, 1-based. */
export function unmarked(marked: string): {
  readonly text: string;
  readonly line: number;
  readonly column: number;
} {
  const offset = marked.indexOf('«');
  const before = marked.slice(0, offset).split('\n');
  return { text: marked.replace('«', ''), line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
