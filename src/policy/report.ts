import type { DocumentPath, Problem, SourceDocument } from '../core/index.ts';
import type { PolicyProblemCode } from './errors.ts';
import { isMapping, valueAt } from './problems.ts';

/**
 * One check's view of a document that may be half wrong: it reads what is well-formed and passes over what is not, because
 * the schema has told about that already and one fault must not hide another.
 */
export class Report {
  readonly document: SourceDocument;
  readonly problems: Problem[] = [];

  constructor(document: SourceDocument) {
    this.document = document;
  }

  add(
    path: DocumentPath,
    code: PolicyProblemCode,
    message: string,
    remedy: string,
    at?: 'key' | 'value',
  ): void {
    this.problems.push(this.document.problemAt(path, code, message, remedy, at));
  }

  value(path: DocumentPath): unknown {
    return valueAt(this.document.value, path);
  }

  text(path: DocumentPath): string | undefined {
    const value = this.value(path);
    return typeof value === 'string' ? value : undefined;
  }

  /** The mappings of a list, each with its path; entries that are no mappings are passed over. */
  mappings(path: DocumentPath): readonly DocumentPath[] {
    const list = this.value(path);
    if (!Array.isArray(list)) return [];
    return list.flatMap((entry: unknown, index) => (isMapping(entry) ? [[...path, index]] : []));
  }
}
