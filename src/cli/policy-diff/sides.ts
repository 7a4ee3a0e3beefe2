import {
  type Commit,
  type GitProblem,
  listAt,
  mergeBase,
  pathFromRoot,
  readAt,
  resolveRevision,
} from '../../adapters/git/index.ts';
import {
  hashOf,
  type Problem,
  parseSourceDocument,
  type Result,
  type Sha256Hex,
  type SourceDocument,
} from '../../core/index.ts';
import {
  casesFileFor,
  type LoadedPolicy,
  type PolicyCases,
  parsePolicy,
  parsePolicyCases,
  policyFileKind,
} from '../../policy/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { kindOfPath, readTextFile } from '../files.ts';
import { casesFileBeside, malformedDocuments, policyFiles } from '../policies.ts';

/** One policy of one side, read and valid. */
export interface PolicyText {
  readonly policy: LoadedPolicy;
  readonly cases?: PolicyCases;
  readonly document: SourceDocument;
  /** The file's path without its revision, for tools that open it. */
  readonly path: string;
  readonly casesPath?: string;
  /** Of what the cases say; the hash of a policy does not cover them. */
  readonly casesHash?: Sha256Hex;
}

export interface Sides {
  readonly old: readonly PolicyText[];
  readonly new: readonly PolicyText[];
  /** The commit a side was read from; none for a side on disk. */
  readonly oldAt?: Commit;
  readonly newAt?: Commit;
  /** Whether the old side is where two lines of work parted, which whoever made the newer one could choose. */
  readonly isFromMergeBase: boolean;
}

/** A text that stands somewhere, under the name that messages use. */
interface Found {
  readonly label: string;
  readonly path: string;
  readonly read: () => Promise<string>;
  /** The cases beside it, if there are any. */
  readonly cases: () => Promise<
    { readonly label: string; readonly path: string; readonly text: string } | undefined
  >;
}

/**
 * What the command line names: two paths, two revisions, `REV:path`, or a range (`main..HEAD`, `main...HEAD` from where the two
 * parted). A revision without a path means `--policy` in it; with one argument alone, the other side is `--policy` as it is now.
 *
 * @throws {CliFailure} `EXIT.malformed`: nothing there, or a policy that does not validate (all its faults are told)
 */
export async function readSides(
  old: string,
  next: string | undefined,
  policyPath: string,
  context: CommandContext,
): Promise<Sides> {
  const range = next === undefined ? /^(.*?)(\.\.\.?)(.*)$/.exec(old) : null;
  if (range !== null && (await kindOfPath(old, context)) === 'nothing') {
    const [, left = '', dots, right = ''] = range;
    const from = await revision(left === '' ? 'HEAD' : left, context);
    const to = await revision(right === '' ? 'HEAD' : right, context);
    const base = dots === '...' ? good(await mergeBase(context.cwd, from, to)) : from;
    return {
      old: await load(await inCommit(base, await rooted(policyPath, context), context)),
      new: await load(await inCommit(to, await rooted(policyPath, context), context)),
      oldAt: base,
      newAt: to,
      isFromMergeBase: dots === '...',
    };
  }
  const [from, to] = [
    await find(old, policyPath, context),
    await find(next ?? policyPath, policyPath, context),
  ];
  return {
    old: await load(from.found),
    new: await load(to.found),
    ...(from.at === undefined ? {} : { oldAt: from.at }),
    ...(to.at === undefined ? {} : { newAt: to.at }),
    isFromMergeBase: false,
  };
}

interface FoundSide {
  readonly found: readonly Found[];
  readonly at?: Commit;
}

async function find(spec: string, policyPath: string, context: CommandContext): Promise<FoundSide> {
  if ((await kindOfPath(spec, context)) !== 'nothing') return { found: await onDisk(spec, context) };
  const at = async (commit: Commit, path: string): Promise<FoundSide> => ({
    found: await inCommit(commit, path, context),
    at: commit,
  });
  const colon = spec.indexOf(':');
  if (colon > 0) {
    const path = spec.slice(colon + 1);
    // As git reads it: from the root of the repository, or from here if it starts with `./` or `../`.
    const root = /^\.\.?\//.test(path) ? await rooted(path, context) : path.replace(/\/+$/, '');
    return at(await revision(spec.slice(0, colon), context), root);
  }
  const answer = await resolveRevision(context.cwd, spec);
  if (answer.ok) return at(answer.value, await rooted(policyPath, context));
  throw new CliFailure(EXIT.malformed, `\`${spec}\` is neither a file, a folder nor a git revision`, {
    remedy:
      answer.error.code === 'UNKNOWN_REVISION'
        ? 'name a policy, a folder, a revision such as `main`, `REV:path`, or a range such as `main..HEAD`'
        : `${answer.error.message}; ${answer.error.remedy}`,
  });
}

async function onDisk(path: string, context: CommandContext): Promise<readonly Found[]> {
  const files = await policyFiles(path, context);
  return files.map((file) => ({
    label: file,
    path: file,
    read: () => readTextFile(file, context),
    cases: async () => {
      const cases = await casesFileBeside(file, context);
      return cases === undefined
        ? undefined
        : { label: cases, path: cases, text: await readTextFile(cases, context) };
    },
  }));
}

