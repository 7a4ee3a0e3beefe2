import { type Block, type EpochMs, formatInstant, type Paper, type Section } from '../core/index.ts';
import type { SettingsComparison } from '../evidence/index.ts';
import type { ExceptionRecord } from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import type { CheckReport } from '../rules/index.ts';
import { exceptionBlocks } from './dossier-exceptions.ts';
import { exercisedBlocks, trendBlocks } from './dossier-findings.ts';
import { besideSource } from './policy-source.ts';
import { type ReviewStatus, statusSentences } from './standing.ts';
import type { KnownActions, ReviewRecord } from './types.ts';

/** What could be learnt about something, or why nothing could: a dossier never leaves a question out because nobody could answer it. */
export type Learnt<T> =
  | { readonly kind: 'known'; readonly value: T }
  | { readonly kind: 'not-available'; readonly because: string };

/** One difference from the policy that was signed last, in the words of `policy diff`. */
export interface PolicyChange {
  /** `loosening`, `tightening`, `both`, `neutral` or `text`. */
  readonly direction: string;
  /** False where the comparison could not be exact; it then counts as a loosening. */
  readonly isDecided: boolean;
  readonly path: string;
  readonly says: string;
  /** An example for each direction: what is given, and what the old and the new policy say of it. */
  readonly examples: readonly string[];
}

/** A person's word that something holds, and until when. */
export interface AttestationSummary {
  readonly id: string;
  readonly says: string;
  readonly signedBy: string;
  readonly until: EpochMs;
}

/** What AWS's list of Bedrock actions says that nobody has looked at. */
export interface AwsChanges {
  readonly known: KnownActions;
  /** Actions of which nobody has said what they can do to content. */
  readonly unclassified: readonly string[];
  /** The settings as the installed SDK has them, against those that somebody has classified. */
  readonly settings: Learnt<SettingsComparison>;
}

export interface DossierInput {
  readonly reviewId: string;
  readonly startedBy: string;
  readonly now: EpochMs;
  readonly policy: LoadedPolicy;
  readonly policyText: string;
  readonly status: ReviewStatus;
  /** Against the policy of the last complete review. */
  readonly changes: Learnt<readonly PolicyChange[]>;
  readonly exceptions: readonly ExceptionRecord[];
  /** Requests that were refused when they were made, since the last review: nothing of them is kept but the refusal. */
  readonly refusedRequests: number;
  /** Oldest first; all by the policy of this review. */
  readonly checks: readonly CheckReport[];
  readonly attestations: Learnt<readonly AttestationSummary[]>;
  readonly awsChanges: AwsChanges;
}

