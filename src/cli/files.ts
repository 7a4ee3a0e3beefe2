import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

/** What stands at a path of the command line. */
export async function kindOfPath(
  path: string,
  context: CommandContext,
): Promise<'file' | 'folder' | 'nothing'> {
  try {
    const found = await stat(resolve(context.cwd, path));
    return found.isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return 'nothing';
    throw unreadable(path, error);
  }
}

/** @throws {CliFailure} when it cannot be read or is not UTF-8: a policy must not be read with characters replaced */
export async function readTextFile(path: string, context: CommandContext): Promise<string> {
  let bytes: Buffer;
  try {
    const found = await stat(resolve(context.cwd, path));
    // A pipe or a device could be read for ever, and never twice with the same answer.
    if (!found.isFile() && !found.isDirectory())
      throw new CliFailure(EXIT.malformed, `\`${path}\` is not a regular file`, {
        remedy: 'write the text to a file and name that',
      });
    bytes = await readFile(resolve(context.cwd, path));
  } catch (error) {
    throw error instanceof CliFailure ? error : unreadable(path, error);
  }
  const hasUtf16Mark = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (hasUtf16Mark)
    throw new CliFailure(EXIT.malformed, `\`${path}\` is UTF-16 text`, { remedy: 'save it as UTF-8' });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CliFailure(EXIT.malformed, `\`${path}\` is not UTF-8 text`, { remedy: 'save it as UTF-8' });
  }
}

/** Paths below `folder` whose name `isWanted`, sorted by name; subfolders are not entered. */
export async function listFiles(
  folder: string,
  isWanted: (name: string) => boolean,
  context: CommandContext,
): Promise<readonly string[]> {
  try {
    const entries = await readdir(resolve(context.cwd, folder), { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && isWanted(entry.name))
      .map((entry) => join(folder, entry.name))
      .sort();
  } catch (error) {
    throw unreadable(folder, error);
  }
}

/** Writes a report whole or not at all: a reader never sees half of one. */
export async function writeTextFile(
  path: string,
  text: string | Iterable<string>,
  context: CommandContext,
): Promise<void> {
  const target = resolve(context.cwd, path);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.new`);
  try {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(temporary, typeof text === 'string' ? text : Readable.from(text), { flag: 'wx' });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new CliFailure(EXIT.fault, `\`${path}\` could not be written: ${codeOf(error)}`, {
      remedy: 'check that the folder exists, its permissions and the free space',
    });
  }
}

function unreadable(path: string, error: unknown): CliFailure {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR'
    ? new CliFailure(EXIT.malformed, `there is no \`${path}\``, { remedy: 'check the path' })
    : new CliFailure(EXIT.malformed, `\`${path}\` could not be read: ${CODE_WORDS[code] ?? code}`, {
        remedy: 'check what it is and its permissions',
      });
}

const CODE_WORDS: Readonly<Record<string, string>> = {
  ELOOP: 'its symbolic links lead back to themselves',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'its name is too long',
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
