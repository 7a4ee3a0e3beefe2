import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateStore, SignedCertificate } from '../../exceptions/index.ts';
import { gather, type Settled } from '../../runtime/index.ts';

interface NewFile {
  readonly file: string;
  readonly text: string;
}

/**
 * One JSON file per certificate, named by exception and statement hash; the exception's record names the one that counts. Each is on
 * disk before `save` returns. A crash between saving and recording leaves a file that nothing refers to, never an overwritten certificate.
 *
 * @param isGathered - those of one turn of the event loop wait for the disk together
 */
export function certificateFiles(directory: string, isGathered = false): CertificateStore {
  const fileOf = (exceptionId: string, statementHash: string): string =>
    join(directory, `${exceptionId}-${statementHash.slice(0, 12)}.json`);
  const write = isGathered ? gather(writeTogether) : async (one: NewFile) => writeOne(one);
  return {
    async save(exceptionId, certificate) {
      mkdirSync(directory, { recursive: true });
      const file = fileOf(exceptionId, certificate.statementHash);
      if (!existsSync(file)) await write({ file, text: `${JSON.stringify(certificate, undefined, 2)}\n` });
    },
    async read(exceptionId, statementHash) {
      const file = fileOf(exceptionId, statementHash);
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SignedCertificate) : undefined;
    },
  };
}

const draftOf = (file: string): string => `${file}.draft`;
const MODE = 0o644;

function writeOne({ file, text }: NewFile): void {
  const descriptor = openSync(draftOf(file), 'w', MODE);
  writeSync(descriptor, text);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(draftOf(file), file);
}

async function writeTogether(all: readonly NewFile[]): Promise<readonly Settled<void>[]> {
  const byFile = new Map(all.map((one) => [one.file, one]));
  const written = new Map(
    [...byFile.values()].map((one) => [
      one.file,
      writeBeside(one).then(
        (): Settled<void> => ({ ok: true, value: undefined }),
        (error: unknown): Settled<void> => ({ ok: false, error }),
      ),
    ]),
  );
  return Promise.all(
    all.map(async ({ file }) => (await written.get(file)) ?? { ok: true, value: undefined }),
  );
}

/** As `writeOne`, while others are written. */
async function writeBeside({ file, text }: NewFile): Promise<void> {
  const handle = await open(draftOf(file), 'w', MODE);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draftOf(file), file);
}
