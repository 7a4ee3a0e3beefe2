import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
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
}

const DEFAULT_MAX_BYTES = 1024 * 1024;
const DEFAULT_MAX_NODES = 200_000;

/**
 * Parses one YAML 1.2 document (core schema, JSON types only) and keeps positions.
 * All syntax errors are reported, not the first. Refused beside syntax errors: duplicate keys, keys that are not text, anchors
 * and aliases (a governance file has no use for them, and they hide both billion-laughs bombs and surprises in review),
 * tags, several documents, an empty document, text that is too long.
 */
export function parseSourceDocument(
  text: string,
  file: string,
  limits: DocumentLimits = {},
): Result<SourceDocument, readonly Problem[]> {
  const lines = text.split('\n');
  const at = (offset: number, counter: LineCounter) => {
    const { line, col } = counter.linePos(Math.min(offset, text.length));
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const counter = new LineCounter();
  const make = (
    offset: number,
    path: DocumentPath,
    code: string,
    message: string,
    remedy: string,
  ): Problem => {
    const position = at(offset, counter);
    return {
      code,
      file,
      ...position,
      path: formatPath(path),
      message,
      remedy,
      excerpt: lines[position.line - 1] ?? '',
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

  const document = parseDocument(text, {
    lineCounter: counter,
    uniqueKeys: true,
    strict: true,
    prettyErrors: false,
    schema: 'core',
    version: '1.2',
    logLevel: 'silent',
  });
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) =>
    error.code === 'DUPLICATE_KEY'
      ? make(
          error.pos[0],
          [],
          'duplicate-key',
          'this key stands twice in the same mapping',
          'keep one of the two',
        )
      : error.code === 'MULTIPLE_DOCS'
        ? make(
            error.pos[0],
            [],
            'several-documents',
            'the file holds several YAML documents',
            'keep one document per file',
          )
        : make(
            error.pos[0],
            [],
            'yaml-syntax',
            `not valid YAML: ${firstSentence(error.message)}`,
            'correct the YAML at the caret',
          ),
  );
  if (problems.length === 0)
    problems.push(...refusedNodes(document, limits.maxNodes ?? DEFAULT_MAX_NODES, make));
  if (problems.length === 0 && document.contents === null) {
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

type MakeProblem = (
  offset: number,
  path: DocumentPath,
  code: string,
  message: string,
  remedy: string,
) => Problem;

function refusedNodes(document: Document.Parsed, maxNodes: number, make: MakeProblem): Problem[] {
  const problems: Problem[] = [];
  let nodes = 0;
  const walk = (node: unknown, path: DocumentPath): void => {
    if (++nodes > maxNodes || problems.length > 50) return;
    const start = (node as Node | null)?.range?.[0] ?? 0;
    if (isAlias(node)) {
      problems.push(
        make(start, path, 'alias', 'YAML anchors and aliases are not allowed', 'write the value out'),
      );
      return;
    }
    const anchored = node as { anchor?: string; tag?: string } | null;
    if (anchored?.anchor !== undefined) {
      problems.push(
        make(start, path, 'alias', 'YAML anchors and aliases are not allowed', 'remove the `&` anchor'),
      );
    }
    if (anchored?.tag !== undefined && !anchored.tag.startsWith('tag:yaml.org,2002:')) {
      problems.push(
        make(start, path, 'tag', `YAML tag \`${anchored.tag}\` is not allowed`, 'remove the tag'),
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
        walk(pair.value, [...path, key.value]);
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
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

/** Three lines a person can act on: where and what, the source line with a caret, and the remedy. */
export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const what = problem.path === '' ? problem.message : `${problem.path}: ${problem.message}`;
  // Control characters in a hostile file must not reach the terminal.
  const excerpt = problem.excerpt.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
  const from = Math.max(0, Math.min(problem.column - 41, excerpt.length));
  const shown = excerpt.slice(from, from + 74);
  const caret = `${' '.repeat(Math.min(problem.column - 1 - from, 74))}^`;
  return `${where}\n  ${what} [${problem.code}]\n    ${shown}\n    ${caret}\n  ${problem.remedy}`;
}

const firstSentence = (message: string): string => (message.split('\n')[0] ?? message).replace(/\.$/, '');
