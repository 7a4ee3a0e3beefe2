import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../src/core/display-width.ts';
import {
  DOCUMENT_PROBLEMS,
  type DocumentLimits,
  formatProblem,
  type Problem,
  parseSourceDocument,
} from '../../src/core/index.ts';

const problemsOf = (text: string, limits?: DocumentLimits): readonly Problem[] => {
  const document = parseSourceDocument(text, 'a.yaml', limits);
  return document.ok ? [] : document.error;
};

/** `«` marks where the first problem is expected; it is taken out before parsing. */
const refusals: readonly (readonly [name: string, text: string, code: string, path: string])[] = [
  ['a key twice, named with its path', 'a:\n  b: 1\n  «b: 2\n', 'duplicate-key', 'a.b'],
  ['a key twice in an entry of a list', 'a:\n  - { b: 1, «b: 2 }\n', 'duplicate-key', 'a[0].b'],
  ['a tab as indentation', 'a:\n«\tb: 1\n', 'yaml-syntax', ''],
  ['an unclosed quote, where it begins', 'a: 1\nb: «"two\n', 'yaml-syntax', ''],
  ['an unclosed list, where it begins', 'a: 1\nb: «[1, 2\nc: 3\nd: 4\n', 'yaml-syntax', ''],
  ['the inner one of two unclosed lists', 'b: [1, «[2, 3\nc: 3\n', 'yaml-syntax', ''],
  ['an unclosed mapping around a closed list', 'x:\n  b: «{ a: [1]\n  c: 3\n', 'yaml-syntax', ''],
  ['a directive that makes 010 an eight', '«%YAML 1.1\n---\na: 010\n', 'directive', ''],
  ['any other directive, below remarks', '\ufeff# x\n\n«%TAG ! tag:x\n---\na: 1\n', 'directive', ''],
  ['line ends of a carriage return alone', 'a: 1«\rb: 2\rc: 3\r', 'line-end', ''],
  ['one carriage return that overwrites its line', 'a: 1 # x«\ry\nb: 2\n', 'line-end', ''],
  ['UTF-16 read as UTF-8', `«${Buffer.from('kind: Policy\n', 'utf16le').toString()}`, 'not-utf-8', ''],
  ['an anchor', 'a: «&x 1\n', 'alias', 'a'],
  ['an alias bomb', 'a: «&x [1, 2]\nb: [*x, *x, *x]\n', 'alias', 'a'],
  ['a tag', 'a: «!secret x\n', 'tag', 'a'],
  ['several documents', 'a: 1\n«---\nb: 2\n', 'several-documents', ''],
  ['an empty file', '«', 'empty-document', ''],
  ['a file of remarks only', '«# nothing\n', 'empty-document', ''],
  ['a number as a key', 'a: 1\n«7: 2\n', 'key-not-text', ''],
  ['a merge conflict', 'a: 1\n«<<<<<<< ours\nb: 2\n=======\nb: 3\n>>>>>>> theirs\n', 'conflict-marker', ''],
  ['a direction override in a remark', 'a: 1 # x«\u202ey\n', 'hidden-character', ''],
  ['an escaped direction override', 'a: «"x\\u202ey"\n', 'hidden-character', 'a'],
  ['a control character that drives terminals', 'a: «\u001b[2Jx\n', 'hidden-character', ''],
  ['an integer that would lose digits', 'a: «12345678901234567890\n', 'number-not-exact', 'a'],
  ['a number that JSON does not have', 'a:\n  - «.inf\n', 'number-not-exact', 'a[0]'],
];

