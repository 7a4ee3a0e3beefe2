import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { displayWidth, takeColumns } from './display-width.ts';
import { err, ok, type Result } from './result.ts';

/** A fault in a document that a person wrote, told in their words. */
export interface Problem {
  readonly code: string;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** `exceptions.limits.retention`, `controls[2].require`; empty for the whole document. */
  readonly path: string;
  readonly message: string;
  /** What to write instead. */
  readonly remedy: string;
  /** The source line, for the caret. */
  readonly excerpt: string;
}

export type DocumentPath = readonly (string | number)[];

/** What any document may be refused for, before anybody looks at what it means. Codes are stable. */
export const DOCUMENT_PROBLEMS = {
  'yaml-syntax': 'the text is not YAML',
  'duplicate-key': 'a key stands twice in one mapping',
  'several-documents': 'the file holds several YAML documents',
  'empty-document': 'there is nothing in the file',
  directive: 'a line that starts with `%` changes how the rest is read',
  'not-utf-8': 'the file is not UTF-8 text, but most likely UTF-16',
  'line-end': 'a line ends with a carriage return alone',
  'document-too-long': 'the file has too many bytes',
  'document-too-large': 'the file has too many values',
  'document-too-deep': 'values are nested too deeply',
  alias: 'a YAML anchor or alias is used',
  tag: 'a YAML tag is used',
  'key-not-text': 'a key is a number, a list or a mapping',
  'conflict-marker': 'a merge conflict was left in the file',
  'hidden-character': 'a character that a reader cannot see changes or hides text',
  'number-not-exact': 'a number cannot be kept exactly',
} as const;
export type DocumentProblemCode = keyof typeof DOCUMENT_PROBLEMS;

/** A parsed document that still knows where each value stands in the file. */
export interface SourceDocument {
  readonly file: string;
  readonly value: unknown;
  /** What is written at `path` for one value, without quotes: `1.0`, where the value is 1; nothing for mappings and lists. */
  writtenAt(path: DocumentPath): string | undefined;
  problemAt(path: DocumentPath, code: string, message: string, remedy: string, at?: 'key' | 'value'): Problem;
}

export interface DocumentLimits {
  /** Bytes of text; default 1 MiB. */
  readonly maxBytes?: number;
  /** Nodes after parsing; default 200,000. */
  readonly maxNodes?: number;
  /** Mappings and lists inside each other; default 100. */
  readonly maxDepth?: number;
}

const DEFAULT_MAX_BYTES = 1024 * 1024;
const DEFAULT_MAX_NODES = 200_000;
const DEFAULT_MAX_DEPTH = 100;
/** Syntax faults breed: after this many in one pass, more of them help nobody. */
const MAX_PROBLEMS = 50;

/**
 * Parses one YAML 1.2 document (core schema, JSON types only) and keeps positions.
 * All syntax errors are reported, not the first. Refused beside syntax errors: duplicate keys, keys that are not text, anchors
 * and aliases (a governance file has no use for them, and they hide both billion-laughs bombs and surprises in review),
 * tags, several documents, an empty document, leftover conflict markers, numbers that lose digits, characters that make a
 * reviewer see another text than the parser (direction overrides, control characters), `%` directives (`%YAML 1.1` makes 010 an eight),
 * line ends that are a carriage return alone, and text that is too long or too deep.
 */
