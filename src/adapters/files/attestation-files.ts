import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../../core/index.ts';

export const ATTESTATIONS_FOLDER = 'attestations';
/** A signed statement is a page, not a book. */
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_FILES = 10_000;

/** A file that could not be taken; `path` is below the folder that was named. */
export interface AttestationFileProblem {
  readonly path: string;
  readonly message: string;
}

/**
 * The text of every `.yaml`, `.yml` and `.json` file of `dir/attestations/`, by its path below `dir`, in the order of their names; none where
 * there is no such folder. Links are not followed: a folder that somebody sent must not lend another folder's signatures.
 */
export async function readAttestationFiles(
  dir: string,
): Promise<Result<ReadonlyMap<string, string>, readonly AttestationFileProblem[]>> {
  const names = await namesIn(join(dir, ATTESTATIONS_FOLDER));
  if (!names.ok) return err([{ path: ATTESTATIONS_FOLDER, message: names.error }]);
  if (names.value.length > MAX_FILES)
    return err([{ path: ATTESTATIONS_FOLDER, message: `it holds more than ${MAX_FILES} files` }]);
  const files = new Map<string, string>();
  const problems: AttestationFileProblem[] = [];
  for (const name of names.value) {
    const path = `${ATTESTATIONS_FOLDER}/${name}`;
    const read = await readText(join(dir, path));
    if (read.ok) files.set(path, read.value);
    else problems.push({ path, message: read.error });
  }
  return problems.length > 0 ? err(problems) : ok(files);
}

async function namesIn(folder: string): Promise<Result<readonly string[], string>> {
  try {
    const names = await readdir(folder);
    return ok(names.filter((name) => !name.startsWith('.') && /\.(?:ya?ml|json)$/.test(name)).sort());
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? ok([]) : err(`could not be listed: ${codeOf(error)}`);
  }
}

async function readText(file: string): Promise<Result<string, string>> {
  try {
    const found = await lstat(file);
    if (!found.isFile()) return err('is a link, a folder or a device, not a file');
    if (found.size > MAX_FILE_BYTES) return err(`has ${found.size} bytes, more than any attestation`);
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file)));
  } catch (error) {
    return err(error instanceof TypeError ? 'is not UTF-8 text' : `could not be read: ${codeOf(error)}`);
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
