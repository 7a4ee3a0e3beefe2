import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { err, ok, type Result } from '../../core/index.ts';
import {
  type AccountPart,
  accountDecoder,
  accountIds,
  decodeHead,
  encodeSnapshot,
  isSnapshotMarker,
  isSnapshotPath,
  ORGANIZATION_FILE,
  type Snapshot,
  type SnapshotHead,
  type SnapshotProblem,
  type SnapshotSource,
  snapshotOf,
} from '../../evidence/index.ts';

/** An account at IAM's quotas stays below 100 MB; more is not a snapshot and would only exhaust memory. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const ACCOUNTS = 'accounts';
const TOP_LEVEL_FILES = [ORGANIZATION_FILE, 'leases.json'];

/**
 * Reads a snapshot from `dir` into memory. Beside the layout's own files it opens nothing: a README or `attestations/` may stand in the
 * folder.
 * @returns all problems found, with `dir` in front of their files; the file system's own refusals are among them (`unreadable`)
 */
export async function readSnapshot(dir: string): Promise<Result<Snapshot, readonly SnapshotProblem[]>> {
  const opened = await openSnapshot(dir);
  if (!opened.ok) return opened;
  try {
    return ok(await snapshotOf(opened.value));
  } catch (error) {
    if (error instanceof DamagedSnapshot) return err(error.problems);
    throw error;
  }
}

/** What comes out of the accounts of a snapshot, after the last one, when files of some could not be read. */
export class DamagedSnapshot extends Error {
  readonly problems: readonly SnapshotProblem[];

  constructor(problems: readonly SnapshotProblem[]) {
    super(`${problems.length} files of the snapshot cannot be used`);
    this.name = 'DamagedSnapshot';
    this.problems = problems;
  }
}

/**
 * Reads a snapshot from `dir` account by account: the organization now, each account when it is asked for, so that memory holds two accounts
 * at most. May be iterated again; each time the files are read anew.
 *
 * @returns a source whose accounts throw {@link DamagedSnapshot} after the last one, with every problem of every account: whoever reads to
 *   the end cannot take a damaged snapshot for a whole one
 */
export async function openSnapshot(dir: string): Promise<Result<SnapshotSource, readonly SnapshotProblem[]>> {
  const problems: SnapshotProblem[] = [];
  const top = await readFiles(dir, '', TOP_LEVEL_FILES, problems);
  if (problems.length > 0) return err(located(dir, problems));
  const head = decodeHead(top);
  if (!head.ok) return err(located(dir, head.error));
  return ok({ head: head.value, accounts: { [Symbol.asyncIterator]: () => accountsOf(dir, head.value) } });
}

async function* accountsOf(dir: string, head: SnapshotHead): AsyncGenerator<AccountPart> {
  const problems: SnapshotProblem[] = [];
  const decode = accountDecoder(head);
  const listed = await namesIn(dir, ACCOUNTS, problems);
  const known = new Set<string>(accountIds(head));
  const folders = [...new Set([...known, ...listed])].sort();
  const read = (folder: string | undefined) =>
    folder === undefined ? undefined : filesOfAccount(dir, folder);
  // The next account is read while the one before is judged.
  let next = read(folders[0]);
  for (const [index, folder] of folders.entries()) {
    const found = await next;
    next = read(folders[index + 1]);
    problems.push(...(found?.problems ?? []));
    if (found === undefined || found.problems.length > 0) continue;
    const part = decode(folder, found.files);
    if (part.ok) yield part.value;
    else problems.push(...part.error);
  }
  if (problems.length > 0) throw new DamagedSnapshot(located(dir, problems));
}

async function filesOfAccount(dir: string, folder: string) {
  const problems: SnapshotProblem[] = [];
  const path = `${ACCOUNTS}/${folder}`;
  const names = (await namesIn(dir, path, problems)).filter((name) => name.endsWith('.json'));
  return { files: await readFiles(dir, path, names, problems), problems };
}

/** Texts by name. What cannot be read is added to `problems`; what is not there is left out. */
async function readFiles(
  dir: string,
  folder: string,
  names: readonly string[],
  problems: SnapshotProblem[],
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const paths = names.map((name) => (folder === '' ? name : `${folder}/${name}`));
  const texts = await Promise.all(paths.map((path) => readText(join(dir, path))));
  for (const [index, read] of texts.entries()) {
    if (read.kind === 'text') files.set(names[index] ?? '', read.text);
    else if (read.kind === 'problem') problems.push({ ...read.problem, file: paths[index] ?? '' });
  }
  return files;
}

async function namesIn(dir: string, path: string, problems: SnapshotProblem[]): Promise<readonly string[]> {
  const names = await visibleNames(join(dir, path));
  if (!(names instanceof Error)) return names;
  problems.push(unreadable(path, names, 'read'));
  return [];
}

const located = (dir: string, problems: readonly SnapshotProblem[]): readonly SnapshotProblem[] =>
  problems.map((problem) => ({ ...problem, file: join(dir, problem.file) }));

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