/** @param path - from the root of the repository */
async function inCommit(commit: Commit, path: string, context: CommandContext): Promise<readonly Found[]> {
  const found = good(await listAt(context.cwd, commit, path));
  const isFolder = found.kind === 'folder';
  const files = found.entries
    .filter(({ kind, name }) => kind === 'file' && (!isFolder || policyFileKind(name) === 'policy'))
    .map(({ name }) => name)
    .sort();
  if (files.length === 0)
    throw new CliFailure(EXIT.malformed, `revision \`${commit.name}\` has no policy in \`${path}\``, {
      remedy: 'a policy is a file such as `prompt-storage.yaml`',
    });
  const label = (file: string): string => `${commit.name}:${file}`;
  const read = async (file: string): Promise<string> => good(await readAt(context.cwd, commit, file));
  return files.map((file) => ({
    label: label(file),
    path: file,
    read: () => read(file),
    cases: async () => {
      const cases = casesFileFor(file);
      const there = await listAt(context.cwd, commit, cases);
      if (!there.ok && there.error.code === 'NOT_IN_REVISION') return undefined;
      return { label: label(cases), path: cases, text: await read(cases) };
    },
  }));
}

const revision = async (name: string, context: CommandContext): Promise<Commit> =>
  good(await resolveRevision(context.cwd, name));

const rooted = async (path: string, context: CommandContext): Promise<string> =>
  good(await pathFromRoot(context.cwd, path));

function good<T>(answer: Result<T, GitProblem>): T {
  if (answer.ok) return answer.value;
  throw new CliFailure(
    answer.error.code === 'GIT_FAILED' || answer.error.code === 'GIT_MISSING' ? EXIT.fault : EXIT.malformed,
    answer.error.message,
    { remedy: answer.error.remedy },
  );
}

/** All faults of all texts are told at once. */
async function load(found: readonly Found[]): Promise<readonly PolicyText[]> {
  const texts: PolicyText[] = [];
  const problems: Problem[] = [];
  for (const each of found) {
    const text = await each.read();
    const parsed = parsePolicy(text, each.label);
    const document = parseSourceDocument(text, each.label);
    if (!parsed.ok || !document.ok) {
      if (!parsed.ok) problems.push(...parsed.error);
      continue;
    }
    const beside = await each.cases();
    const cases =
      beside === undefined ? undefined : parsePolicyCases(beside.text, beside.label, parsed.value.policy);
    if (cases !== undefined && !cases.ok) {
      problems.push(...cases.error);
      continue;
    }
    texts.push({
      policy: parsed.value,
      document: document.value,
      path: each.path,
      ...(cases === undefined || beside === undefined
        ? {}
        : { cases: cases.value, casesPath: beside.path, casesHash: hashOfText(beside.text, beside.label) }),
    });
  }
  if (problems.length > 0) throw malformedDocuments(problems, 'there is no diff of what does not validate');
  return texts;
}

/** @throws {TypeError} if it does not parse; it has been parsed before */
function hashOfText(text: string, label: string): Sha256Hex {
  const document = parseSourceDocument(text, label);
  if (!document.ok) throw new TypeError(`${label} does not parse`);
  return hashOf(document.value.value);
}

/** The text of a file in a commit, by a path from here; undefined if the commit has none. */
export async function textInCommit(
  commit: Commit,
  path: string,
  context: CommandContext,
): Promise<{ readonly label: string; readonly text: string } | undefined> {
  const root = await rooted(path, context);
  const text = await readAt(context.cwd, commit, root);
  if (!text.ok && text.error.code === 'NOT_IN_REVISION') return undefined;
  return { label: `${commit.name}:${root}`, text: good(text) };
}

export interface PolicyPair {
  readonly old: PolicyText;
  readonly new: PolicyText;
}

/**
 * Which policy is which, by `metadata.id`. Two single policies are one pair whatever their ids: that they cannot be compared is
 * then said by the comparison itself.
 *
 * @throws {CliFailure} if one side has a policy that the other lacks: what it became cannot be told from here
 */
export function pairPolicies({ old, new: next }: Sides): readonly PolicyPair[] {
  const [onlyOld, onlyNew] = [old[0], next[0]];
  if (old.length === 1 && next.length === 1 && onlyOld !== undefined && onlyNew !== undefined)
    return [{ old: onlyOld, new: onlyNew }];
  const idOf = ({ policy }: PolicyText): string => policy.policy.metadata.id;
  for (const [mine, theirs, words] of [
    [old, next, 'new'],
    [next, old, 'old'],
  ] as const) {
    const alone = mine.find((each) => !theirs.some((other) => idOf(other) === idOf(each)));
    if (alone !== undefined)
      throw new CliFailure(EXIT.malformed, `the ${words} side has no policy \`${idOf(alone)}\``, {
        remedy:
          'a policy that begins or ends is no diff: review it as a whole, or name one file on each side',
      });
  }
  return old.flatMap((each) => {
    const same = next.find((other) => idOf(other) === idOf(each));
    return same === undefined ? [] : [{ old: each, new: same }];
  });
}
