import type { Paper } from '../core/index.ts';
import { countsText, NO_COUNTS, type SignedCertificate } from '../exceptions/index.ts';
import {
  breakGlassText,
  holdText,
  interferenceText,
  keyText,
  offText,
  placesIn,
  readsTexts,
  settingText,
  whereText,
} from './certificate-text.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The certificate of closure as a document for people, from the signed statement alone. It says what the statement says: not listed at these
 * locations, at these times. The signature is over the JSON form.
 */
export function certificatePaper({ statement, statementHash, signature }: SignedCertificate): Paper {
  const fields = (name: string): Fields => (statement[name] ?? {}) as Fields;
  const list = (name: string): readonly unknown[] =>
    Array.isArray(statement[name]) ? (statement[name] as readonly unknown[]) : [];
  const [times, purged] = [fields('times'), fields('purged')];
  const places = placesIn(statement);
  const isOne = places.length === 1;
  const rows = (
    all: Fields,
    names: Readonly<Record<string, string>>,
    say: (value: unknown) => string = textOf,
  ) => Object.entries(names).map(([key, name]) => [name, say(all[key])]);
  const listings = list('listings') as readonly Fields[];
  const others = list('interference') as readonly Fields[];
  const robot = statement['robot'] as Fields | undefined;
  return {
    title: `Certificate of closure: ${textOf(statement['exceptionId'])}`,
    facts: [
      ['Outcome', textOf(statement['outcome'])],
      ['Where', places.map(whereText).join('; ')],
      ['Reference', textOf(statement['reference'])],
      ['SHA-256 of the signed statement', `\`${statementHash}\``],
      ['Signature', `${signature.algorithm}, key \`${signature.keyId}\``],
    ],
    sections: [
      {
        id: 'finding',
        title: 'Finding',
        blocks: [
          { kind: 'text', text: capital(`${textOf(statement['finding'])}.`) },
          {
            kind: 'text',
            text: `Minutes overdue, to the read-back: ${textOf(statement['minutesOverdue'])}. Purge within the retention: ${statement['purgeWithinRetention'] === true ? 'yes' : 'NO'}.`,
          },
          ...places.flatMap((place) => {
            const lever = place['secondLever'] as Fields | undefined;
            if (lever === undefined) return [];
            const where = isOne ? '' : ` in ${whereText(place)}`;
            return [
              {
                kind: 'text' as const,
                text: `Switching off kept failing${where}. Second lever pulled at ${textOf(lever['pulledAt'])}: bucket denied: ${textOf(lever['bucketDenied'])}; key disabled: ${textOf(lever['keyDisabled'])}.`,
              },
            ];
          }),
          ...breakGlassText(statement['breakGlass']).map((text) => ({ kind: 'text' as const, text })),
          ...(list('holds') as readonly Fields[]).map((each) => ({
            kind: 'text' as const,
            text: `Legal hold: ${holdText(each)}.`,
          })),
          ...others.map((each) => ({
            kind: 'text' as const,
            text: `Somebody else’s change: ${interferenceText(each)}.`,
          })),
          ...(robot === undefined
            ? []
            : [
                {
                  kind: 'text' as const,
                  text: `${textOf(robot['by'])} switched content storage on again ${textOf(robot['rounds'])} times after it had been switched off.`,
                },
              ]),
          ...readsTexts(statement['reads']).map((text, index) => ({
            kind: 'text' as const,
            text: `${index === 0 ? `Reads seen: ${text}` : text}.`,
          })),
          ...(listings.length === 0
            ? [{ kind: 'text' as const, text: 'Nothing was listed.' }]
            : [
                {
                  kind: 'table' as const,
                  caption: 'What was listed where and when',
                  columns: [
                    'listed at',
                    'locations',
                    'versions',
                    'delete markers',
                    'open uploads',
                    'log groups',
                  ],
                  rows: listings.map((each) => [
                    textOf(each['at']),
                    (Array.isArray(each['locations']) ? each['locations'] : []).map(textOf).join(', '),
                    textOf(each['versions']),
                    textOf(each['deleteMarkers']),
                    textOf(each['uploads']),
                    textOf(each['logGroups']),
                  ]),
                },
              ]),
        ],
      },
      {
        id: 'not-proven',
        title: 'What this does not prove',
        blocks: [{ kind: 'list', items: list('notProven').map(textOf) }],
      },
      {
        id: 'times',
        title: 'Times',
        blocks: [
          {
            kind: 'table',
            caption: 'Times of the exception',
            columns: ['what', 'when'],
            rows: rows(times, {
              startsAt: 'Approved from',
              expiresAt: 'Approved until',
              enabledAt: 'Switched on',
              revokedAt: 'Revoked',
              offReadBackAt: 'Off, read back from AWS',
              drainedUntil: 'Late deliveries waited for, until',
              purgedAt: 'Last purged',
              closedAt: 'Closed',
            }),
          },
          { kind: 'text', text: `Closed by ${textOf(statement['closedBy'])}.` },
        ],
      },
      {
        id: 'settings',
        title: 'The setting',
        blocks: places.flatMap((place) => [
          // A caption is for those who do not see the table; whoever does has to see whose it is.
          ...(isOne ? [] : [{ kind: 'text' as const, text: `In ${whereText(place)}:` }]),
          {
            kind: 'table' as const,
            caption: `The setting before, during and after${isOne ? '' : ` in ${whereText(place)}`}`,
            columns: ['when', 'invocation logging'],
            rows: [
              ...rows(
                (place['settings'] ?? {}) as Fields,
                {
                  before: 'Before',
                  approved: 'As approved',
                  during: 'Read back while on',
                  after: 'Read back afterwards',
                  baseline: 'Baseline',
                },
                settingText,
              ),
              ...(isOne
                ? []
                : [['Off, read back from AWS', offText(place['offReadBackAt'], place['minutesOverdue'])]]),
            ],
          },
        ]),
      },
      {
        id: 'purged',
        title: 'What was purged',
        blocks: [
          {
            kind: 'table',
            caption: 'Counts of what was purged',
            columns: ['what', 'count'],
            rows: rows(purged, {
              versions: 'Versions',
              bytes: 'Bytes',
              uploads: 'Open uploads',
              logGroups: 'Log groups',
            }),
          },
          ...(list('keyMaterial') as readonly Fields[]).map((each) => ({
            kind: 'text' as const,
            text: `Key ${keyText(each)}.`,
          })),
          ...(statement['filtered'] === undefined
            ? []
            : [
                {
                  kind: 'text' as const,
                  text: `Before that: ${countsText({ ...NO_COUNTS, ...(statement['filtered'] as object) })}.`,
                },
              ]),
        ],
      },
      {
        id: 'approvals',
        title: 'Who decided',
        blocks: [
          {
            kind: 'table',
            caption: 'Decisions',
            columns: ['role', 'principal', 'decision', 'at', 'over the sheet'],
            rows: (list('approvals') as readonly Fields[]).map((each) => [
              textOf(each['role']),
              `\`${textOf(each['principalId'])}\``,
              textOf(each['decision']),
              textOf(each['at']),
              `\`${textOf(each['subjectHash'])}\``,
            ]),
          },
        ],
      },
    ],
  };
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const textOf = (value: unknown): string =>
  value === null || value === undefined
    ? 'none'
    : typeof value === 'object'
      ? `\`${JSON.stringify(value)}\``
      : String(value);
