import { HIDDEN_CHARACTERS } from './hidden-characters.ts';
import type { Block, Paper } from './paper.ts';

/**
 * A document as Markdown (CommonMark with tables). Everything that is said is escaped, so that a name can neither end a table, open a
 * link, nor bring in HTML. The same document gives the same bytes.
 */
export function renderMarkdown({ title, facts, sections }: Paper): string {
  const lines = [
    `# ${inline(title)}`,
    '',
    ...facts.map(([name, value]) => `- ${inline(name)}: ${inline(value)}`),
    '',
    ...sections.flatMap((section) => [
      `## ${inline(section.title)}`,
      '',
      ...section.blocks.flatMap((block) => [...blockLines(block), '']),
    ]),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function blockLines(block: Block): readonly string[] {
  switch (block.kind) {
    case 'text':
      return [inline(block.text)];
    case 'list':
      return block.items.map((item) => `- ${inline(item)}`);
    case 'table':
      return [
        row(block.columns),
        row(block.columns.map(() => '---')),
        ...block.rows.map((cells) => row(cells.map(inline))),
      ];
    case 'beside':
      return [
        `### ${inline(block.title)}`,
        '',
        ...fenced('text', block.sentences),
        '',
        `Lines ${block.firstLine} to ${block.firstLine + block.source.length - 1} of the file:`,
        '',
        ...fenced('yaml', block.source),
      ];
  }
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A fence longer than any run of backticks inside it. */
function fenced(language: string, lines: readonly string[]): readonly string[] {
  const longest = Math.max(
    2,
    ...lines.flatMap((line) => [...line.matchAll(/`+/g)].map(([run]) => run.length)),
  );
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...lines.map(visible), fence];
}

/** Text with `names` as code. The last backtick of an odd number has no partner and stays what it is. */
function inline(text: string): string {
  const parts = visible(text).split('`');
  return parts
    .map((part, index) => {
      const isCode = index % 2 === 1 && index < parts.length - 1;
      if (isCode) return part === '' ? '' : `\`${part.replace(/\|/g, '\\|')}\``;
      return (index % 2 === 1 ? '\\`' : '') + escaped(part);
    })
    .join('');
}

/** Every character that means something in Markdown or HTML, as itself; also what begins a list, and what becomes a link by itself. */
const escaped = (text: string): string =>
  text
    .replace(/[\\*_{}[\]<>#|!~&]/g, (character) => (character === '&' ? '&amp;' : `\\${character}`))
    .replace(/^([-+=])/, '\\$1')
    .replace(/^([0-9]+)([.)])/, '$1\\$2')
    .replace(/:\/\//g, '\\://')
    .replace(/\bwww\./gi, (start) => `${start.slice(0, 3)}\\.`);

/** One line in which nothing hides: such characters become their escapes. */
const visible = (text: string): string =>
  text.replace(HIDDEN_CHARACTERS, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
