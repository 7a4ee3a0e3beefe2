import { execFile } from 'node:child_process';
import { err, ok, type Result } from '../../core/index.ts';

/*
 * Reads files of a git revision, and nothing else. Revisions and paths come from a command line or from a pull request, so:
 * no shell; a revision is resolved to a commit id before anything else sees it; nothing of the caller's can be read as an option;
 * blobs are read raw, without the filters and text conversions that a repository may configure.
 */

export type GitProblemCode =
  | 'GIT_MISSING'
  | 'NOT_A_REPOSITORY'
  | 'UNKNOWN_REVISION'
  | 'NOT_IN_REVISION'
  | 'NOT_A_FILE'
  | 'TOO_LARGE'
  | 'NO_MERGE_BASE'
  | 'GIT_FAILED';

export interface GitProblem {
  readonly code: GitProblemCode;
  readonly message: string;
  readonly remedy: string;
}

/** A commit, by its full id. Only {@link resolveRevision} and {@link mergeBase} make one. */
export interface Commit {
  readonly id: string;
  /** As the caller named it. */
  readonly name: string;
}

/** What a path is in a commit. A folder lists its entries by name; a link is neither. */
export type TreeEntry =
  | { readonly kind: 'file'; readonly name: string; readonly blob: string }
  | { readonly kind: 'folder'; readonly name: string }
  | { readonly kind: 'other'; readonly name: string };

/** As large as any policy may be, and some more: the loader says what is too long in its own words. */
const MAX_BYTES = 4 * 1024 * 1024;
const COMMIT_ID = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** @param folder - a folder of the repository */
export async function resolveRevision(folder: string, revision: string): Promise<Result<Commit, GitProblem>> {
  if (revision === '' || revision.startsWith('-') || /[\u0000-\u001f\u007f]/.test(revision))
    return err(unknownRevision(revision));
  const answer = await git(folder, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ]);
  if (!answer.ok) return answer.error.code === 'GIT_FAILED' ? err(unknownRevision(revision)) : answer;
  const id = answer.value.toString('utf8').trim();
  return COMMIT_ID.test(id) ? ok({ id, name: revision }) : err(unknownRevision(revision));
}

/** The commit at which two lines of work parted: what a pull request is compared with. */
export async function mergeBase(
  folder: string,
  one: Commit,
  other: Commit,
): Promise<Result<Commit, GitProblem>> {
  const answer = await git(folder, ['merge-base', one.id, other.id]);
  const id = answer.ok ? answer.value.toString('utf8').trim() : '';
  if (COMMIT_ID.test(id)) return ok({ id, name: `${one.name}...${other.name}` });
  return err({
    code: 'NO_MERGE_BASE',
    message: `\`${one.name}\` and \`${other.name}\` have no common commit here`,
    remedy: 'fetch more of the history (in GitHub Actions: `fetch-depth: 0`)',
  });
}

/**
 * @param path - relative to `folder`, as for a file on disk
 * @returns the same path from the root of the repository, without a trailing `/`; empty for the root itself
 */
export async function pathFromRoot(folder: string, path: string): Promise<Result<string, GitProblem>> {
  const answer = await git(folder, ['rev-parse', '--show-prefix']);
  if (!answer.ok) return answer;
  const parts: string[] = [];
  for (const part of `${answer.value.toString('utf8').trim()}/${path}`.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined)
        return err({
          code: 'NOT_IN_REVISION',
          message: `\`${path}\` lies outside the repository`,
          remedy: 'name a path inside it',
        });
    } else if (part !== '.' && part !== '') parts.push(part);
  }
  return ok(parts.join('/'));
}

/** What stands at a path from the root; for a folder, what it holds. */
export async function listAt(
  folder: string,
  commit: Commit,
  path: string,
): Promise<Result<{ readonly kind: TreeEntry['kind']; readonly entries: readonly TreeEntry[] }, GitProblem>> {
  if (path !== '') {
    const own = await lsTree(folder, commit, path);
    if (!own.ok) return own;
    const entry = own.value.find(({ name }) => name === path);
    if (entry === undefined) return err(notThere(commit, path));
    if (entry.kind !== 'folder') return ok({ kind: entry.kind, entries: [entry] });
  }
  const inside = await lsTree(folder, commit, path === '' ? '' : `${path}/`);
  return inside.ok ? ok({ kind: 'folder', entries: inside.value }) : inside;
}