describe('a document that is refused', () => {
  it.each(refusals)('%s', (_name, marked, code, path) => {
    const offset = marked.indexOf('«');
    const text = marked.replace('«', '');
    const before = text.slice(0, offset).split('\n');
    const [first] = problemsOf(text);
    expect(first).toMatchObject({
      code,
      path,
      line: before.length,
      column: (before.at(-1)?.length ?? 0) + 1,
      file: 'a.yaml',
    });
    expect(Object.keys(DOCUMENT_PROBLEMS)).toContain(first?.code);
  });

  it('is told about every fault that stands by itself', () => {
    const codes = problemsOf('a: &x 1\nb: !t 2\n3: 4\nc: .nan\n').map(({ code }) => code);
    expect(codes).toEqual(['alias', 'tag', 'key-not-text', 'number-not-exact']);
  });

  it('is told once about UTF-16 and about line ends, not about every character', () => {
    expect(problemsOf(Buffer.from('kind: Policy\na: b\n', 'utf16le').toString())).toHaveLength(1);
    expect(problemsOf('a: 1\rb: 2\rc: 3\r')).toHaveLength(1);
  });

  it.each<readonly [string, string, readonly number[]]>([
    [
      'every line of a mapping that is indented too little',
      'a:\n    b: 1\n  c: 2\n  d: 3\n  e:\n    - x\n  f: 1\n',
      [3],
    ],
    ['two mappings that are, each by itself', 'a:\n    b: 1\n  c: 2\n  d: 3\ng:\n    b: 1\n  h: 2\n', [3, 7]],
    ['tabs on lines that follow each other', 'a:\n\tb: 1\n\tc: 2\n\td: 3\n', [2]],
    ['two wrong indentations of different depth', 'a:\n  b: 1\n   c: 2\n  d: 3\n e: 4\nf: 5\n', [2, 5]],
    ['two texts that must be in quotes', 'a: @x\nb: 2\nc: `x\n', [1, 3]],
  ])('is told the first of the faults that one wrong indentation makes: %s', (_name, text, lines) => {
    const problems = problemsOf(text);
    expect(problems.map(({ line }) => line)).toEqual(lines);
    const mayEcho = problems.filter(({ remedy }) => remedy.endsWith('; what follows may come from it'));
    expect(mayEcho.length).toBe(/quotes/.test(_name) ? 0 : 1);
  });

  it('is too long, too large or too deep by the limits given', () => {
    expect(problemsOf('a: 12345', { maxBytes: 5 })[0]?.code).toBe('document-too-long');
    expect(problemsOf('[1, 2, 3, 4]', { maxNodes: 3 })[0]?.code).toBe('document-too-large');
    expect(problemsOf('a: [[[1]]]', { maxDepth: 2 })[0]?.code).toBe('document-too-deep');
    expect(problemsOf('a: [[[1]]]', { maxDepth: 4 })).toEqual([]);
  });

  it('is nested so deeply that a parser would run out of stack', () => {
    const problems = problemsOf('['.repeat(100_000));
    expect(problems.map(({ code }) => code)).toEqual(['document-too-deep']);
  });
});

describe('a document that is read', () => {
  it.each<readonly [string, string, unknown]>([
    ['keeps dates as text', 'a: 2026-12-01', { a: '2026-12-01' }],
    ['keeps yes and no as text', 'a: yes', { a: 'yes' }],
    ['takes a byte order mark', '\ufeffa: 1', { a: 1 }],
    ['takes Windows line ends', 'a: 1\r\nb: 2\r\n', { a: 1, b: 2 }],
    ['takes conflict markers inside a block of text', 'a: |\n  <<<<<<< ours\n', { a: '<<<<<<< ours\n' }],
    ['takes `<<` as a plain key, never as a merge', '<<: { b: 1 }', { '<<': { b: 1 } }],
  ])('%s', (_name, text, value) => {
    const document = parseSourceDocument(text, 'a.yaml');
    expect(document.ok && document.value.value).toEqual(value);
  });

  it('remembers how a value was written', () => {
    const document = parseSourceDocument('a:\n  - 1.0\n  - "1.0"\n  - { b: 0x10 }\n', 'a.yaml');
    if (!document.ok) throw new Error('expected a document');
    const { writtenAt } = document.value;
    expect([writtenAt(['a', 0]), writtenAt(['a', 1]), writtenAt(['a', 2, 'b'])]).toEqual([
      '1.0',
      '1.0',
      '0x10',
    ]);
    expect([writtenAt(['a']), writtenAt(['c', 0])]).toEqual([undefined, undefined]);
  });

  it('points at keys, values, and the mapping of a key that is missing', () => {
    const document = parseSourceDocument('a:\n  - b: 1\n    c: 2\n', 'a.yaml');
    if (!document.ok) throw new Error('expected a document');
    const at = (path: (string | number)[], where?: 'key') => {
      const { line, column } = document.value.problemAt(path, 'x', 'm', 'r', where);
      return [line, column];
    };
    expect(at(['a', 0, 'c'])).toEqual([3, 8]);
    expect(at(['a', 0, 'c'], 'key')).toEqual([3, 5]);
    expect(at(['a', 0, 'missing'])).toEqual([2, 5]);
    expect(at(['a', 0])).toEqual([2, 5]);
  });
});

