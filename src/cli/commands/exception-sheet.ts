import type { Command } from 'commander';
import type { ExceptionView } from '../../api/index.ts';
import { type ExceptionId, renderMarkdown, sha256Hex } from '../../core/index.ts';
import { decisionSheet, sheetFault } from '../../exceptions/index.ts';
import type { CommandContext } from '../context.ts';
import { withDesk } from '../desk.ts';
import { type CommonOptions, commandAbout, viewOf } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { formatOption } from '../options.ts';
import { writeJson } from '../output.ts';
import { renderPaperHtml } from '../report/paper-html.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'sheet',
    'Print the decision sheet of an exception. Its SHA-256, of exactly the bytes of the Markdown form, is what approvers sign.',
    'proviso exception sheet ex-a1b2c3d4e5f6 --format html > sheet.html',
    formatOption('markdown', 'html', 'json'),
  ).action((id: ExceptionId, options: CommonOptions) => sheet(id, options, context));
}

async function sheet(id: ExceptionId, options: CommonOptions, context: CommandContext): Promise<void> {
  await withDesk(options, context, async (desk) => {
    const { exception: record, policyHash } = await viewOf(desk, id);
    const admission =
      record.admissions.find((each) => each.policyHash === policyHash) ?? record.admissions.at(-1);
    if (admission === undefined) throw new Error(`\`${id}\` has no decision sheet`);
    const paper = decisionSheet(record, admission);
    const markdown = renderMarkdown(paper);
    assertUnchanged(record, admission.policyHash);
    switch (options.format) {
      case 'json':
        return writeJson(context, { exceptionId: id, sheetHash: sha256Hex(markdown), ...paper });
      case 'html':
        context.stdout.write(
          renderPaperHtml(paper, {
            skip: 'Skip to what is decided',
            notice: `What is signed is the SHA-256 of this sheet’s Markdown form: \`${admission.sheetHash}\``,
            footer: `Decide with: proviso exception approve ${id} --as ID --role ROLE --hash ${admission.sheetHash.slice(0, 16)}`,
          }),
        );
        return;
      default:
        context.stdout.write(markdown);
    }
  });
}

function assertUnchanged(
  record: ExceptionView['exception'],
  policyHash: (typeof record.policyHashes)[number],
): void {
  const fault = sheetFault(record, policyHash);
  if (fault !== undefined)
    throw new CliFailure(EXIT.findings, `\`${record.id}\`: ${fault}`, {
      remedy:
        'compare the state with a backup: somebody or a newer version changed what stands in the record',
    });
}
