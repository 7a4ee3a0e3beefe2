import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadMachines } from '../src/compose.ts';
import { lifecycleMarkdown, lifecycleMermaid } from '../src/exceptions/index.ts';
import { machineMermaid } from '../src/runtime/index.ts';

const root = resolve(import.meta.dirname, '..');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
].filter((page) => page.endsWith('.md'));

describe('the documents', () => {
  it('show the lifecycle as the code has it', () => {
    expect(readFileSync(join(root, 'docs/exceptions.md'), 'utf8')).toContain(lifecycleMarkdown());
    expect(readFileSync(join(root, 'docs/exceptions.md'), 'utf8')).toContain(
      `\`\`\`mermaid\n${lifecycleMermaid()}\n\`\`\``,
    );
  });

  it('draw the state machines as they are deployed', () => {
    const page = readFileSync(join(root, 'docs/workflows.md'), 'utf8');
    const drawn = [...page.matchAll(/```mermaid\n([\s\S]*?)\n```/g)].map((match) => match[1]);
    expect(drawn).toEqual([...loadMachines().values()].map(machineMermaid));
  });

  it.each(pages)('%s links only to files that exist', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const targets = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
    for (const target of targets) {
      expect(
        () => readFileSync(resolve(root, dirname(page), target)),
        `${page} links to ${target}`,
      ).not.toThrow();
    }
  });

  it.each(pages)('%s names no path of a machine and no download address of a registry', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    expect(text).not.toMatch(/\/(work|root|home)\//);
    expect(text).not.toMatch(/registry\.[a-z]/);
  });
});
