import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { err, ok, type Result } from '../../core/index.ts';
import {
  decodeSnapshot,
  encodeSnapshot,
  isSnapshotMarker,
  isSnapshotPath,
  ORGANIZATION_FILE,
  type Snapshot,
  type SnapshotProblem,
} from '../../evidence/index.ts';

/** An account at IAM's quotas stays below 100 MB; more is not a snapshot and would only exhaust memory. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const ACCOUNTS = 'accounts';
const TOP_LEVEL_FILES = [ORGANIZATION_FILE, 'leases.json'];

/**
 * Reads a snapshot from `dir`. Beside the layout's own files it opens nothing: a README or `attestations/` may stand in the folder.
 * @returns all problems found, with `dir` in front of their files; the file system's own refusals are among them (`unreadable`)
 */
export async function readSnapshot(dir: string): Promise<Result<Snapshot, readonly SnapshotProblem[]>> {
  const problems: SnapshotProblem[] = [];
  const files = new Map<string, string>();
  const load = async (path: string) => {
    const read = await readText(join(dir, path));
    if (read.kind === 'text') files.set(path, read.text);
    else if (read.kind === 'problem') problems.push({ ...read.problem, file: path });
  };

  const list = async (path: string): Promise<readonly string[]> => {
    const names = await visibleNames(join(dir, path));
    if (!(names instanceof Error)) return names;
    problems.push(unreadable(path, names, 'read'));
    return [];
  };

  for (const path of TOP_LEVEL_FILES) await load(path);
  for (const account of await list(ACCOUNTS)) {
    for (const name of await list(`${ACCOUNTS}/${account}`))
      if (name.endsWith('.json')) await load(`${ACCOUNTS}/${account}/${name}`);
  }
  const located = (list: readonly SnapshotProblem[]) =>
    list.map((problem) => ({ ...problem, file: join(dir, problem.file) }));
  if (problems.length > 0) return err(located(problems));
  const decoded = decodeSnapshot(files);
  return decoded.ok ? decoded : err(located(decoded.error));
}

/**
 * Writes a snapshot to `dir`, whole or not at all: into a folder beside it first, flushed to disk, then renamed. An earlier snapshot there is
 * replaced; anything else is left alone and refused, also a snapshot folder that holds files which are not ours (attestations, a
 * README), since replacing it would lose them.
 */
export async function writeSnapshot(
  dir: string,
  snapshot: Snapshot,
): Promise<Result<{ readonly files: number }, readonly SnapshotProblem[]>> {
  const target = resolve(dir);
  const refusal = await refuseToReplace(dir);
  if (refusal !== undefined) return err([refusal]);

  const beside = (suffix: string) =>
    join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.${suffix}`);
  const temporary = beside('new');
  try {
    const files = encodeSnapshot(snapshot);
    await mkdir(temporary, { recursive: true });
    for (const [path, text] of files) {
      await mkdir(dirname(join(temporary, path)), { recursive: true });
      await writeDurably(join(temporary, path), text);
    }
    await replace(temporary, target, beside('old'));
    return ok({ files: files.size });
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    return err([unreadable(dir, error, 'written')]);
  }
}

/** POSIX cannot swap two folders: a crash between the renames leaves the earlier snapshot whole, as a hidden `.old` folder beside. */
async function replace(temporary: string, target: string, old: string): Promise<void> {
  const hasOld = await rename(target, old).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(temporary, target);
  } catch (error) {
    if (hasOld) await rename(old, target);
    throw error;
  }
  if (hasOld) await rm(old, { recursive: true, force: true });
}

async function refuseToReplace(dir: string): Promise<SnapshotProblem | undefined> {
  const refused = (message: string): SnapshotProblem => ({
    code: 'unexpected-file',
    file: dir,
    field: '',
    message,
    remedy: 'name a new folder, or one that holds nothing but an earlier snapshot',
  });
  try {
    const entries = await readdir(dir, { withFileTypes: true, recursive: true });
    if (entries.length === 0) return undefined;
    const marker = await readFile(join(dir, ORGANIZATION_FILE), 'utf8').catch(() => '');
    if (!isSnapshotMarker(marker))
      return refused('the folder is not empty and is not a snapshot, so it is not overwritten');
    const foreign = entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(dir, '/').length))
      .find((path) => !isSnapshotPath(path));
    return foreign === undefined
      ? undefined
      : refused(`the folder also holds \`${foreign}\`, which would be lost`);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (codeOf(error) === 'ENOTDIR') return refused('this is a file, not a folder');
    return unreadable(dir, error, 'read');
  }
}

type ReadText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'problem'; readonly problem: SnapshotProblem };

async function readText(path: string): Promise<ReadText> {
  try {
    // lstat: a link or a pipe in a folder that somebody sent must not make us read another place, or wait for ever.
    const stat = await lstat(path);
    if (!stat.isFile())
      return { kind: 'problem', problem: notAFile(path, 'is a link, a folder or a device, not a file') };
    if (stat.size > MAX_FILE_BYTES)
      return {
        kind: 'problem',
        problem: {
          code: 'too-large',
          file: path,
          field: '',
          message: `the file has ${stat.size} bytes, more than any snapshot file`,
          remedy: 'collect again',
        },
      };
    return { kind: 'text', text: await readFile(path, 'utf8') };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
    return { kind: 'problem', problem: unreadable(path, error, 'read') };
  }
}

/**
 * Names in a folder, sorted, so that problems come in the same order on every machine; none when there is no such folder. Hidden files
 * are nobody's evidence. A folder that may not be listed gives its error: that is not the same as an account that was never collected.
 */
async function visibleNames(dir: string): Promise<readonly string[] | Error> {
  try {
    return (await readdir(dir)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    return error instanceof Error ? error : new Error('unknown error');
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

const notAFile = (path: string, message: string): SnapshotProblem => ({
  code: 'unreadable',
  file: path,
  field: '',
  message,
  remedy: 'replace it by a copy of the file',
});

const unreadable = (file: string, error: unknown, verb: 'read' | 'written'): SnapshotProblem => ({
  code: 'unreadable',
  file,
  field: '',
  message: `could not be ${verb}: ${codeOf(error)}`,
  remedy: 'check the permissions and the free space',
});

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
