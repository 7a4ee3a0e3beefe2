import { describeLeaf } from './clauses.ts';
import type { ClausePath, Condition } from './conditions.ts';
import type { Subject } from './facts.ts';
import { listed, paragraph, withReference } from './layout.ts';
import type { Enforcement } from './resolve.ts';
import type { Baseline, Control, Deniable, LoadedPolicy, Policy } from './schema.ts';

/**
 * The policy in plain sentences, for people who do not read YAML: what is stored and where, who may change it, what is checked
 * and how, when content may be stored after all, and who reviews the policy. Every condition is said with its clause path, the
 * one that findings name.
 *
 * @returns lines of at most 80 columns (a single longer word stays whole), ending in a line break; the same policy always gives
 *   the same text
 */
export function explainPolicy(loaded: LoadedPolicy): string {
  const parts = explainParts(loaded);
  return [
    ...head(loaded),
    ...parts.flatMap(({ title, lines }, index) =>
      title === parts[index - 1]?.title ? lines : section(title, lines),
    ),
    '',
  ].join('\n');
}

/** A part of the explained policy, and which part of the file says it. */
export interface ExplainedPart {
  readonly title: string;
  /** The key of the policy that says this, or the control's place in `controls`. */
  readonly path: readonly (string | number)[];
  readonly lines: readonly string[];
}

/** The explained policy in parts, each to be read beside its source; the controls one by one, under one title. */
export function explainParts({ policy }: LoadedPolicy): readonly ExplainedPart[] {
  const part = (title: string, key: string, lines: readonly string[]): ExplainedPart => ({
    title,
    path: [key],
    lines,
  });
  return [
    part('What is stored', 'storage', storageSentences(policy)),
    part('Who may change that', 'storage', administratorSentences(policy)),
    ...policy.controls.map((control, index) => ({
      title: 'What is checked',
      path: ['controls', index],
      lines: controlSentences(control),
    })),
    part('When content may be stored after all', 'exceptions', exceptionSentences(policy)),
    part('Review of this policy', 'review', reviewSentences(policy)),
    part('What the source texts say', 'statements', statementSentences(policy)),
  ];
}

function head({ policy, hash }: LoadedPolicy): readonly string[] {
  const { title, version, status, effectiveFrom, owner, audience, summary, id } = policy.metadata;
  const since = effectiveFrom === undefined ? '' : ` since ${effectiveFrom}`;
  return [
    ...paragraph(title),
    ...paragraph(`Version ${version}, ${STATUS_WORDS[status]}${since}. Id ${id}, hash ${hash.slice(0, 12)}.`),
    ...paragraph(`Owner: ${owner}. For: ${listed(audience)}.`),
    '',
    ...paragraph(summary),
  ];
}

const STATUS_WORDS = { draft: 'a draft', 'in-force': 'in force', retired: 'retired' } as const;

function section(title: string, lines: readonly string[]): readonly string[] {
  return ['', title.toUpperCase(), '', ...(lines[0] === '' ? lines.slice(1) : lines)];
}

const sentence = (text: string): readonly string[] => paragraph(text, '  ');
const item = (text: string): readonly string[] => paragraph(text, '  - ');

const BASELINE_WORDS = {
  none: 'invocation logging has no configuration: neither content nor metadata is recorded',
  'metadata-only': 'invocation logging records who used which model and how much, and never content',
} as const satisfies Record<Baseline, string>;
const ENFORCEMENT_WORDS = {
  observe: 'Drift is reported, not undone.',
  enforce: 'Drift is undone.',
} as const satisfies Record<Enforcement, string>;

function storageSentences({ storage, exceptions }: Policy): readonly string[] {
  return [
    ...sentence(`Outside an exception, ${BASELINE_WORDS[storage.baseline]}.`),
    ...sentence(
      `The account data-retention mode is \`${storage.dataRetentionMode}\`: AWS keeps no content, except for the models it names as exceptions.`,
    ),
    ...(storage.denied === undefined || storage.denied.length === 0
      ? []
      : sentence(
          `The guardrails deny to everybody: ${listed(storage.denied.map((what) => DENIED_WORDS[what]))}.`,
        )),
    ...sentence(`This holds in the Regions ${listed(storage.scope.regions)}.`),
    ...sentence(
      `${ENFORCEMENT_WORDS[storage.enforcement]} Exceptions are ended on time either way; what they captured is purged within ${lengthWords(exceptions.limits.retention)} of switching on.`,
    ),
    ...(storage.overrides.length === 0
      ? sentence('No unit of the organization is stricter.')
      : [
          ...sentence('These units of the organization, and all below them, are stricter:'),
          ...storage.overrides.flatMap(({ organizationalUnit, reason, baseline, enforcement }) =>
            item(
              `${organizationalUnit}: ${[
                ...(baseline === undefined ? [] : [BASELINE_WORDS[baseline]]),
                ...(enforcement === undefined
                  ? []
                  : [enforcement === 'enforce' ? 'drift is undone' : 'drift is reported']),
              ].join('; ')} (${reason})`,
            ),
          ),
        ]),
  ];
}