export function parseSourceDocument(
  text: string,
  file: string,
  limits: DocumentLimits = {},
): Result<SourceDocument, readonly Problem[]> {
  const lines = text.split(/\r?\n/);
  const starts = lineStarts(text);
  const make: MakeProblem = (offset, path, code, message, remedy) => {
    const { line, column } = positionOf(starts, Math.min(offset, text.length));
    return {
      code,
      file,
      line,
      column,
      path: formatPath(path),
      message,
      remedy,
      excerpt: lines[line - 1] ?? '',
    };
  };
  const maxBytes = limits.maxBytes ?? DEFAULT_MAX_BYTES;
  if (Buffer.byteLength(text) > maxBytes) {
    return err([
      make(
        0,
        [],
        'document-too-long',
        `the file has more than ${maxBytes} bytes`,
        'split it, or remove what does not belong in it',
      ),
    ]);
  }
  // These make everything after them unreadable or untrustworthy, so they are told alone.
  const foreign = [...otherEncoding(text, make), ...loneCarriageReturns(text, make)];
  if (foreign.length > 0) return err(foreign.slice(0, 1));
  const early = [...directives(text, make), ...conflictMarkers(text, make), ...hiddenCharacters(text, make)];
  if (early.length > 0) return err(early.slice(0, MAX_PROBLEMS));

  const document = parseDocument(text, {
    uniqueKeys: true,
    strict: true,
    prettyErrors: false,
    schema: 'core',
    version: '1.2',
    // Not `silent`: then the parser reads the first of several documents and says nothing.
    logLevel: 'error',
  });
  // Tags are refused below, known or not, with their path.
  const faults = [...document.errors, ...document.warnings].filter(
    ({ code }) => code !== 'TAG_RESOLVE_FAILED',
  );
  // Past the parser's own depth limit every further fault is an echo of the first.
  const exhausted = faults.find((fault) => fault.code === 'RESOURCE_EXHAUSTION');
  const problems: Problem[] = exhausted
    ? [syntaxProblem(document, exhausted, text, make)]
    : withoutEchoes(
        text,
        faults.toSorted((left, right) => left.pos[0] - right.pos[0]),
      )
        .slice(0, MAX_PROBLEMS)
        .map(({ fault, echoes }) => {
          const problem = syntaxProblem(document, fault, text, make);
          return echoes === 0
            ? problem
            : { ...problem, remedy: `${problem.remedy}; what follows may come from it` };
        });
  if (problems.length === 0) problems.push(...refusedNodes(document, text, limits, make));
  if (problems.length === 0 && (document.contents === null || isNullScalar(document.contents))) {
    problems.push(
      make(0, [], 'empty-document', 'the file is empty', 'write the document, starting with `kind:`'),
    );
  }
  if (problems.length > 0) return err(problems);

  return ok({
    file,
    value: document.toJS({ maxAliasCount: 0 }),
    writtenAt: (path) => {
      const node = document.getIn(path, true);
      return isScalar(node) ? (node.source ?? String(node.value)) : undefined;
    },
    problemAt: (path, code, message, remedy, where = 'value') =>
      make(offsetOf(document, path, where), path, code, message, remedy),
  });
}

const isNullScalar = (node: Node): boolean => isScalar(node) && node.value === null;

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Line and column, both 1-based; the column counts UTF-16 units, as editors do. */
function positionOf(starts: readonly number[], offset: number): { line: number; column: number } {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}

/** A text of UTF-16 that was read as UTF-8 is half zeros: one fault, not one for each of them. */
function otherEncoding(text: string, make: MakeProblem): Problem[] {
  const zeros = text.split('\u0000').length - 1;
  return zeros === 0 || zeros < text.length / 4
    ? []
    : [make(0, [], 'not-utf-8', 'this looks like UTF-16', 'save it as UTF-8')];
}

/** The parser takes a carriage return alone for a space and a terminal goes back to the start of the line: people see another text. */
function loneCarriageReturns(text: string, make: MakeProblem): Problem[] {
  const first = /\r(?!\n)/.exec(text);
  if (first === null) return [];
  return [
    make(
      first.index,
      [],
      'line-end',
      text.includes('\n')
        ? 'a line ends with a carriage return alone'
        : 'the lines end with a carriage return alone, as on an old Macintosh',
      'save the file with Unix (LF) or Windows (CRLF) line ends',
    ),
  ];
}

/**
 * Lines with `%` before the document. `%YAML 1.1` changes what numbers and words mean (010 is eight, `yes` is true), and a reviewer who
 * looks at a change further below does not see it.
 */
