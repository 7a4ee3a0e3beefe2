import {
  durationMs,
  type EpochMs,
  formatDuration,
  formatInstant,
  hashOf,
  type Paper,
  renderMarkdown,
  type Sha256Hex,
  sha256Hex,
} from '../core/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import type { Judgement } from './judge.ts';
import type { KeptSheets } from './kept-sheets.ts';
import { hasSeveralPlaces, type PlacedRequest, placesOf, placeText } from './places.ts';
import { FILTER_LIMITS, isFiltered } from './topology.ts';
import type { Admission, Destination, ExceptionRecord, ExceptionRequest, Place } from './types.ts';

/*
 * The decision sheet: what approvers read and sign. A pure render of the request, the policy version that admitted it and its judgement, kept as it
 * was at that time. It names the hash of what is decided, which the record must still come out to: an edit of the request or of the judgement voids
 * what was signed, and a later version that words the sheet otherwise does not.
 */

/** Grows when what the hash of what is decided is made of changes; words may change without it. */
const SHEET_FORMAT = 2;

export type SheetSubject = Pick<
  ExceptionRecord,
  'id' | 'request' | 'requestHash' | 'requesterId' | 'submittedAt'
>;

export interface Admitted {
  readonly admission: Admission;
  /** Of the Markdown of its sheet, to be kept (`sheetWrite`) with the admission. */
  readonly markdown: string;
}

/** What a policy version said of a request when it admitted it, with the sheet that follows from it. */
export function admissionOf(
  subject: SheetSubject,
  policy: LoadedPolicy,
  judgement: Judgement,
  now: EpochMs,
): Admitted {
  const { metadata, exceptions } = policy.policy;
  const admission = {
    policyHash: policy.hash,
    policyId: metadata.id,
    policyVersion: metadata.version,
    at: now,
    roles: exceptions.approvals.roles.map(({ role, title }) => ({ role, title })),
    conditions: judgement.conditions,
    sheetFormat: SHEET_FORMAT,
  } as const;
  const markdown = renderMarkdown(decisionSheet(subject, admission));
  return { admission: { ...admission, sheetHash: sha256Hex(markdown) }, markdown };
}

/** Everything that is decided on, in no words: what makes two sheets the same although they are worded otherwise. */
const decidedHash = (
  { id, request, requesterId, submittedAt }: SheetSubject,
  { policyHash, policyId, policyVersion, at, roles, conditions }: Omit<Admission, 'sheetHash'>,
): Sha256Hex =>
  hashOf({
    id,
    request,
    requesterId,
    submittedAt,
    judgement: { policyHash, policyId, policyVersion, at, roles, conditions },
  });

const DECIDED = 'Hash of what is decided';

/** The hash that a kept sheet names: in the facts above its first section, where nothing stands that a requester can break into lines. */
function decidedHashOn(markdown: string): string | undefined {
  const facts = markdown.split('\n## ', 1)[0] ?? '';
  const found = [...facts.matchAll(new RegExp(`^- ${DECIDED}: \`([0-9a-f]{64})\`$`, 'gm'))];
  return found.length === 1 ? found[0]?.[1] : undefined;
}

/**
 * Why what stands in the record is not what was signed, if so: checked at every decision and again at the start. A sheet that was kept is judged by its
 * own hash and by the hash of what is decided that it names, whatever this version would write; one that was not, by being rendered anew.
 *
 * @param policyHash - which of the admissions
 * @param kept - `readSheets`
 */
export function sheetFault(
  record: ExceptionRecord,
  policyHash: Sha256Hex | undefined,
  kept: KeptSheets,
): string | undefined {
  const admission = record.admissions.find((each) => each.policyHash === policyHash);
  if (admission === undefined) return 'the request has no decision sheet under this policy';
  const markdown =
    admission.sheetFormat === undefined
      ? renderMarkdown(decisionSheet(record, admission))
      : kept.get(admission.sheetHash);
  if (markdown === undefined)
    return 'the decision sheet that was signed is missing: every approval is void, ask again with a new request';
  const isSame =
    hashOf(record.request) === record.requestHash &&
    sha256Hex(markdown) === admission.sheetHash &&
    (admission.sheetFormat === undefined || decidedHashOn(markdown) === decidedHash(record, admission));
  return isSame
    ? undefined
    : 'the request or its judgement is not what the decision sheet was made of: every approval is void, ask again with a new request';
}

