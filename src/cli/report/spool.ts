import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Characters kept in memory, all lists together, before they go to files. */
const KEPT_CHARACTERS = 4 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

interface List {
  readonly kept: string[];
  file?: number;
}

/**
 * Holds texts in lists until all are there, in memory while they are few and in files of the temporary folder beyond: findings come account by
 * account, and a report shows them control by control.
 */
export class Spool {
  readonly #lists = new Map<string, List>();
  #folder: string | undefined;
  #kept = 0;

  add(list: string, text: string): void {
    const { kept } = this.#list(list);
    kept.push(text);
    this.#kept += text.length;
    if (this.#kept > KEPT_CHARACTERS) this.#spill();
  }

  /** The texts of one list in the order in which they came, in pieces that need not end where a text does. */
  *pieces(list: string): Generator<string> {
    const { kept, file } = this.#list(list);
    if (file !== undefined) {
      const decoder = new TextDecoder();
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      for (let at = 0; ; ) {
        const read = readSync(file, buffer, 0, buffer.length, at);
        if (read === 0) break;
        at += read;
        yield decoder.decode(buffer.subarray(0, read), { stream: true });
      }
    }
    yield* kept;
  }

  /** Removes the files; the spool holds nothing afterwards. */
  close(): void {
    for (const { file } of this.#lists.values()) if (file !== undefined) closeSync(file);
    this.#lists.clear();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  #list(name: string): List {
    const known = this.#lists.get(name);
    if (known !== undefined) return known;
    const list: List = { kept: [] };
    this.#lists.set(name, list);
    return list;
  }

  #spill(): void {
    // Only this user may read it: findings name what is wrong where.
    this.#folder ??= mkdtempSync(join(tmpdir(), 'proviso-check-'));
    for (const [index, list] of [...this.#lists.values()].entries()) {
      if (list.kept.length === 0) continue;
      list.file ??= openSync(join(this.#folder, String(index)), 'wx+', 0o600);
      const bytes = Buffer.from(list.kept.join(''));
      for (let at = 0; at < bytes.length; ) at += writeSync(list.file, bytes, at);
      list.kept.length = 0;
    }
    this.#kept = 0;
  }
}