function directives(text: string, make: MakeProblem): Problem[] {
  const found: Problem[] = [];
  for (const match of text.matchAll(/^.*$/gm)) {
    const line = match[0].replace(/^\ufeff/, '');
    if (/^\s*(#.*)?$/.test(line)) continue;
    if (!line.startsWith('%') || found.length === MAX_PROBLEMS) break;
    found.push(
      make(
        match.index + match[0].length - line.length,
        [],
        'directive',
        'a line that starts with `%` changes how the rest of the file is read',
        'remove the line: the file is read as YAML 1.2',
      ),
    );
  }
  return found;
}

/** Lines that git leaves behind. Only at the start of a line: inside an indented block of text they are text. */
function conflictMarkers(text: string, make: MakeProblem): Problem[] {
  return [...text.matchAll(/^(?:<{7} |>{7} ).*$/gm)].map((match) =>
    make(
      match.index,
      [],
      'conflict-marker',
      'a merge conflict was left in the file',
      'decide which side holds and remove the lines with `<<<<<<<`, `=======` and `>>>>>>>`',
    ),
  );
}

/*
 * The attacker here writes a policy that a reviewer reads differently than the parser: direction overrides and isolates,
 * zero-width spaces, and control characters that drive a terminal.
 */
const HIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\u200b\u202a-\u202e\u2060\u2066-\u2069]|(?!^)\ufeff/g;

function hiddenCharacters(
  text: string,
  make: MakeProblem,
  offset?: number,
  path: DocumentPath = [],
): Problem[] {
  return Array.from(text.matchAll(HIDDEN).take(MAX_PROBLEMS), (match) => {
    const code = (match[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return make(
      offset ?? match.index,
      path,
      'hidden-character',
      `the text holds the character U+${code}, which a reader cannot see`,
      'remove it',
    );
  });
}

/** What to say of the parser's own faults; a code that is not here gets the parser's sentence. */
const SYNTAX_REMEDIES: Readonly<Record<string, string>> = {
  BAD_INDENT: 'indent it like its neighbours',
  TAB_AS_INDENT: 'indent with spaces, never with tabs',
  MISSING_CHAR: 'close the quote or the bracket, or add the missing `:` or `,`',
  BLOCK_AS_IMPLICIT_KEY: 'put the value in quotes if it holds `: `, or check the indentation',
  MULTILINE_IMPLICIT_KEY: 'close the quote or the bracket on the same line, or add the missing `:`',
  UNEXPECTED_TOKEN: 'remove what does not belong here, or put the text in quotes',
  BAD_SCALAR_START: 'put the text in quotes: it starts with a character that YAML keeps for itself',
};

interface SyntaxFault {
  readonly code: string;
  readonly message: string;
  /** The offset, and the one after its end. */
  readonly pos: readonly [number, number];
}

/**
 * One wrong indentation makes the parser stumble over every line that is indented like it. Those are echoes: the same complaint again at
 * the same column, with no line in between that is less indented, so that both stand in one mapping; and a second complaint about
 * the same place. Every other fault stands by itself.
 *
 * @param faults - in the order of the text
 */
function withoutEchoes(
  text: string,
  faults: readonly SyntaxFault[],
): readonly { readonly fault: SyntaxFault; readonly echoes: number }[] {
  const told: { fault: SyntaxFault; echoes: number }[] = [];
  for (const fault of faults) {
    const before = told.at(-1);
    if (before !== undefined && isEcho(text, before.fault, fault)) before.echoes += 1;
    else told.push({ fault, echoes: 0 });
  }
  return told;
}

const isEcho = (text: string, first: SyntaxFault, next: SyntaxFault): boolean =>
  first.pos[0] === next.pos[0]
    ? next.code !== 'DUPLICATE_KEY'
    : INDENTATION.has(next.code) && first.code === next.code && isSameBlock(text, first.pos[0], next.pos[0]);

const INDENTATION: ReadonlySet<string> = new Set(['BAD_INDENT', 'TAB_AS_INDENT']);

/** Whether two lines are indented alike and no line with text between them is indented less. */
function isSameBlock(text: string, one: number, other: number): boolean {
  const lines = text.slice(text.lastIndexOf('\n', one - 1) + 1).split('\n');
  const last = text.slice(text.lastIndexOf('\n', one - 1) + 1, other).split('\n').length - 1;
  const indents = lines
    .slice(0, last + 1)
    .filter((line, index) => index === 0 || index === last || line.trim() !== '')
    .map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const [first = 0] = indents;
  return indents.at(-1) === first && indents.every((indent) => indent >= first);
}

/** Where the quote, list or mapping begins that the parser says is not closed. */
function openingOf(document: Document.Parsed, fault: SyntaxFault): number | undefined {
  if (!/^Missing closing|^Flow (?:sequence|map)\b.* end with /.test(fault.message)) return undefined;
  let opening: number | undefined;
  visit(document, {
    Node: (_key, node) => {
      const isBracket = isCollection(node) && node.flow === true;
      const isQuote = isScalar(node) && /^QUOTE_/.test(node.type ?? '');
      if ((isBracket || isQuote) && node.range?.[1] === fault.pos[0]) opening = node.range[0];
    },
  });
  return opening;
}

function syntaxProblem(
  document: Document.Parsed,
  fault: SyntaxFault,
  text: string,
  make: MakeProblem,
): Problem {
  const offset = fault.pos[0];
  switch (fault.code) {
    case 'DUPLICATE_KEY': {
      const path = pathOfKeyAt(document, offset);
      const key = path.at(-1);
      return make(
        offset,
        path,
        'duplicate-key',
        key === undefined
          ? 'this key stands twice in the same mapping'
          : `\`${key}\` stands twice in the same mapping`,
        'keep one of the two',
      );
    }
    case 'MULTIPLE_DOCS':
      return make(
        offset,
        [],
        'several-documents',
        'the file holds several YAML documents',
        'keep one document per file',
      );
    case 'RESOURCE_EXHAUSTION':
      return make(
        offset,
        [],
        'document-too-deep',
        'values are nested too deeply to be read',
        'flatten the structure',
      );
    default: {
      const opening = openingOf(document, fault);
      if (opening !== undefined) {
        const mark = text.charAt(opening);
        return make(
          opening,
          [],
          'yaml-syntax',
          `not valid YAML: this \`${mark}\` is not closed`,
          `close it with \`${CLOSING[mark] ?? mark}\`; if it belongs to the text, put the whole text in quotes`,
        );
      }
      return make(
        offset,
        [],
        'yaml-syntax',
        `not valid YAML: ${firstSentence(fault.message)}`,
        SYNTAX_REMEDIES[fault.code] ?? 'correct the YAML at the caret',
      );
    }
  }
}

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '{': '}' };

/** The path of the key that starts at `offset`; empty if there is none. */
function pathOfKeyAt(document: Document.Parsed, offset: number): DocumentPath {
  let node: unknown = document.contents;
  const path: (string | number)[] = [];
  for (;;) {
    if (isMap(node)) {
      const at: Pair | undefined = node.items.findLast(
        (item) => ((item.key as Node | null)?.range?.[0] ?? Number.POSITIVE_INFINITY) <= offset,
      );
      if (at === undefined || !isScalar(at.key)) return [];
      path.push(String(at.key.value));
      if (at.key.range?.[0] === offset) return path;
      node = at.value;
    } else if (isSeq(node)) {
      const index: number = node.items.findLastIndex(
        (item) => ((item as Node | null)?.range?.[0] ?? Number.POSITIVE_INFINITY) <= offset,
      );
      if (index === -1) return [];
      path.push(index);
      node = node.items[index];
    } else {
      return [];
    }
  }
}

type MakeProblem = (
  offset: number,
  path: DocumentPath,
  code: string,
  message: string,
  remedy: string,
) => Problem;

function refusedNodes(
  document: Document.Parsed,
  text: string,
  limits: DocumentLimits,
  make: MakeProblem,
): Problem[] {
  // A node's range begins after its anchor and tag.
  const before = (mark: string, start: number) => Math.max(text.lastIndexOf(mark, start), 0);
  const maxNodes = limits.maxNodes ?? DEFAULT_MAX_NODES;
  const maxDepth = limits.maxDepth ?? DEFAULT_MAX_DEPTH;
  const problems: Problem[] = [];
  let nodes = 0;
  const walk = (node: unknown, path: DocumentPath): void => {
    if (++nodes > maxNodes || problems.length >= MAX_PROBLEMS) return;
    const start = (node as Node | null)?.range?.[0] ?? 0;
    if (path.length > maxDepth) {
      problems.push(
        make(
          start,
          [],
          'document-too-deep',
          `values are nested more than ${maxDepth} levels deep`,
          'flatten the structure',
        ),
      );
      return;
    }
    if (isAlias(node)) {
      problems.push(
        make(start, path, 'alias', 'YAML anchors and aliases are not allowed', 'write the value out'),
      );
      return;
    }
    const decorated = node as { anchor?: string; tag?: string } | null;
    if (decorated?.anchor !== undefined) {
      problems.push(
        make(
          before(`&${decorated.anchor}`, start),
          path,
          'alias',
          'YAML anchors and aliases are not allowed',
          'remove the `&` anchor and write values out',
        ),
      );
    }
    if (decorated?.tag !== undefined) {
      const tag = decorated.tag.replace('tag:yaml.org,2002:', '!!');
      problems.push(
        make(before('!', start), path, 'tag', `YAML tag \`${tag}\` is not allowed`, 'remove the tag'),
      );
    }
    if (isMap(node)) {
      for (const pair of node.items) {
        if (!isPair(pair)) continue;
        const key = pair.key;
        if (!isScalar(key) || typeof key.value !== 'string') {
          problems.push(
            make(
              (key as Node | null)?.range?.[0] ?? start,
              path,
              'key-not-text',
              'a key must be plain text',
              'put the key in quotes',
            ),
          );
          continue;
        }
        problems.push(...hiddenCharacters(key.value, make, key.range?.[0] ?? start, path));
        walk(pair.value, [...path, key.value]);
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    } else if (isScalar(node)) {
      // An escape in quotes ("\u202e") gives a hidden character too.
      if (typeof node.value === 'string') problems.push(...hiddenCharacters(node.value, make, start, path));
      // JSON has neither infinities nor integers beyond 2^53; a rounded account id would be another account.
      if (typeof node.value === 'number' && !isExact(node.value))
        problems.push(
          make(
            start,
            path,
            'number-not-exact',
            `\`${node.source ?? node.value}\` cannot be kept exactly`,
            'if it is an id, put it in quotes; otherwise write a smaller number',
          ),
        );
    }
  };
  walk(document.contents, []);
  if (nodes > maxNodes)
    problems.push(make(0, [], 'document-too-large', `the file has more than ${maxNodes} values`, 'split it'));
  return problems;
}

/** Where `path` stands; a path that does not exist gives its nearest existing parent, so a missing key points at its mapping. */
function offsetOf(document: Document.Parsed, path: DocumentPath, where: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = (node as Node | null)?.range?.[0] ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isMap(node) && typeof step === 'string') {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === step);
      if (!pair) return offset;
      const keyOffset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
      const wantsKey = where === 'key' && depth === path.length - 1;
      offset =
        wantsKey || isMap(node) || isSeq(node) ? keyOffset : ((node as Node | null)?.range?.[0] ?? keyOffset);
    } else if (isSeq(node) && typeof step === 'number') {
      const item: unknown = node.items[step];
      if (item === undefined) return offset;
      node = item;
      offset = (node as Node | null)?.range?.[0] ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

export function formatPath(path: DocumentPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}

const WIDTH = 80;

/** Breaks at spaces; a word wider than a line, such as a deep path, before a `.`, `[` or `/` where it can. */
function wrap(text: string, indent: string): readonly string[] {
  const room = WIDTH - indent.length;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => pieces(each, room))) {
    const glue = line === '' || word.isContinued ? '' : ' ';
    if (line !== '' && displayWidth(line + glue + word.text) > room) {
      lines.push(indent + line);
      line = word.text;
    } else {
      line += glue + word.text;
    }
  }
  return [...lines, indent + line];
}

function pieces(
  word: string,
  room: number,
): readonly { readonly text: string; readonly isContinued: boolean }[] {
  const found: { text: string; isContinued: boolean }[] = [];
  let rest = word;
  while (displayWidth(rest) > room) {
    const fitting = takeColumns(rest, room);
    const at = Math.max(fitting.lastIndexOf('.'), fitting.lastIndexOf('['), fitting.lastIndexOf('/'));
    const piece = at > fitting.length / 2 ? fitting.slice(0, at) : fitting;
    found.push({ text: piece, isContinued: found.length > 0 });
    rest = rest.slice(piece.length);
  }
  return [...found, { text: rest, isContinued: found.length > 0 }];
}

const EXCERPT_WIDTH = 74;
const BEFORE_CARET = 40;

/**
 * Where and what, the source line with a caret, and the remedy: what a person needs to act, in 80 columns. The place itself stays whole,
 * however long the file's name is, so that it can be copied and terminals make a link of it.
 */
export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const what = problem.path === '' ? problem.message : `${problem.path}: ${problem.message}`;
  const excerpt = printable(problem.excerpt);
  // `column` counts UTF-16 units, a terminal counts columns.
  const before = lastColumns(excerpt.slice(0, problem.column - 1), BEFORE_CARET);
  const shown = takeColumns(before + excerpt.slice(problem.column - 1), EXCERPT_WIDTH);
  return [
    printable(where),
    ...wrap(`${printable(what)} [${problem.code}]`, '  '),
    `    ${shown}`,
    `    ${' '.repeat(displayWidth(before))}^`,
    ...wrap(printable(problem.remedy), '  '),
  ].join('\n');
}

/** The longest end of `text` that fits `width` columns. */
function lastColumns(text: string, width: number): string {
  let from = 0;
  while (displayWidth(text.slice(from)) > width) from += takeColumns(text.slice(from), 1).length;
  return text.slice(from);
}

/** Control and direction characters of a hostile file must not reach the terminal; one space each, so that the caret still fits. */
const printable = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g, ' ');

const isExact = (value: number): boolean =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));

const firstSentence = (message: string): string => {
  const sentence = (message.split('\n')[0] ?? message).replace(/[.:]?$/, '');
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
};
