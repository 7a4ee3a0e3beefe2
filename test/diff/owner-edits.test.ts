import { describe, expect, test } from 'vitest';
import { type Direction, replays } from '../../src/diff/index.ts';
import { POLICY_TEXT } from '../policy/shipped.ts';
import { diffOf, editedPolicy, SHIPPED } from './policies.ts';

/*
 * Edits that a policy owner would make to the shipped policy, and how the diff reads to somebody who does not read YAML. `both` in the
 * second column is what one change does in two ways; the sentences are the ones that reviewers see.
 */

interface Edit {
  readonly name: string;
  readonly edits: readonly (readonly [find: string, replace: string])[];
  readonly direction: Direction;
  readonly path: string;
  readonly says: string;
  readonly looser?: readonly [given: string, old: string, next: string];
  readonly stricter?: readonly [given: string, old: string, next: string];
}

const EXECUTIVE = `      - role: executive
        title: Executive Leadership
        source: [{ document: policy, section: 2 Executive Summary }]
`;

/** Whole lines of the shipped policy, each with its line end, so that the first one found is the one meant. */
const linesNaming = (id: string): readonly string[] =>
  POLICY_TEXT.split('\n')
    .filter((line) => line.includes(id))
    .map((line) => `${line}\n`);

const EDITS: readonly Edit[] = [
  {
    name: 'content may be kept for 21 days instead of 14',
    edits: [['retention: 14d', 'retention: 21d']],
    direction: 'loosening',
    path: 'exceptions.limits.retention',
    says: 'content may exist for 21 days from switching on to the proven purge, the longest total storage; it was 14 days',
    looser: [
      'a request to store text of one subject in us-east-1 for 1 hour, purged within 21 days',
      'refused: retention asked is 21d; at most 14d from enabling to proven purge (exceptions.limits.retention)',
      'admitted',
    ],
  },
  {
    name: 'the executive’s approval is dropped',
    edits: [[EXECUTIVE, '']],
    direction: 'loosening',
    path: 'exceptions.approvals.roles',
    says: 'an exception no longer needs the approval of Executive Leadership (`executive`)',
    looser: ['the approvals of legal and security, each by another person', 'do not suffice', 'suffice'],
  },
  {
    name: 'the guardrails deny batch inference too',
    edits: [['denied: [long-term-api-keys]', 'denied: [long-term-api-keys, batch-inference]']],
    direction: 'tightening',
    path: 'storage.denied',
    says: 'batch-inference is denied to everybody by the guardrails',
    stricter: [
      'a call that needs batch-inference',
      'the guardrails leave it to the accounts’ own policies',
      'the guardrails deny it to everybody',
    ],
  },
  {
    name: 'the guardrails deny nothing beside what they always deny',
    edits: [['  denied: [long-term-api-keys]\n', '']],
    direction: 'loosening',
    path: 'storage.denied',
    says: 'long-term-api-keys is no longer denied by this word',
    looser: [
      'a call that needs long-term-api-keys',
      'the guardrails deny it to everybody',
      'the guardrails leave it to the accounts’ own policies',
    ],
  },
  {
    name: '`notIn` becomes `in`: the control looks at closed accounts and at no others',
    edits: [
      [
        '        - { fact: account.state, op: notIn, value: [SUSPENDED, CLOSED] }\n        - not: { fact: region.unusable, op: present, value: true }\n    require: { fact: dataRetention.mode',
        '        - { fact: account.state, op: in, value: [SUSPENDED, CLOSED] }\n        - not: { fact: region.unusable, op: present, value: true }\n    require: { fact: dataRetention.mode',
      ],
    ],
    direction: 'both',
    path: 'controls.CP-03.when',
    says: 'CP-03 (The account data-retention mode is none) lets something pass that it reported before, and reports something that it let pass',
    looser: [
      'an account and governed Region | the state of the account is `ACTIVE` | proof that nobody can use Bedrock in the Region is not there | the account data-retention mode is `default`',
      'non-compliant',
      'not-applicable',
    ],
    stricter: [
      'an account and governed Region | the state of the account is `SUSPENDED` | proof that nobody can use Bedrock in the Region is not there | the account data-retention mode is `default`',
      'not-applicable',
      'non-compliant',
    ],
  },
  {
    name: 'a control is renamed, and every mention of it',
    edits: linesNaming('RB-02').map((line) => [line, line.replaceAll('RB-02', 'RB-99')]),
    direction: 'neutral',
    path: 'controls.RB-99.id',
    says: 'RB-02 is now called RB-99',
  },
  {
    name: 'the baseline goes from nothing to metadata',
    edits: [['  baseline: none\n', '  baseline: metadata-only\n']],
    direction: 'loosening',
    path: 'storage.baseline',
    says: 'the baseline is `metadata-only`; it was `none`',
    looser: [
      'an account',
      'nothing is recorded outside an exception',
      'who used which model and how much is recorded, and no content',
    ],
  },
  {
    name: 'drift is undone from now on',
    edits: [['  enforcement: observe', '  enforcement: enforce']],
    direction: 'tightening',
    path: 'storage.enforcement',
    says: 'the enforcement is `enforce`; it was `observe`',
    stricter: ['an account', 'drift is reported and stays', 'drift is undone'],
  },
  {
    name: 'an unset flag is accepted, where only “disabled” was',
    edits: [
      [
        '{ fact: invocationLogging.audioDataDelivery, op: equal, value: disabled }\n            - not:',
        '{ fact: invocationLogging.audioDataDelivery, op: notEqual, value: enabled }\n            - not:',
      ],
    ],
    direction: 'loosening',
    path: 'controls.CP-01.require',
    says: 'CP-01 (Model invocation logging stores no content) lets something pass that it reported before',
    looser: [
      'an account and governed Region | the state of the account is `ACTIVE` | proof that nobody can use Bedrock in the Region is not there | the delivery of text is `disabled` | the delivery of images is `disabled` | the delivery of embeddings is `disabled` | the delivery of video is `disabled` | the delivery of audio is `unset` | no bucket for large bodies is named | invocation logging is configured',
      'non-compliant',
      'compliant',
    ],
  },
  {
    name: 'only text may be stored under an exception',
    edits: [['modalities: [text, image, embedding, video, audio]', 'modalities: [text]']],
    direction: 'tightening',
    path: 'exceptions.scope.modalities',
    says: 'no exception may have the kinds of content `image`, `embedding`, `video` and `audio` any more',
    stricter: [
      'a request to store image of one subject in us-east-1 for 1 hour, purged within 14 days',
      'admitted',
      'refused: content kinds asked: image; allowed: text (exceptions.scope.modalities)',
    ],
  },
  {
    name: 'one Region more is governed',
    edits: [['eu-central-1, eu-west-1]', 'eu-central-1, eu-west-1, eu-west-2]']],
    direction: 'both',
    path: 'storage.scope.regions',
    says: 'eu-west-2 is now governed: checked, and open to exceptions',
    looser: [
      'a request to store text of one subject in eu-west-2 for 1 hour, purged within 14 days',
      'refused: eu-west-2 is not one of the governed Regions (us-east-1, eu-central-1, eu-west-1) (storage.scope.regions)',
      'admitted',
    ],
    stricter: [
      'an account that stores prompts in eu-west-2',
      'no control looks at that Region',
      'every control for accounts and Regions looks at it',
    ],
  },
  {
    name: 'the review becomes due every two years',
    edits: [['  every: 365d', '  every: 730d']],
    direction: 'loosening',
    path: 'review.every',
    says: 'the policy is reviewed every 730 days; it was every 365 days',
    looser: [
      'the policy, a little more than 365 days after its last review',
      'its review is overdue',
      'its review is not due',
    ],
  },
  {
    name: 'a whole path of roles becomes storage administrator',
    edits: [['role/proviso/ProvisoEnable', 'role/proviso/*']],
    direction: 'loosening',
    path: 'storage.administrators.arn:*:iam::*:role/proviso/*',
    says: '`arn:*:iam::*:role/proviso/*` names more principals that may change prompt storage',
    looser: [
      'the principal arn:aws:iam::111122223333:role/proviso/example',
      'that it may change prompt storage is a violation',
      'it may change prompt storage',
    ],
  },
  {
    name: 'a violation weighs less',
    edits: [
      [
        'title: The account data-retention mode is none\n    subject: account-region\n    severity: critical',
        'title: The account data-retention mode is none\n    subject: account-region\n    severity: low',
      ],
    ],
    direction: 'loosening',
    path: 'controls.CP-03.severity',
    says: 'a violation of CP-03 (The account data-retention mode is none) is low; it was critical',
    looser: [
      'an account and governed Region | the state of the account is `ACTIVE` | proof that nobody can use Bedrock in the Region is not there | the account data-retention mode is `default`',
      'non-compliant, critical',
      'non-compliant, low',
    ],
  },
  {
    name: 'the purge is proven by a second look only after two days',
    edits: [
      ['secondListingAfter: 24h', 'secondListingAfter: 2d'],
      ['enablement: 12d', 'enablement: 11d'],
    ],
    direction: 'tightening',
    path: 'exceptions.purge.secondListingAfter',
    says: 'the two empty listings that prove a purge are 2 days apart; it was 24 hours',
  },
  {
    name: 'an exception may be extended into more of the month',
    edits: [['{ atMost: 14d, within: 30d }', '{ atMost: 20d, within: 30d }']],
    direction: 'loosening',
    path: 'exceptions.limits.leasedTime',
    says: 'content storage may be on for 20 days in any 30 days per account and Region; it was 14 days in any 30 days',
  },
  {
    name: 'a message is put more clearly',
    edits: [
      [
        'message: AWS may keep prompts and responses of this account and Region.',
        'message: AWS may keep what people here wrote to a model, and its answers.',
      ],
    ],
    direction: 'text',
    path: 'controls.CP-03.message',
    says: '`message` of CP-03 reads differently',
  },
];