function administratorSentences({ storage }: Policy): readonly string[] {
  if (storage.administrators.length === 0) return sentence('Nobody.');
  return [
    ...sentence('Only these principals; `*` stands for any text:'),
    ...storage.administrators.flatMap(({ principal, reason }) => [
      ...item(principal),
      ...paragraph(reason, '    '),
    ]),
  ];
}

const DENIED_WORDS = {
  'bedrock-mantle': 'the bedrock-mantle endpoint',
  'batch-inference': 'batch inference',
  'long-term-api-keys': 'long-term API keys of Bedrock',
} as const satisfies Record<Deniable, string>;

const SUBJECT_WORDS = {
  'account-region': 'every account and governed Region',
  principal: 'every user, group and role',
  account: 'every account',
  organization: 'the organization as a whole',
} as const satisfies Record<Subject, string>;

function controlSentences(control: Control): readonly string[] {
  const { id, title, severity, subject, source, when, require, message, remedy, erratum } = control;
  return [
    '',
    ...paragraph(title, `  ${id}  `),
    ...paragraph(`${severity}, for ${SUBJECT_WORDS[subject]}; from ${sources(source)}.`, '    '),
    ...(when === undefined
      ? []
      : ['    Applies where', ...conditionLines(when, 'when', 6), '    and is not applicable elsewhere.']),
    '    Compliant exactly where',
    ...conditionLines(require, 'require', 6),
    ...paragraph(message, '    If not: '),
    ...paragraph(remedy, '    To do:  '),
    ...(control.coverableByException
      ? paragraph('A live exception may cover a violation; it stays visible, as covered.', '    ')
      : []),
    ...(erratum === undefined ? [] : paragraph(erratum, '    Note:   ')),
  ];
}

/** A condition as an outline: one line for each comparison, with its clause path at the margin. */
function conditionLines(
  condition: Condition,
  path: ClausePath,
  depth: number,
  isNegated = false,
): readonly string[] {
  const indent = ' '.repeat(depth);
  if ('fact' in condition) return withReference(describeLeaf(condition, isNegated), `${indent}- `, path);
  if ('not' in condition) {
    const inner = condition.not;
    if ('fact' in inner) return conditionLines(inner, `${path}.not`, depth, !isNegated);
    const lead = isNegated ? 'this holds:' : 'this does not hold:';
    return [`${indent}- ${lead}`, ...conditionLines(inner, `${path}.not`, depth + 2)];
  }
  const [kind, parts] =
    'all' in condition ? (['all', condition.all] as const) : (['any', condition.any] as const);
  const lead = kind === 'all' ? 'all of these hold:' : 'at least one of these holds:';
  return [
    `${indent}- ${lead}`,
    ...parts.flatMap((part, index) => conditionLines(part, `${path}.${kind}[${index}]`, depth + 2)),
  ];
}

