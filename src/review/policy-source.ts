import { type DocumentPath, parseSourceDocument } from '../core/index.ts';
import { explainParts, type LoadedPolicy } from '../policy/index.ts';

/** What a part of the policy says in plain sentences, beside the lines of the file that say it. */
export interface PartBesideSource {
  readonly title: string;
  readonly sentences: readonly string[];
  /** As they stand in the file, remarks included. */
  readonly source: readonly string[];
  /** 1-based line of the first. */
  readonly firstLine: number;
}

/**
 * The explained policy part by part, each beside its source. Parts that the same lines say stand together.
 *
 * @param text - the file that `loaded` was read from
 * @throws Error when it is not: nobody should sign sentences beside the lines of another file
 */
export function besideSource(loaded: LoadedPolicy, text: string): readonly PartBesideSource[] {
  const document = parseSourceDocument(text, loaded.file);
  if (!document.ok) throw new Error(`\`${loaded.file}\` cannot be read again`);
  const { value, problemAt } = document.value;
  const lines = text.split(/\r?\n/);
  const lineOf = (path: DocumentPath): number =>
    problemAt(path, '', '', '', typeof path.at(-1) === 'string' ? 'key' : 'value').line;
  // Where everything begins that can end what stands before it.
  const keys = Object.keys(value as object).map((key) => lineOf([key]));
  const controls = loaded.policy.controls.map((_, index) => lineOf(['controls', index]));
  const begins = [...keys, ...controls].sort((left, right) => left - right);

  const parts: PartBesideSource[] = [];
  for (const { title, path, lines: sentences } of explainParts(loaded)) {
    const firstLine = lineOf(path);
    const last = parts.at(-1);
    if (last?.firstLine === firstLine && path.length === 1)
      parts[parts.length - 1] = { ...last, sentences: [...last.sentences, '', ...sentences] };
    else {
      const end = begins.find((line) => line > firstLine) ?? lines.length + 1;
      const source = withoutTail(lines.slice(firstLine - 1, end - 1));
      parts.push({ title, sentences: trimmed(sentences), source, firstLine });
    }
  }
  return parts;
}

/** Without the empty lines and the remarks at the end: they belong to what comes next. */
function withoutTail(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => !/^\s*(#.*)?$/.test(line));
  return lines.slice(0, last + 1);
}

const trimmed = (lines: readonly string[]): readonly string[] => (lines[0] === '' ? lines.slice(1) : lines);