/** What the named bodies read before they sign. The same input gives the same document. */
export function buildDossier(input: DossierInput): Paper {
  const { policy, status, now, reviewId, startedBy } = input;
  const { metadata, review } = policy.policy;
  const since = status.lastComplete?.completedAt;
  const section = (id: string, title: string, blocks: readonly Block[]): Section => ({ id, title, blocks });
  return {
    title: `Review of the policy: ${metadata.title}`,
    facts: [
      ['Review', `\`${reviewId}\`, opened by \`${startedBy}\` at ${formatInstant(now)}`],
      ['Policy', `\`${metadata.id}\` ${metadata.version}, hash \`${policy.hash}\``],
      ['Owner', metadata.owner],
      ['To sign', review.reviewers.map(({ title, body }) => `${title} (\`${body}\`)`).join(', ')],
      [
        'Looks back to',
        since === undefined ? 'the beginning: no earlier review is complete' : formatInstant(since),
      ],
    ],
    sections: [
      section('standing', 'How the review stands', [
        { kind: 'list', items: statusSentences(status).map(sentence) },
      ]),
      section('changes', 'What changed since the last signed review', changeBlocks(input)),
      section('exceptions', 'Exceptions since then', exceptionBlocks(input, since)),
      section('findings', 'Findings', trendBlocks(input.checks)),
      section('exercised', 'Controls that nothing exercised', exercisedBlocks(input.checks, policy.policy)),
      section('attestations', 'Attestations about to expire', attestationBlocks(input)),
      section('aws', 'What is new in AWS', awsBlocks(input)),
      section('objections', 'Objections of the last review, and their answers', objectionBlocks(status)),
      section('questions', 'Open questions', questionBlocks(policy)),
      section(
        'policy',
        'The policy in plain sentences, beside its source',
        besideSource(policy, input.policyText).map(({ title, ...part }) => ({
          kind: 'beside' as const,
          title,
          ...part,
        })),
      ),
    ],
  };
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
const text = (words: string): Block => ({ kind: 'text', text: words });

function changeBlocks({ changes, status, policy }: DossierInput): readonly Block[] {
  const before = status.lastComplete;
  if (before === undefined)
    return [
      text('No review is complete, so there is nothing to compare with: all of the policy is new to you.'),
    ];
  if (changes.kind === 'not-available') return [text(`Not available: ${changes.because}.`)];
  if (before.policyHash === policy.hash || changes.value.length === 0)
    return [text(`Nothing: the policy means what it meant when review \`${before.id}\` was signed.`)];
  return [
    text(summaryOfChanges(changes.value)),
    {
      kind: 'table',
      caption: 'Changes of the policy and their direction',
      columns: ['Direction', 'Where', 'What', 'For example'],
      rows: changes.value.map(({ direction, isDecided, path, says, examples }) => [
        isDecided ? direction : `${direction} (not decided: counts as a loosening)`,
        `\`${path}\``,
        sentence(says),
        examples.join(' '),
      ]),
    },
  ];
}

function summaryOfChanges(changes: readonly PolicyChange[]): string {
  const directions = [...new Set(changes.map(({ direction }) => direction))];
  const counts = directions.map(
    (direction) => `${changes.filter((change) => change.direction === direction).length} ${direction}`,
  );
  return `${changes.length} in all: ${counts.join(', ')}.`;
}

const MONTHS = 90 * 86_400_000;

function attestationBlocks({ attestations, now }: DossierInput): readonly Block[] {
  if (attestations.kind === 'not-available') return [text(`Not available: ${attestations.because}.`)];
  const soon = attestations.value.filter(({ until }) => until <= now + MONTHS);
  if (soon.length === 0) return [text('None within 90 days.')];
  return [
    {
      kind: 'table',
      caption: 'Attestations that expire within 90 days',
      columns: ['Attestation', 'Says', 'Signed by', 'Until'],
      rows: soon.map(({ id, says, signedBy, until }) => [
        `\`${id}\``,
        says,
        signedBy,
        `${formatInstant(until)}${until <= now ? ' (expired)' : ''}`,
      ]),
    },
  ];
}

function awsBlocks({
  awsChanges: { known, unclassified, settings },
  status,
}: DossierInput): readonly Block[] {
  const before = status.lastComplete?.awsActions;
  const added =
    before === undefined ? [] : known.actions.filter((action) => !before.actions.includes(action));
  const compared =
    before === undefined
      ? 'No earlier list is on record to compare with.'
      : added.length === 0
        ? `Nothing was added since the list of ${before.asOf}.`
        : `${added.length} were added since the list of ${before.asOf}:`;
  return [
    text(
      `${known.actions.length} actions of Bedrock are known, by AWS’s list of ${known.asOf}; whatever AWS added later is not among them. ${compared}`,
    ),
    ...(added.length === 0 ? [] : [codeList(added)]),
    ...(unclassified.length === 0
      ? [text('Of every one it is said whether it can store, read or invoke.')]
      : [
          text(`Of ${unclassified.length} nobody has said whether they can store, read or invoke:`),
          codeList(unclassified),
        ]),
    ...settingsBlocks(settings),
  ];
}

/** A new field of a setting may be a new way to store prompts: it is said by name, and that nobody has looked at it. */
function settingsBlocks(settings: Learnt<SettingsComparison>): readonly Block[] {
  if (settings.kind === 'not-available')
    return [text(`Whether the settings themselves have new fields is not known: ${settings.because}.`)];
  const { asOf, sdk, unclassified, gone } = settings.value;
  return [
    text(
      `The fields of invocation logging and of data retention were last classified on ${asOf}, by ${sdk}. ${
        unclassified.length === 0
          ? 'The SDK that wrote this has none beyond them; whatever AWS has added since to a newer SDK is not among them.'
          : `New in the SDK, not classified (nobody has said what they mean for stored content): ${unclassified.length}.`
      }`,
    ),
    ...(unclassified.length === 0 ? [] : [codeList(unclassified)]),
    ...(gone.length === 0
      ? []
      : [text('Classified, and no longer in the SDK: what was relied on may be gone.'), codeList(gone)]),
  ];
}

const codeList = (names: readonly string[]): Block => ({
  kind: 'list',
  items: names.map((name) => `\`${name}\``),
});

function objectionBlocks({ lastComplete, open }: ReviewStatus): readonly Block[] {
  const from = [lastComplete, open].filter((review): review is ReviewRecord => review !== undefined);
  const rows = from.flatMap(({ id, objections }) =>
    objections.map(({ number, body, principalId, reason, answer }) => [
      `\`${id}\` ${number}`,
      `${body} (\`${principalId}\`)`,
      reason,
      answer === undefined ? 'none yet' : `${answer.text} (\`${answer.principalId}\`)`,
    ]),
  );
  return rows.length === 0
    ? [text('None.')]
    : [
        {
          kind: 'table',
          caption: 'Objections and answers',
          columns: ['Objection', 'By', 'Reason', 'Answer'],
          rows,
        },
      ];
}

function questionBlocks({ policy }: LoadedPolicy): readonly Block[] {
  const planned = policy.statements.filter(({ carriedBy }) => carriedBy.includes('planned'));
  if (planned.length === 0) return [text('None: everything the source texts say is carried.')];
  return [
    text(
      'These statements of the source texts are not, or not wholly, carried by anything yet. Is that still right?',
    ),
    {
      kind: 'table',
      caption: 'Statements that are planned',
      columns: ['Statement', 'Says', 'Carried by', 'Note'],
      rows: planned.map(({ id, says, source, carriedBy, note }) => [
        `\`${id}\` (${source.document}, ${source.section})`,
        says,
        carriedBy.map((each) => (each === 'planned' ? each : `\`${each}\``)).join(', '),
        note ?? '',
      ]),
    },
  ];
}