describe('an edit of the shipped policy', () => {
  test.each(EDITS.map((edit) => [edit.name, edit] as const))('%s', (_name, edit) => {
    const next = editedPolicy(...edit.edits);
    const diff = diffOf(SHIPPED, next);
    const change = diff.changes.find(({ path }) => path === edit.path);
    expect(change).toMatchObject({ direction: edit.direction, says: edit.says, isDecided: true });
    for (const [witness, expected] of [
      [change?.loosens, edit.looser],
      [change?.tightens, edit.stricter],
    ] as const) {
      if (witness !== undefined) expect(replays(witness, SHIPPED, next)).toBe(true);
      if (expected !== undefined)
        expect([witness?.given.join(' | '), witness?.old, witness?.new]).toEqual(expected);
    }
    expect(change?.loosens !== undefined, 'an example of looser').toBe(
      edit.direction === 'loosening' || edit.direction === 'both',
    );
    expect(change?.tightens !== undefined, 'an example of stricter').toBe(
      edit.direction === 'tightening' || edit.direction === 'both',
    );
  });

  test.each(
    EDITS.filter(({ name }) => !name.startsWith('the purge is proven')).map(
      (edit) => [edit.name, edit] as const,
    ),
  )('%s: and nothing else is reported', (_name, edit) => {
    expect(diffOf(SHIPPED, editedPolicy(...edit.edits)).changes.map(({ path }) => path)).toEqual([edit.path]);
  });
});
