import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml';
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
 * reviewer see another text than the parser (direction overrides, control characters), and text that is too long or too deep.
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
  // Both make everything after them unreadable or untrustworthy, so they are told alone.
  const early = [...conflictMarkers(text, make), ...hiddenCharacters(text, make)];
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
  const problems: Problem[] = (exhausted ? [exhausted] : faults)
    .slice(0, MAX_PROBLEMS)
    .map((fault) => syntaxProblem(document, fault, make));
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

function syntaxProblem(
  document: Document.Parsed,
  fault: { readonly code: string; readonly message: string; readonly pos: readonly [number, number] },
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
    default:
      return make(
        offset,
        [],
        'yaml-syntax',
        `not valid YAML: ${firstSentence(fault.message)}`,
        SYNTAX_REMEDIES[fault.code] ?? 'correct the YAML at the caret',
      );
  }
}

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

/** Breaks at spaces; a word that is longer than the line stays whole, so that it can be copied. */
function wrap(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, indent + line];
}

/** Where and what, the source line with a caret, and the remedy: what a person needs to act, in 80 columns. */
export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const what = problem.path === '' ? problem.message : `${problem.path}: ${problem.message}`;
  const excerpt = printable(problem.excerpt);
  const from = Math.max(0, Math.min(problem.column - 41, excerpt.length));
  const shown = excerpt.slice(from, from + 74);
  const caret = `${' '.repeat(Math.max(0, Math.min(problem.column - 1 - from, 74)))}^`;
  return [
    printable(where),
    ...wrap(`${printable(what)} [${problem.code}]`, '  '),
    `    ${shown}`,
    `    ${caret}`,
    ...wrap(printable(problem.remedy), '  '),
  ].join('\n');
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