describe('a formatted problem', () => {
  const problem: Problem = {
    code: 'wrong-type',
    file: 'policies/a.yaml',
    line: 3,
    column: 8,
    path: 'a.b',
    message: 'expected text, found `7`',
    remedy: 'put it in quotes',
    excerpt: '    b: 7',
  };

  it.each([
    ['wide characters in the line', { excerpt: `a: ${'漢'.repeat(60)}`, column: 50 }],
    ['wide characters after the caret only', { excerpt: `a: ${'漢'.repeat(60)}`, column: 4 }],
    ['a deep path', { path: `controls[2].require${'.all[0].any[10].not'.repeat(12)}` }],
    ['a long word without any break', { message: 'x'.repeat(300) }],
  ])('fits 80 columns with %s', (_name, more) => {
    const lines = formatProblem({ ...problem, ...more }).split('\n');
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });

  it('puts the caret below a character, whatever the width of those before it', () => {
    const lines = formatProblem({ ...problem, excerpt: '漢字: é 7', column: 7 }).split('\n');
    expect(lines.slice(2, 4)).toEqual(['    漢字: é 7', '            ^']);
  });

  it('shows place, path, line, caret and remedy', () => {
    expect(formatProblem(problem)).toBe(
      [
        'policies/a.yaml:3:8',
        '  a.b: expected text, found `7` [wrong-type]',
        '        b: 7',
        '           ^',
        '  put it in quotes',
      ].join('\n'),
    );
  });

  it('keeps control characters of the file away from the terminal, in every part', () => {
    const hostile = '\u001b[2J\u0007\u202e';
    const text = formatProblem({
      ...problem,
      message: hostile,
      remedy: hostile,
      excerpt: hostile,
      path: hostile,
      file: hostile,
    });
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });

  it('puts the caret under its column and fits 80 columns, wherever the fault is', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), (length, at) => {
        const column = Math.min(at, length) + 1;
        const excerpt = Array.from({ length }, (_, index) => (index === column - 1 ? 'X' : '.')).join('');
        const [, , shown = '', caret = ''] = formatProblem({ ...problem, column, excerpt }).split('\n');
        expect(Math.max(shown.length, caret.length)).toBeLessThanOrEqual(80);
        if (column <= length) expect(shown[caret.length - 1]).toBe('X');
      }),
    );
  });
});

it('never throws, whatever the text is', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab:-[]{}&*!|>"\' \n\t#%@`,?') }), (text) => {
      const document = parseSourceDocument(text, 'a.yaml');
      if (document.ok) return;
      expect(document.error.length).toBeGreaterThan(0);
      for (const problem of document.error) {
        expect(Object.keys(DOCUMENT_PROBLEMS)).toContain(problem.code);
        expect(problem.line).toBeLessThanOrEqual(text.split('\n').length);
      }
    }),
    { numRuns: 500 },
  );
});