function exceptionSentences({ exceptions }: Policy): readonly string[] {
  const { approvals, request, limits, scope, destination, purge, review, notice, breakGlass } = exceptions;
  return [
    ...sentence(`Only under an exception (${sources(exceptions.source)}), and only if all of this holds:`),
    ...item(
      `${listed(approvals.roles.map(({ title }) => title))} have each approved exactly this request: ${approvals.roles.length} different people, none of them the one who asked. A request that is not complete after ${lengthWords(approvals.expireAfter)} expires; who has not decided is reminded ${lengthWords(approvals.remindBefore)} before, and ${approvals.escalateTo.length === 0 ? 'the requester is' : `${listed(approvals.escalateTo)} and the requester are`} told ${lengthWords(approvals.escalateBefore)} before. An approval older than ${lengthWords(approvals.validFor)} at the start no longer counts.`,
    ),
    ...item(
      request.dataProtectionAssessment === 'required'
        ? 'It names its data-protection assessment, or who decided that none is needed and why.'
        : 'It need not name a data-protection assessment.',
    ),
    ...item(
      `It states its business justification and reference, at most ${scope.maxSubjects} subjects by name, and who may read.`,
    ),
    ...item(
      `It is kept to its subjects by ${listed(
        scope.topologies.map((each) => TOPOLOGY_WORDS[each]),
        'or',
      )}.`,
    ),
    ...item(
      scope.onlySubjectsInvoke === 'required' && scope.topologies.includes('dedicated')
        ? 'In an account and Region of its own, the policies in place must let nobody but its subjects invoke a model: others there would be captured too.'
        : 'Others than its subjects may be captured where they can invoke a model too.',
    ),
    ...item(`It may store ${listed(scope.modalities, 'or')}.`),
    ...item(
      `Storage is on for at most ${lengthWords(limits.enablement)}, and for at most ${lengthWords(limits.leasedTime.atMost)} in any ${lengthWords(limits.leasedTime.within)} per account and Region, extensions included.`,
    ),
    ...item(
      `It begins at most ${lengthWords(limits.startsWithin)} ahead; what is not on ${lengthWords(limits.enableWithin)} after its start expires.`,
    ),
    ...item(
      `It writes to a destination of its own (${listed(
        destination.kinds.map((each) => DESTINATION_WORDS[each]),
        'or',
      )}), encrypted under a key of the organization; versions in a bucket are ${destination.versioning === 'allowed' ? 'allowed, and purged too' : 'refused'}.`,
    ),
    ...item(
      notice.required
        ? `The people concerned are told, or the request says who decided not to and why${notice.withheldBy.length === 0 ? '' : `; only ${listed(notice.withheldBy, 'or')} may decide that`}.`
        : 'The people concerned need not be told.',
    ),
    ...item(`It is looked at again every ${lengthWords(review.every)} while it lives.`),
    '',
    ...sentence(
      `At its end storage is switched off and read back. After ${lengthWords(purge.drain)} of quiet, what was captured is purged; the place is then listed twice, at least ${lengthWords(purge.secondListingAfter)} apart, and must be empty both times. All of this is done within ${lengthWords(limits.retention)} of switching on. A legal hold stops the purge, never the end.`,
    ),
    ...sentence(
      breakGlass.enabled
        ? `In an emergency Legal or Security alone may open an exception of at most ${lengthWords(breakGlass.atMost)}; all others must confirm before it ends.`
        : 'There is no break-glass exception: nobody can open one alone.',
    ),
  ];
}

const TOPOLOGY_WORDS = {
  dedicated: 'an account and Region used for the investigation alone',
  'filter-and-purge': 'a filter that deletes what others send, minutes after Bedrock has stored it',
} as const satisfies Record<Policy['exceptions']['scope']['topologies'][number], string>;
const DESTINATION_WORDS = {
  s3: 'an S3 prefix',
  'cloudwatch-logs': 'a CloudWatch log group',
} as const satisfies Record<Policy['exceptions']['destination']['kinds'][number], string>;

function reviewSentences({ review }: Policy): readonly string[] {
  const occasions = review.alsoOn.length === 0 ? '' : `, and on ${listed(review.alsoOn, 'or')}`;
  return sentence(
    `At least every ${lengthWords(review.every)}${occasions}, by ${listed(review.reviewers.map(({ title }) => title))} together (${sources(review.source)}).`,
  );
}

function statementSentences({ statements, sources: texts }: Policy): readonly string[] {
  return [
    ...texts.flatMap(({ id, title }) => paragraph(title, `  ${id}: `)),
    ...statements.flatMap(({ id, source, says, carriedBy, note }) => [
      '',
      ...paragraph(says, `  ${id}  `),
      ...paragraph(`${source.document}, ${source.section}; carried by ${listed(carriedBy)}.`, '    '),
      ...(note === undefined ? [] : paragraph(note, '    Note: ')),
    ]),
  ];
}

const sources = (references: readonly { readonly document: string; readonly section: string }[]): string =>
  references.map(({ document, section: where }) => `${document}, ${where}`).join('; ');

const UNIT_WORDS: Readonly<Record<string, string>> = { d: 'day', h: 'hour', m: 'minute', s: 'second' };

/** `14d` -> `14 days`. */
function lengthWords(duration: string): string {
  const amount = Number(duration.slice(0, -1));
  return `${amount} ${UNIT_WORDS[duration.slice(-1)]}${amount === 1 ? '' : 's'}`;
}