/** The sheet as a document; `renderMarkdown` gives the bytes whose SHA-256 is signed. */
export function decisionSheet(subject: SheetSubject, admission: Omit<Admission, 'sheetHash'>): Paper {
  const { id, request, requestHash, requesterId, submittedAt } = subject;
  const length = formatDuration(durationMs(request.endsAt - request.startsAt));
  const titles = admission.roles.map(({ title }) => title);
  return {
    title: `Decision sheet: exception ${id}`,
    facts: [
      ['Asked by', `\`${requesterId}\` at ${formatInstant(submittedAt)}`],
      ['Reference', request.reference],
      [
        'Judged by',
        `policy \`${admission.policyId}\` ${admission.policyVersion} at ${formatInstant(admission.at)}`,
      ],
      ['Hash of the policy', `\`${admission.policyHash}\``],
      ['Hash of the request', `\`${requestHash}\``],
      ...(admission.sheetFormat === undefined
        ? []
        : [[DECIDED, `\`${decidedHash(subject, admission)}\``] as const]),
      ['Format of this sheet', String(admission.sheetFormat ?? 1)],
    ],
    sections: [
      {
        id: 'question',
        title: 'What is decided',
        blocks: [
          {
            kind: 'text',
            text: `Whether prompts and responses may be stored in ${accountsText(request)}${hasSeveralPlaces(request) ? ' (in all of them or in none)' : ''}, from ${formatInstant(request.startsAt)} until ${formatInstant(request.endsAt)} (${length}; the end is exclusive and nothing moves it later).`,
          },
          { kind: 'text', text: blastRadius(request) },
          ...(isFiltered(request) ? FILTER_LIMITS.map((text) => ({ kind: 'text' as const, text })) : []),
          ...(request.breakGlass === undefined
            ? []
            : [
                {
                  kind: 'text' as const,
                  text: `This is a break-glass request: Legal or Security alone opens it. All other roles must have confirmed by ${formatInstant(request.endsAt)}; a confirmation that is missing then is reported as a breach. Why it cannot wait: ${request.breakGlass.reason}`,
                },
              ]),
          ...`Why: ${request.justification}`
            .split(/\n+/)
            .map((line) => ({ kind: 'text' as const, text: line.trim() })),
        ],
      },
      {
        id: 'request',
        title: 'What is asked',
        blocks: [
          {
            kind: 'table',
            caption: 'The request, field by field',
            columns: ['what', 'as asked'],
            rows: requestRows(request),
          },
          ...subjectBlocks(request),
        ],
      },
      {
        id: 'not-captured',
        title: 'What would not be captured',
        blocks: [{ kind: 'list', items: NOT_CAPTURED }],
      },
      {
        id: 'end',
        title: 'How it ends',
        blocks: [
          {
            kind: 'list',
            items: [
              `Content storage is switched off at ${formatInstant(request.endsAt)} at the latest, and read back from AWS.`,
              `What was captured is purged within ${formatDuration(request.retention)} of switching on; ${request.purgedBy} sees to it. Two listings at least a day apart must then find nothing at these locations; the certificate says what was listed, and never more.`,
              'Copies that readers make while they may read are not seen by anybody here.',
              'Legal, Security, or whoever asked can end it at any time before.',
              ...(hasSeveralPlaces(request)
                ? [
                    'It is on in every account and Region named here or in none: if one cannot be enabled, or one ends early, all are switched off.',
                  ]
                : []),
            ],
          },
        ],
      },
      {
        id: 'conditions',
        title: 'What the policy says of it',
        blocks: [
          {
            kind: 'table',
            caption: 'The conditions of the policy',
            columns: ['condition', 'holds', 'because'],
            rows: admission.conditions.map(({ clause, holds, says }) => [
              `\`${clause}\``,
              HOLDS_WORDS[holds],
              says,
            ]),
          },
        ],
      },
      {
        id: 'approvals',
        title: 'Who decides',
        blocks: [
          {
            kind: 'text',
            text:
              request.breakGlass === undefined
                ? `One approval each of ${titles.join(', ')}: different people, none of them \`${requesterId}\`. One rejection is final.`
                : `Legal or Security opens it; then one confirmation each of all the others of ${titles.join(', ')}: different people, none of them \`${requesterId}\`. One rejection ends it.`,
          },
          {
            kind: 'text',
            text: 'What is signed is the SHA-256 of this sheet in its Markdown form. If one character of the request, the policy or this judgement changes, the hash is another one and the approval is void.',
          },
        ],
      },
    ],
  };
}

