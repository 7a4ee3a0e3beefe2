import { createPublicKey, verify } from 'node:crypto';
import type { Command } from 'commander';
import { canonicalJson, type ExceptionId, sha256Hex } from '../../core/index.ts';
import { certificateLines } from '../certificate-text.ts';
import type { CommandContext } from '../context.ts';
import { withDesk } from '../desk.ts';
import { type CommonOptions, commandAbout, unknownOr } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { writeJson, writeLines } from '../output.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'certificate',
    'Print the signed certificate of closure and verify its signature.',
    'proviso exception certificate ex-a1b2c3d4e5f6',
  ).action((id: ExceptionId, options: CommonOptions) => certificate(id, options, context));
}

async function certificate(id: ExceptionId, options: CommonOptions, context: CommandContext): Promise<void> {
  await withDesk(options, context, async (desk) => {
    const kept = await desk.call('getCertificate', { params: { id } });
    if (!kept.ok) throw unknownOr(kept.error);
    const { certificate: signed, hash } = kept.value;
    const bytes = canonicalJson(signed.statement);
    const isValid =
      sha256Hex(bytes) === hash &&
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
