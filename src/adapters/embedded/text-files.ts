import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Texts } from '../../core/index.ts';

/** Texts as files below a folder, for their owner alone. Keys are ours: letters, digits, `-`, `.` and `/`. */
export function textFiles(folder: string): Texts {
  const pathOf = (key: string): string => {
    if (!/^[A-Za-z0-9][A-Za-z0-9/.-]*$/.test(key) || key.includes('..'))
      throw new Error(`not a key of ours: \`${key}\``);
    return join(folder, key);
  };
  return {
    async put(key, text) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(`${path}.new`, text, { mode: 0o600, flush: true });
      await rename(`${path}.new`, path);
    },
    async get(key) {
      try {
        return await readFile(pathOf(key), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}
