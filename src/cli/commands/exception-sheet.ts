import type { Command } from 'commander';
import { type ExceptionId, type Paper, renderMarkdown } from '../../core/index.ts';
import { decisionSheet } from '../../exceptions/index.ts';
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
    const { exception: record } = await viewOf(desk, id);
    const signed = await desk.call('getSheet', { params: { id } });
    if (!signed.ok)
      throw new CliFailure(
        EXIT.findings,
        signed.error.message,
        signed.error.remedy === undefined ? {} : { remedy: signed.error.remedy },
      );
    const { sheetHash, policyHash, markdown } = signed.value;
    const admission = record.admissions.find((each) => each.policyHash === policyHash);
    const fresh = admission && decisionSheet(record, admission);
    // What another version worded otherwise is shown as it was signed.
    const paper = fresh !== undefined && renderMarkdown(fresh) === markdown ? fresh : asSigned(markdown);
    switch (options.format) {
      case 'json':
        return writeJson(context, { exceptionId: id, sheetHash, ...paper });
      case 'html':
        context.stdout.write(
          renderPaperHtml(paper, {
            skip: 'Skip to what is decided',
            notice: `What is signed is the SHA-256 of this sheet’s Markdown form: \`${sheetHash}\``,
            footer: `Decide with: proviso exception approve ${id} --as ID --role ROLE --hash ${sheetHash.slice(0, 16)}`,
          }),
        );
        return;
      default:
        context.stdout.write(markdown);
    }
  });
}

/** Line by line, with the marks of Markdown. */
function asSigned(markdown: string): Paper {
  const [title = '', ...lines] = markdown.split('\n');
  return {
    title: title.replace(/^# /, ''),
    facts: [['Worded by', 'another version of Proviso; this is its Markdown form, as it was signed']],
    sections: [
      {
        id: 'as-signed',
        title: 'As it was signed',
        blocks: lines.filter((line) => line !== '').map((text) => ({ kind: 'text', text })),
      },
    ],
  };
}
