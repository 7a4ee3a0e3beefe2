import { countOf } from '../../core/index.ts';
import {
  type Change,
  type DiffDocuments,
  type Direction,
  isLoosening,
  type Place,
  type PolicyDiff,
  placeInNew,
  placeInOld,
  type RequestsImpact,
  type SnapshotImpact,
} from '../../diff/index.ts';
import type { GateAnswer } from './approvals.ts';
import type { PolicyPair } from './sides.ts';

/** The diff of one policy, with where its changes stand. */
export interface DiffResult {
  readonly diff: PolicyDiff;
  readonly title: string;
  readonly changes: readonly PlacedChange[];
  /** Whether a change that needs approvals has them; only where somebody asked. */
  readonly gate?: GateAnswer;
}

export interface PlacedChange {
  readonly change: Change;
  /** By the file's path, without its revision. */
  readonly new: Place;
  readonly old?: Place;
}

export interface DiffReport {
  readonly results: readonly DiffResult[];
  readonly snapshots: readonly SnapshotImpact[];
  readonly requests?: RequestsImpact;
}

export function resultOf(pair: PolicyPair, diff: PolicyDiff): DiffResult {
  const documents: DiffDocuments = {
    old: pair.old.document,
    new: pair.new.document,
    ...(pair.old.casesPath === undefined ? {} : { oldCasesFile: pair.old.casesPath }),
    ...(pair.new.casesPath === undefined ? {} : { newCasesFile: pair.new.casesPath }),
  };
  const inFile = (place: Place, side: PolicyPair['old']): Place =>
    place.file === side.document.file ? { ...place, file: side.path } : place;
  return {
    diff,
    title: pair.new.policy.policy.metadata.title,
    changes: diff.changes.map((change) => {
      const before = placeInOld(change, documents);
      return {
        change,
        new: inFile(placeInNew(change, documents), pair.new),
        ...(before === undefined ? {} : { old: inFile(before, pair.old) }),
      };
    }),
  };
}

/** The word over a change. What nobody could decide has its own: it counts as a loosening and is not known to be one. */
export type Heading = Direction | 'not decided';

export const headingOf = ({ direction, isDecided }: Change): Heading =>
  isDecided ? direction : 'not decided';

export const HEADINGS = [
  'loosening',
  'not decided',
  'both',
  'tightening',
  'neutral',
  'text',
] as const satisfies readonly Heading[];

export const HEADING_WORDS = {
  loosening: 'LOOSENING',
  'not decided': 'NOT DECIDED, counts as a loosening',
  both: 'BOTH WAYS',
  tightening: 'TIGHTENING',
  neutral: 'NEUTRAL',
  text: 'TEXT ONLY',
} as const satisfies Record<Heading, string>;

/** `2 loosenings, 1 tightening`; says so where nothing differs. */
export function sayCounts({ counts }: PolicyDiff): string {
  const parts = [
    [counts.loosening, 'loosening'],
    [counts.notDecided, 'change that could not be decided', 'changes that could not be decided'],
    [counts.both, 'change both ways', 'changes both ways'],
    [counts.tightening, 'tightening'],
    [counts.neutral, 'neutral change'],
    [counts.text, 'change of text only', 'changes of text only'],
  ] as const;
  const said = parts
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => countOf(count, one, ...(many === undefined ? [] : [many])));
  return said.length === 0 ? 'no change' : said.join(', ');
}

/** What is given in an example, in one line: what it is about, then what is known of it. */
export const sayGiven = ([first = '', ...more]: readonly string[]): string =>
  more.length === 0 ? first : `${first}: ${more.join('; ')}`;

/** Who has to agree to a loosening: those whom the old policy names. Undefined where nothing is looser. */
export const sayReviewers = ({ changes, reviewers }: PolicyDiff): string | undefined =>
  changes.some(isLoosening)
    ? `A loosening needs ${reviewers.map(({ title, body }) => `${title} (\`${body}\`)`).join(', ')}: the reviewers that the old policy names.`
    : undefined;

export type FailOn = 'loosening' | 'any';

/** Whether the gate closes. Where approvals were read, their verdict takes the place of the direction alone. */
export const isRefused = ({ results }: DiffReport, failOn: FailOn | undefined): boolean =>
  failOn !== undefined &&
  results.some(({ diff, gate }) => {
    if (failOn === 'any') return diff.changes.length > 0;
    return gate === undefined ? diff.changes.some(isLoosening) : gate.kind === 'not-approved';
  });