/** The text of a file, by a path from the root. */
export async function readAt(
  folder: string,
  commit: Commit,
  path: string,
): Promise<Result<string, GitProblem>> {
  const found = await listAt(folder, commit, path);
  if (!found.ok) return found;
  const [entry] = found.value.entries;
  if (found.value.kind !== 'file' || entry?.kind !== 'file')
    return err({
      code: 'NOT_A_FILE',
      message: `\`${path}\` is not a file in \`${commit.name}\``,
      remedy: 'name a file; links are not followed',
    });
  const blob = await git(folder, ['cat-file', 'blob', entry.blob]);
  if (!blob.ok) return blob;
  try {
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(blob.value));
  } catch {
    return err({
      code: 'NOT_A_FILE',
      message: `\`${path}\` in \`${commit.name}\` is not UTF-8 text`,
      remedy: 'save it as UTF-8',
    });
  }
}

/** Entries with their whole path from the root as name. */
async function lsTree(
  folder: string,
  commit: Commit,
  path: string,
): Promise<Result<readonly TreeEntry[], GitProblem>> {
  const answer = await git(folder, [
    'ls-tree',
    '-z',
    '--full-tree',
    commit.id,
    '--',
    ...(path === '' ? [] : [path]),
  ]);
  if (!answer.ok) return answer;
  return ok(
    answer.value
      .toString('utf8')
      .split('\0')
      .flatMap((line): readonly TreeEntry[] => {
        const match = /^([0-7]{6}) ([a-z]+) ([0-9a-f]+)\t(.+)$/s.exec(line);
        if (match === null) return [];
        const [, mode = '', type, blob = '', name = ''] = match;
        if (type === 'tree') return [{ kind: 'folder', name }];
        return [mode.startsWith('100') ? { kind: 'file', name, blob } : { kind: 'other', name }];
      }),
  );
}

const unknownRevision = (revision: string): GitProblem => ({
  code: 'UNKNOWN_REVISION',
  message: `there is no revision \`${revision}\``,
  remedy: 'check its name; a branch of the server may have to be fetched first',
});

const notThere = (commit: Commit, path: string): GitProblem => ({
  code: 'NOT_IN_REVISION',
  message: `revision \`${commit.name}\` has no \`${path}\``,
  remedy: 'check the path, from the root of the repository; or name a revision that has it',
});

/**
 * One read-only git command. Prompts, optional locks, pagers, file-system monitors and replaced objects are off: nothing that a
 * repository configures may run a program or change what is read.
 */
function git(folder: string, args: readonly string[]): Promise<Result<Buffer, GitProblem>> {
  return new Promise((resolve) => {
    execFile(
      'git',
      ['--no-pager', '--no-optional-locks', '--literal-pathspecs', '-c', 'core.fsmonitor=false', ...args],
      {
        cwd: folder,
        encoding: 'buffer',
        maxBuffer: MAX_BYTES,
        windowsHide: true,
        env: {
          ...process.env,
          GIT_TERMINAL_PROMPT: '0',
          GIT_NO_REPLACE_OBJECTS: '1',
          GIT_NO_LAZY_FETCH: '1',
          LC_ALL: 'C',
        },
      },
      (error, stdout, stderr) => {
        resolve(error === null ? ok(stdout) : err(problemOf(error, stderr.toString('utf8'))));
      },
    );
  });
}

function problemOf(error: Error & { code?: unknown }, said: string): GitProblem {
  if (error.code === 'ENOENT')
    return {
      code: 'GIT_MISSING',
      message: 'git is not installed',
      remedy: 'install it, or compare two files',
    };
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
    return {
      code: 'TOO_LARGE',
      message: `the file has more than ${MAX_BYTES} bytes`,
      remedy: 'no policy is that long; check the path',
    };
  if (said.includes('not a git repository'))
    return {
      code: 'NOT_A_REPOSITORY',
      message: 'this folder belongs to no git repository',
      remedy: 'run it inside the repository, or compare two files',
    };
  return {
    code: 'GIT_FAILED',
    message: `git could not answer: ${said.split('\n')[0] ?? ''}`,
    remedy: 'run `git fsck`, or compare two files',
  };
}
