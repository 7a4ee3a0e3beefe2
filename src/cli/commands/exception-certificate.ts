import { createPublicKey, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { statePaths } from '../../adapters/embedded/state-files.ts';
import { canonicalJson, type ExceptionId, sha256Hex } from '../../core/index.ts';
import { describeState, type SignedCertificate } from '../../exceptions/index.ts';
import { certificateLines } from '../certificate-text.ts';
import type { CommandContext } from '../context.ts';
import { type CommonOptions, commandAbout, recordOf } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { writeJson, writeLines } from '../output.ts';
import { withState } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'certificate',
    'Print the signed certificate of closure and verify its signature.',
    'proviso exception certificate ex-a1b2c3d4e5f6',
  ).action((id: ExceptionId, options: CommonOptions) => certificate(id, options, context));
}

async function certificate(id: ExceptionId, options: CommonOptions, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    const record = await recordOf(state, id);
    if (record.certificate === undefined)
      throw new CliFailure(
        EXIT.findings,
        `\`${id}\` has no certificate: it is ${describeState(record.state)}`,
        { remedy: 'a certificate is signed when an exception closes' },
      );
    const file = join(
      statePaths(state.directory).certificates,
      `${id}-${record.certificate.hash.slice(0, 12)}.json`,
    );
    if (!existsSync(file))
      throw new CliFailure(EXIT.fault, `the certificate of \`${id}\` is missing from the state directory`, {
        remedy: 'restore it from a backup',
      });
    const signed = JSON.parse(readFileSync(file, 'utf8')) as SignedCertificate;
    const bytes = canonicalJson(signed.statement);
    const isValid =
      sha256Hex(bytes) === record.certificate.hash &&
      verify(
        signed.signature.algorithm === 'Ed25519' ? null : 'sha256',
        Buffer.from(bytes),
        createPublicKey(signed.signature.publicKey),
        Buffer.from(signed.signature.signature, 'base64'),
      );
    if (!isValid)
      throw new CliFailure(EXIT.findings, `the certificate of \`${id}\` was changed after it was signed`, {
        remedy: 'compare it with a copy; the hash in the record is what was signed',
      });
    if (options.format === 'json') return writeJson(context, signed);
    writeLines(context, certificateLines(signed, context.width));
  });
}
