import manifest from '../../../package.json' with { type: 'json' };
import { hashOf } from '../../core/index.ts';
import type { Witness } from '../../diff/index.ts';
import { type DiffReport, HEADINGS, type Heading, headingOf, type PlacedChange, sayGiven } from './report.ts';

/** SARIF 2.1.0 (OASIS): one rule for each direction, one result for each change, on the changed line of the new text. */
export function diffSarif(report: DiffReport): unknown {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Proviso',
            semanticVersion: manifest.version,
            rules: HEADINGS.map((heading) => ({
              id: RULE_IDS[heading],
              shortDescription: { text: DESCRIPTIONS[heading] },
              defaultConfiguration: { level: LEVELS[heading] },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: report.results.flatMap(({ diff, changes }) =>
          changes.map((change) => resultOf(change, diff.policyId)),
        ),
      },
    ],
  };
}

const RULE_IDS = {
  loosening: 'policy-loosening',
  'not decided': 'policy-not-decided',
  both: 'policy-both-ways',
  tightening: 'policy-tightening',
  neutral: 'policy-neutral',
  text: 'policy-text',
} as const satisfies Record<Heading, string>;

const DESCRIPTIONS = {
  loosening: 'The change allows something, or lets something go unnoticed, that it did not before.',
  'not decided': 'Whether the change is looser could not be decided; it counts as a loosening.',
  both: 'The change is looser in some cases and stricter in others.',
  tightening: 'The change forbids or reports something that it did not before.',
  neutral: 'The change is written differently and decides the same.',
  text: 'Only texts for people have changed.',
} as const satisfies Record<Heading, string>;

const LEVELS = {
  loosening: 'error',
  'not decided': 'error',
  both: 'error',
  tightening: 'warning',
  neutral: 'note',
  text: 'note',
} as const satisfies Record<Heading, 'error' | 'warning' | 'note'>;

function resultOf({ change, new: place }: PlacedChange, policyId: string): unknown {
  const heading = headingOf(change);
  const told = [
    `${change.path}: ${change.says}.`,
    ...(change.remark === undefined ? [] : [`(${change.remark}.)`]),
    ...(change.loosens === undefined ? [] : [inWords('Looser', change.loosens)]),
    ...(change.tightens === undefined ? [] : [inWords('Stricter', change.tightens)]),
  ];
  return {
    ruleId: RULE_IDS[heading],
    ruleIndex: HEADINGS.indexOf(heading),
    level: LEVELS[heading],
    message: { text: told.join('\n') },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(place.file) },
          region: { startLine: place.line, startColumn: place.column },
        },
        logicalLocations: [{ fullyQualifiedName: `${policyId}.${change.path}` }],
      },
    ],
    // The same change keeps its mark when lines above it move.
    partialFingerprints: { 'provisoPolicyChange/v1': hashOf({ policyId, path: change.path, heading }) },
  };
}

const inWords = (how: string, { given, old, new: next }: Witness): string =>
  `${how}, for example: ${sayGiven(given)}. Old policy: ${old}. New policy: ${next}.`;

/** A path of the command line as a relative URI reference; an absolute one as a file URI. */
const uriOf = (path: string): string => {
  const encoded = path.replace(/^\.\//, '').split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${encoded}` : encoded;
};
