import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type AccountId, err, ok, type Result } from '../../core/index.ts';
import {
  type AccountPart,
  accountDecoder,
  accountIds,
  decodeHead,
  encodeAccount,
  encodeHead,
  encodeSnapshot,
  isSnapshotMarker,
  isSnapshotPath,
  ORGANIZATION_FILE,
  type Snapshot,
  type SnapshotFiles,
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
  if ((await readText(join(dir, PARTIAL_FILE))).kind !== 'missing') return err([incomplete(dir)]);
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
  const refusal = await refuseToReplace(dir);
  if (refusal !== undefined) return err([refusal]);
  const temporary = hiddenBeside(dir, 'new');
  try {
    const files = encodeSnapshot(snapshot);
    await writeFiles(temporary, files);
    await replace(temporary, resolve(dir), hiddenBeside(dir, 'old'));
    return ok({ files: files.size });
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    return err([unreadable(dir, error, 'written')]);
  }
}

const hiddenBeside = (dir: string, suffix: string): string => {
  const target = resolve(dir);
  return join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.${suffix}`);
};

async function writeFiles(folder: string, files: SnapshotFiles): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeDurably(join(folder, path), text);
  }
}

/** Marks a folder whose collection has not finished: a check refuses it, since what is missing would look as if nobody had been there. */
const PARTIAL_FILE = 'partial.json';

const incomplete = (dir: string): SnapshotProblem => ({
  code: 'incomplete',
  file: dir,
  field: '',
  message: 'the collection of this snapshot did not finish',
  remedy: 'go on with `proviso collect --resume` and the same `--out`, then name that folder',
});

/** A snapshot that is being written account by account. */
export interface SnapshotWriter {
  readonly head: SnapshotHead;
  /** The accounts that are whole already: those of an earlier attempt, and every one written since. */
  readonly finished: ReadonlySet<AccountId>;
  /** Writes one account, whole or not at all; it is on disk when this returns. @throws what the file system throws */
  write(part: AccountPart): Promise<void>;
  /** Puts the snapshot where it was asked for, in place of an earlier one. @returns how many files it has */
  finish(): Promise<number>;
}

/** Where a collection for `dir` keeps what it has until it is whole. */
export const partialFolder = (dir: string): string => `${resolve(dir)}.partial`;

/**
 * Begins to write a snapshot for `dir`, in `<dir>.partial` beside it, or goes on with one.
 *
 * @param head - makes the head of a new snapshot; `resume` takes the head that was written instead, so that accounts of two attempts belong
 *   to one tree and one `takenAt`
 * @returns a problem where `dir` may not be replaced, where an earlier attempt lies there and `resume` was not asked for, or where there is
 *   none to go on with
 */
export async function startSnapshot<E>(
  dir: string,
  resume: boolean,
  head: () => Promise<Result<SnapshotHead, E>>,
): Promise<Result<SnapshotWriter, E | readonly SnapshotProblem[]>> {
  const refusal = await refuseToReplace(dir);
  if (refusal !== undefined) return err([refusal]);
  const folder = partialFolder(dir);
  const names = await visibleNames(folder);
  if (names instanceof Error) return err([unreadable(folder, names, 'read')]);
  if (resume) return resumed(dir, folder, names);
  if (names.length > 0)
    return err([
      {
        code: 'incomplete',
        file: folder,
        field: '',
        message: 'an earlier collection stopped here before it was whole',
        remedy: 'go on with `--resume`, or remove the folder to begin anew',
      },
    ]);
  const made = await head();
  if (!made.ok) return made;
  try {
    await mkdir(folder, { recursive: true });
    await writeDurably(join(folder, PARTIAL_FILE), '{}\n');
    await writeFiles(folder, encodeHead(made.value));
    return ok(writerOf(dir, folder, made.value, []));
  } catch (error) {
    return err([unreadable(folder, error, 'written')]);
  }
}

async function resumed(
  dir: string,
  folder: string,
  names: readonly string[],
): Promise<Result<SnapshotWriter, readonly SnapshotProblem[]>> {
  if (names.length === 0)
    return err([
      {
        code: 'snapshot-missing',
        file: folder,
        field: '',
        message: 'there is no collection to go on with',
        remedy: 'collect without `--resume`',
      },
    ]);
  const problems: SnapshotProblem[] = [];
  const head = decodeHead(await readFiles(folder, '', TOP_LEVEL_FILES, problems));
  if (problems.length > 0) return err(located(folder, problems));
  if (!head.ok) return err(located(folder, head.error));
  const known = new Map<string, AccountId>(head.value.organization.accounts.map(({ id }) => [id, id]));
  // A folder has its name only once it is whole.
  const listed = await namesIn(folder, ACCOUNTS, problems);
  if (problems.length > 0) return err(located(folder, problems));
  return ok(
    writerOf(
      dir,
      folder,
      head.value,
      listed.flatMap((name) => known.get(name) ?? []),
    ),
  );
}

function writerOf(
  dir: string,
  folder: string,
  head: SnapshotHead,
  before: readonly AccountId[],
): SnapshotWriter {
  const finished = new Set(before);
  return {
    head,
    finished,
    write: async (part) => {
      const { accountId } = part.evidence;
      const temporary = hiddenBeside(join(folder, ACCOUNTS, accountId), 'new');
      const files = [...encodeAccount(head.schemaVersion, part)].map(
        ([path, text]) => [basename(path), text] as const,
      );
      await writeFiles(temporary, new Map(files));
      await rename(temporary, join(folder, ACCOUNTS, accountId));
      finished.add(accountId);
    },
    finish: async () => {
      await rm(join(folder, PARTIAL_FILE), { force: true });
      // What a stopped attempt left of an account is hidden, and no part of the snapshot.
      for (const name of await readdir(join(folder, ACCOUNTS)).catch((): string[] => []))
        if (name.startsWith('.')) await rm(join(folder, ACCOUNTS, name), { recursive: true, force: true });
      const files = (await readdir(folder, { recursive: true })).filter(isSnapshotPath).length;
      await replace(folder, resolve(dir), hiddenBeside(dir, 'old'));
      return files;
    },
  };
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