export const HOLDS_WORDS = { met: 'met', 'not-met': 'NOT met', undecided: 'cannot be decided' } as const;

/** Whose prompts are really captured, whoever is meant. */
export const blastRadius = (request: PlacedRequest): string =>
  `This captures everyone who invokes a model in ${accountsText(request)}, not only the subjects: Bedrock cannot restrict invocation logging to a person, role or model.`;

/**
 * What invocation logging does not record, so that nobody counts on it.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html names the covered operations; what is not
 *   named there is taken as not covered [unverified: mantle-or-batch-recorded]
 */
export const NOT_CAPTURED: readonly string[] = [
  'calls on the `bedrock-mantle` endpoint: AWS documents that invocation logging covers `bedrock-runtime` alone',
  // [unverified: mantle-or-batch-recorded]
  'batch inference, asynchronous and bidirectional calls, agents, flows and knowledge bases: AWS does not list them as covered (unverified)',
  'calls made in another Region: the record is written where a call is made, not where a cross-Region profile runs it',
  'bodies over 100 KB where the destination is a log group',
];

const accountsText = (request: PlacedRequest): string =>
  placesOf(request)
    .map((place) => `account ${placeText(place)}`)
    .join(' and in ');

export const destinationText = (destination: Destination): string =>
  destination.kind === 's3'
    ? `s3://${destination.bucketName}/${destination.keyPrefix} under ${destination.kmsKeyArn}`
    : `log group ${destination.logGroupName} under ${destination.kmsKeyArn}`;

export const noticeText = ({ notice }: ExceptionRequest): string =>
  notice.kind === 'given' ? notice.how : `withheld by ${notice.decidedBy}: ${notice.reason}`;

export const assessmentText = ({ dataProtectionAssessment: made }: ExceptionRequest): string =>
  made === undefined
    ? 'none is named'
    : made.kind === 'made'
      ? made.reference
      : `not needed, decided by ${made.decidedBy}: ${made.reason}`;

const requestRows = (request: ExceptionRequest): readonly (readonly string[])[] => [
  ['Incident or investigation', request.reference],
  [
    'Subjects',
    request.subjects.length > LISTED_IN_TABLE
      ? `${request.subjects.length} people or roles, listed below`
      : request.subjects.join(', '),
  ],
  ['Models', request.models.join(', ')],
  ['Content', request.modalities.join(', ')],
  ...accountRows(placesOf(request)),
  ['Topology', request.topology],
  ...placesOf(request).flatMap(({ destination }, index, { length }) => [
    [numbered('Goes to', index, length), destinationText(destination)],
    ...(destination.kind === 's3' ? [] : [[numbered('Written by', index, length), destination.roleArn]]),
  ]),
  ['Readers', request.readers.join(', ')],
  ['From', formatInstant(request.startsAt)],
  ['Until', `${formatInstant(request.endsAt)}, exclusive`],
  ['Retention', `${formatDuration(request.retention)} from enabling to proven purge`],
  ['Notice to the people concerned', noticeText(request)],
  ['Data-protection assessment', assessmentText(request)],
  ['Purge', request.purgedBy],
];

const accountRows = (places: readonly Place[]): readonly (readonly string[])[] =>
  places.map((place, index) => [numbered('Account and Region', index, places.length), placeText(place)]);

/** Where there are several, the number ties an account to its destination. */
const numbered = (label: string, index: number, of: number): string =>
  of === 1 ? label : `${label}, ${index + 1} of ${of}`;

const LISTED_IN_TABLE = 10;

const subjectBlocks = ({ subjects }: ExceptionRequest) =>
  subjects.length > LISTED_IN_TABLE ? [{ kind: 'list' as const, items: subjects }] : [];
