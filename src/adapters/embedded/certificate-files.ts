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
import { join } from 'node:path';
import type { CertificateStore, SignedCertificate } from '../../exceptions/index.ts';

/**
 * One JSON file per certificate, named by exception and statement hash; the exception's record names the one that counts. A crash
 * between saving and recording leaves a file that nothing refers to, never an overwritten certificate.
 */
export function certificateFiles(directory: string): CertificateStore {
  return {
    async save(exceptionId, certificate) {
      mkdirSync(directory, { recursive: true });
      const file = join(directory, `${exceptionId}-${certificate.statementHash.slice(0, 12)}.json`);
      if (existsSync(file)) return;
      const draft = `${file}.draft`;
      const descriptor = openSync(draft, 'w', 0o644);
      writeSync(descriptor, `${JSON.stringify(certificate, undefined, 2)}\n`);
      fsyncSync(descriptor);
      closeSync(descriptor);
      renameSync(draft, file);
    },
    async read(exceptionId, statementHash) {
      const file = join(directory, `${exceptionId}-${statementHash.slice(0, 12)}.json`);
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SignedCertificate) : undefined;
    },
  };
}
