import type { DocumentPath, SourceDocument } from '../core/index.ts';
import type { ClausePath } from '../policy/index.ts';
import type { Change } from './types.ts';

/** Where a change stands, 1-based. */
export interface Place {
  readonly side: 'old' | 'new';
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The texts a diff was made of. */
export interface DiffDocuments {
  readonly old: SourceDocument;
  readonly new: SourceDocument;
  readonly oldCasesFile?: string;
  readonly newCasesFile?: string;
}

/**
 * The line of a change in the new text. What was deleted has no line there: it is placed where it would stand (the mapping or list
 * that held it), since a reviewer looks at the new text.
 */
export function placeInNew(change: Change, documents: DiffDocuments): Place {
  if (change.caseLine !== undefined && documents.newCasesFile !== undefined)
    return { side: 'new', file: documents.newCasesFile, line: change.caseLine.new ?? 1, column: 1 };
  return at(documents.new, 'new', change.at.new ?? change.at.old?.slice(0, -1) ?? []);
}

/** The line of a change in the old text; undefined for what is new. */
export function placeInOld(change: Change, documents: DiffDocuments): Place | undefined {
  if (change.caseLine !== undefined)
    return change.caseLine.old === undefined || documents.oldCasesFile === undefined
      ? undefined
      : { side: 'old', file: documents.oldCasesFile, line: change.caseLine.old, column: 1 };
  return change.at.old === undefined ? undefined : at(documents.old, 'old', change.at.old);
}

function at(document: SourceDocument, side: Place['side'], path: DocumentPath): Place {
  const { file, line, column } = document.problemAt(path, '', '', '');
  return { side, file, line, column };
}

/** Where a clause of a control stands in the policy's document: `require.any[0].not` of the control at `index`. */
export const clausePlace = (index: number, clause?: ClausePath): DocumentPath => [
  'controls',
  index,
  ...(clause === undefined
    ? ['require']
    : (clause.match(/[a-z]+|[0-9]+/g) ?? []).map((step) => (/^[0-9]/.test(step) ? Number(step) : step))),
];
