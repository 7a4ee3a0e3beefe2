import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LoadedPolicy, parsePolicy } from '../src/policy/index.ts';

/*
 * Writes docs/controls.md, the index of the shipped policy's controls: `node scripts/controls-index.ts`. A test holds that it is current and
 * that every control has its page.
 */

const ROOT = join(import.meta.dirname, '..');
export const CONTROLS_PAGE = 'docs/controls.md';

/** What every page of a control says, in this order. */
export const PAGE_HEADINGS = [
  '## What',
  '## Why',
  '## The AWS calls',
  '## Passes when',
  '## Remedy',
  '## What it cannot see',
] as const;

export const controlsIndex = ({ policy }: LoadedPolicy): string =>
  `${[
    '# Controls',
    '',
    'The shipped policy’s controls, each with a page of its own; `proviso policy explain` prints their conditions in words. Where a source text',
    'is wrong about AWS, the control follows AWS and its page says so. What could not be seen is indeterminate, never compliant; evidence from',
    'before a control existed was not collected, and is indeterminate too. This page is written by `node scripts/controls-index.ts`.',
    '',
    '| id | statement | of | severity |',
    '|---|---|---|---|',
    ...policy.controls.map(
      ({ id, title, subject, severity }) =>
        `| [${id}](controls/${id}.md) | ${title} | ${subject} | ${severity} |`,
    ),
  ].join('\n')}\n`;

export function shippedPolicy(): LoadedPolicy {
  const file = 'policies/prompt-storage.yaml';
  const parsed = parsePolicy(readFileSync(join(ROOT, file), 'utf8'), file);
  if (!parsed.ok) throw new Error(parsed.error.map(({ message }) => message).join('\n'));
  return parsed.value;
}

if (process.argv[1] === import.meta.filename)
  writeFileSync(join(ROOT, CONTROLS_PAGE), controlsIndex(shippedPolicy()));
