import { createPublicKey, verify } from 'node:crypto';
import type { Command } from 'commander';
import { canonicalJson, type ExceptionId, renderMarkdown, sha256Hex } from '../../core/index.ts';
import { certificatePaper } from '../certificate-paper.ts';
import { certificateLines } from '../certificate-text.ts';
import type { CommandContext } from '../context.ts';
import { withDesk } from '../desk.ts';
import { type CommonOptions, commandAbout, unknownOr } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { formatOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { renderPaperHtml } from '../report/paper-html.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'certificate',
    'Print the signed certificate of closure and verify its signature.',
    'proviso exception certificate ex-a1b2c3d4e5f6',
    formatOption('text', 'json', 'markdown', 'html'),
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
    switch (options.format) {
      case 'json':
        return writeJson(context, signed);
      case 'markdown':
        context.stdout.write(renderMarkdown(certificatePaper(signed)));
        return;
      case 'html':
        context.stdout.write(
          renderPaperHtml(certificatePaper(signed), {
            skip: 'Skip to the finding',
            notice:
              'It says what was not listed at these locations at these times, and never more than was seen.',
            footer:
              'The signature is over the JSON form of this statement; the program that made this page had verified it.',
          }),
        );
        return;
      default:
        writeLines(context, certificateLines(signed, context.width));
    }
  });
}
