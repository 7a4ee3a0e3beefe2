import { describe, expect, test } from 'vitest';
import { renderMarkdown } from '../../src/core/index.ts';

const rowOf = (cell: string): string =>
  renderMarkdown({
    title: 't',
    facts: [],
    sections: [
      {
        id: 's',
        title: 's',
        blocks: [{ kind: 'table', caption: 'c', columns: ['a', 'b'], rows: [[cell, 'x']] }],
      },
    ],
  })
    .split('\n')
    .at(-2) ?? '';

describe('a cell in Markdown', () => {
  test.each([
    ['keeps names in backticks as code', 'see `CP-01` now', '| see `CP-01` now | x |'],
    ['is not ended by a pipe', 'a | b', '| a \\| b | x |'],
    ['is not ended by a pipe inside code', 'a `b | c` d', '| a `b \\| c` d | x |'],
    ['leaves a backtick without a partner alone', 'one ` only', '| one \\` only | x |'],
    ['opens no element', '<b>&lt;', '| \\<b\\>&amp;lt; | x |'],
    ['opens no link', '[x](y) and ![z](w)', '| \\[x\\](y) and \\!\\[z\\](w) | x |'],
    [
      'becomes no link by itself',
      'http://a.example and www.b.example',
      '| http\\://a.example and www\\.b.example | x |',
    ],
    ['stays one line', 'a\nb\r\u2028c', '| a\\\\u\\{a\\}b\\\\u\\{d\\}\\\\u\\{2028\\}c | x |'],
    ['shows what turns the reading direction', '\u202ea', '| \\\\u\\{202e\\}a | x |'],
    ['begins no list', '- a', '| \\- a | x |'],
    ['begins no numbered list', '1. a', '| 1\\. a | x |'],
    ['emphasises nothing', '*a* _b_ ~c~', '| \\*a\\* \\_b\\_ \\~c\\~ | x |'],
  ])('%s', (_name, cell, expected) => {
    expect(rowOf(cell)).toBe(expected);
  });
});

test('a fence is longer than any run of backticks inside it', () => {
  const text = renderMarkdown({
    title: 't',
    facts: [],
    sections: [
      {
        id: 's',
        title: 's',
        blocks: [
          { kind: 'beside', title: 'b', sentences: ['````', '# no heading'], source: ['x'], firstLine: 1 },
        ],
      },
    ],
  });
  expect(text).toContain('`````text\n````\n# no heading\n`````');
});
