import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MUTANTS } from '../../scripts/mutant-list.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('the list of mutants', () => {
  test('changes code that stands there, once each: when the code moves on, the mutant is written anew', () => {
    const stale = MUTANTS.flatMap(({ name, edits }) =>
      edits
        .filter(({ file, from }) => readFileSync(join(ROOT, file), 'utf8').split(from).length !== 2)
        .map(({ file }) => `${name}: ${file}`),
    );
    expect(stale).toEqual([]);
  });

  test('names tests that exist, and each fault once', () => {
    expect(MUTANTS.flatMap(({ tests }) => tests).filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });
});
