import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONTROLS_PAGE, controlsIndex, PAGE_HEADINGS, shippedPolicy } from '../scripts/controls-index.ts';

const ROOT = join(import.meta.dirname, '..');
const policy = shippedPolicy();
const controls = policy.policy.controls;

describe('the pages of the controls', () => {
  it('docs/controls.md lists the shipped policy’s controls', () => {
    const page = readFileSync(join(ROOT, CONTROLS_PAGE), 'utf8');
    expect(controlsIndex(policy), 'run node scripts/controls-index.ts').toBe(page);
  });

  it('there is one for every control, and no other', () => {
    const pages = readdirSync(join(ROOT, 'docs/controls')).sort();
    expect(pages).toEqual(controls.map(({ id }) => `${id}.md`).sort());
  });

  it.each(controls.map(({ id, title }) => [id, title] as const))(
    '%s says what a reader needs',
    (id, title) => {
      const text = readFileSync(join(ROOT, `docs/controls/${id}.md`), 'utf8');
      expect(text.split('\n')[0]).toContain(id);
      expect(text.split('\n')[0]).toContain(title);
      const headings = text.split('\n').filter((line) => line.startsWith('## '));
      expect(headings).toEqual(PAGE_HEADINGS);
      for (const part of text.split(/^## .+$/m).slice(1)) expect(part.trim().length).toBeGreaterThan(20);
    },
  );
});
