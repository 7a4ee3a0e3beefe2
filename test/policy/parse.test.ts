import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../src/core/index.ts';
import { casesFileFor, POLICY_PROBLEMS, parsePolicy, policyFileKind } from '../../src/policy/index.ts';
import { edited, POLICY_TEXT, shippedPolicy, unmarked } from './shipped.ts';

type Refusal = readonly [name: string, find: string, replace: string, code: string, path: string];

const NESTED = (depth: number) =>
  `${'{ not: '.repeat(depth)}{ fact: dataRetention.mode, op: equal, value: none }${' }'.repeat(depth)}`;
const CP03 = 'require: { fact: dataRetention.mode, op: equal, value: none }';

/** One edit of the shipped policy each; `«` marks in the replacement where the fault must be reported. */
const refusals: readonly Refusal[] = [
  // Form
  ['another kind of file', 'kind: Policy', 'kind: «PolicyCases', 'wrong-kind', 'kind'],
  [
    'a later version of the language',
    'schemaVersion: 1',
    'schemaVersion: «2',
    'unsupported-version',
    'schemaVersion',
  ],
  [
    'a misspelt key, with the one that was meant',
    '  status: draft',
    '  «stauts: draft',
    'unknown-key',
    'metadata.stauts',
  ],
  ['an unknown key', 'review:\n  source', '«colour: red\nreview:\n  source', 'unknown-key', 'colour'],
  [
    'a missing key, at its mapping',
    'limits:\n    # From switching on to the proven purge. 12 days on, an hour to drain and a day between the listings fit into it.\n    retention: 14d\n',
    '«limits:\n',
    'missing-key',
    'exceptions.limits.retention',
  ],
  [
    'a key without value',
    'owner: AI Platform / Cloud Architecture',
    'owner: «',
    'wrong-type',
    'metadata.owner',
  ],
  [
    'a number where text is meant',
    'title: Model invocation logging stores no content',
    'title: «7',
    'wrong-type',
    'controls[0].title',
  ],
  [
    'a text where a list is meant',
    'regions: [us-east-1, eu-central-1, eu-west-1]',
    'regions: «us-east-1',
    'wrong-type',
    'storage.scope.regions',
  ],
  [
    'an empty list',
    'regions: [us-east-1, eu-central-1, eu-west-1]',
    '«regions: []',
    'list-too-short',
    'storage.scope.regions',
  ],
  ['an empty text', 'owner: AI Platform / Cloud Architecture', "owner: «''", 'empty-text', 'metadata.owner'],
  [
    'a title as long as a book',
    'title: Model invocation logging stores no content',
    `title: «${'x'.repeat(121)}`,
    'text-too-long',
    'controls[0].title',
  ],
  ['an id of another form', 'id: CP-01', 'id: «cp1', 'wrong-form', 'controls[0].id'],
  ['a Region that cannot be', 'us-east-1,', '«useast1,', 'wrong-form', 'storage.scope.regions[0]'],
  [
    'a value outside the closed list',
    'severity: medium',
    'severity: «middling',
    'value-not-allowed',
    'controls[1].severity',
  ],
  [
    'a retention mode other than none',
    'dataRetentionMode: none',
    'dataRetentionMode: «default',
    'value-not-allowed',
    'storage.dataRetentionMode',
  ],
  [
    'a number out of range',
    'maxSubjects: 50',
    'maxSubjects: «0',
    'out-of-range',
    'exceptions.scope.maxSubjects',
  ],
  [
    'a fraction of a subject',
    'maxSubjects: 50',
    'maxSubjects: «1.5',
    'wrong-type',
    'exceptions.scope.maxSubjects',
  ],
  [
    'a duplicate key',
    'retention: 14d',
    'retention: 14d\n    «retention: 90d',
    'duplicate-key',
    'exceptions.limits.retention',
  ],
  // Times
  [
    'a duration without unit',
    'retention: 14d',
    'retention: «14',
    'not-a-duration',
    'exceptions.limits.retention',
  ],
  [
    'a duration in words',
    'expireAfter: 7d',
    'expireAfter: «one week',
    'not-a-duration',
    'exceptions.approvals.expireAfter',
  ],
  ['no time at all', 'drain: 1h', 'drain: «0h', 'not-a-duration', 'exceptions.purge.drain'],
  [
    'an effective date without time',
    '  status: draft',
    '  status: draft\n  effectiveFrom: «2026-12-01',
    'not-an-instant',
    'metadata.effectiveFrom',
  ],
  [
    'an effective time in a time zone',
    '  status: draft',
    '  status: draft\n  effectiveFrom: «2026-12-01T09:00:00+01:00',
    'not-an-instant',
    'metadata.effectiveFrom',
  ],
  [
    'a date that does not exist',
    '  status: draft',
    '  status: draft\n  effectiveFrom: «2026-02-30T09:00:00Z',
    'not-an-instant',
    'metadata.effectiveFrom',
  ],
  [
    'in force without a date',
    'status: draft',
    'status: «in-force',
    'effective-from-missing',
    'metadata.status',
  ],
  // Conditions
  ['an empty all', CP03, 'require: { «all: [] }', 'condition-empty', 'controls[2].require.all'],
  ['an empty condition', CP03, '«require: {}', 'condition-empty', 'controls[2].require'],
  [
    'all beside any',
    CP03,
    `require: { all: [${NESTED(0)}], «any: [${NESTED(0)}] }`,
    'condition-ambiguous',
    'controls[2].require.any',
  ],
  [
    'a combination beside a fact',
    CP03,
    `require: { not: ${NESTED(0)}, «fact: dataRetention.mode, op: equal, value: none }`,
    'condition-ambiguous',
    'controls[2].require.fact',
  ],
  [
    'a misspelt combination',
    CP03,
    `require: { «al: [${NESTED(0)}] }`,
    'unknown-key',
    'controls[2].require.al',
  ],
  [
    'a misspelt key of a comparison',
    CP03,
    'require: { fact: dataRetention.mode, op: equal, «valeu: none }',
    'unknown-key',
    'controls[2].require.valeu',
  ],
  [
    'a key too many in a comparison',
    CP03,
    'require: { fact: dataRetention.mode, op: equal, value: none, «priority: 1 }',
    'unknown-key',
    'controls[2].require.priority',
  ],
  [
    'a comparison without operator',
    CP03,
    '«require: { fact: dataRetention.mode, value: none }',
    'missing-key',
    'controls[2].require.op',
  ],
  ['a text for a condition', CP03, 'require: «mode is none', 'wrong-type', 'controls[2].require'],
  [
    'a mapping for a value',
    CP03,
    'require: { fact: dataRetention.mode, op: equal, «value: { is: none } }',
    'wrong-type',
    'controls[2].require.value',
  ],
  [
    'an unknown fact deep in a tree',
    'op: equal, value: false }',
    'op: equal, value: false }\n        - not: { fact: «invocationLogging.textDataDelivry, op: equal, value: enabled }',
    'unknown-fact',
    'controls[0].require.any[2].not.fact',
  ],
  [
    'an unknown operator',
    CP03,
    'require: { fact: dataRetention.mode, op: «equals, value: none }',
    'unknown-operator',
    'controls[2].require.op',
  ],
  [
    'a fact of another subject',
    CP03,
    'require: { fact: «principal.type, op: equal, value: user }',
    'fact-not-for-subject',
    'controls[2].require.fact',
  ],
  [
    'an operator that does not fit the fact',
    CP03,
    'require: { fact: dataRetention.mode, op: «lessThan, value: none }',
    'operator-not-for-fact',
    'controls[2].require.op',
  ],
  [
    'a list for an operator that takes one',
    CP03,
    'require: { fact: dataRetention.mode, op: equal, «value: [none] }',
    'value-not-for-fact',
    'controls[2].require.value',
  ],
  [
    'one value for an operator that takes a list',
    'op: notIn, value: [SUSPENDED, CLOSED] }',
    'op: notIn, value: «SUSPENDED }',
    'value-not-for-fact',
    'controls[0].when.all[0].value',
  ],
  [
    'a text where the fact is a number',
    'fact: principal.activeBedrockApiKeys, op: equal, value: 0',
    "fact: principal.activeBedrockApiKeys, op: equal, value: «'0'",
    'value-not-for-fact',
    'controls[16].require.value',
  ],
  [
    'presence compared with a text',
    'fact: invocationLogging.largeDataBucket, op: present, value: true',
    'fact: invocationLogging.largeDataBucket, op: present, value: «yes',
    'value-not-for-fact',
    'controls[0].require.any[0].all[5].not.value',
  ],
  [
    'a value the fact can never have',
    'textDataDelivery, op: equal, value: disabled',
    'textDataDelivery, op: equal, value: «disable',
    'value-not-known',
    'controls[0].require.any[0].all[0].value',
  ],
  [
    'a baseline that does not exist, in a condition',
    'fact: storage.baseline, op: equal, value: metadata-only',
    'fact: storage.baseline, op: equal, value: «metadata',
    'value-not-known',
    'controls[1].when.all[1].value',
  ],
  // Meaning
  [
    'a source that is not listed',
    '{ document: runbook, section: 3.3',
    '{ document: «runbok, section: 3.3',
    'unknown-source',
    'controls[15].source[0].document',
  ],
  [
    'a control without source',
    'source:\n      - { document: policy, section: 4 What We DO NOT Track }\n      - { document: policy, section: 8 AWS Alignment }\n      - { document: paper-trail, section: 2. Configuring Model Invocation Logging }\n',
    '«source: []\n',
    'list-too-short',
    'controls[0].source',
  ],
  ['two controls of one id', 'id: CP-03', 'id: «CP-01', 'duplicate-entry', 'controls[2].id'],
  ['two statements of one id', 'id: S-2.2', 'id: «S-2.1', 'duplicate-entry', 'statements[5].id'],
  ['a Region twice', 'eu-west-1]', '«us-east-1]', 'duplicate-entry', 'storage.scope.regions[2]'],
  [
    'one role asked twice',
    'role: executive',
    'role: «security',
    'duplicate-entry',
    'exceptions.approvals.roles[2].role',
  ],
  [
    'a statement carried by nothing',
    'carriedBy: [RB-03, RB-07, PT-2, planned]',
    'carriedBy: [«RB-99, planned]',
    'unknown-carrier',
    'statements[5].carriedBy[0]',
  ],
  [
    'a statement carried by a field that is not there',
    'carriedBy: [review.reviewers]',
    'carriedBy: [«review.readers]',
    'unknown-carrier',
    'statements[37].carriedBy[0]',
  ],
  [
    'a policy without Legal',
    '- role: legal\n',
    '- role: counsel\n',
    'missing-role',
    'exceptions.approvals.roles',
  ],
  [
    'a policy without Security',
    '- role: security\n',
    '- role: guards\n',
    'missing-role',
    'exceptions.approvals.roles',
  ],
  [
    'everybody a storage administrator',
    'arn:*:iam::*:role/proviso/ProvisoEnable',
    '«arn:*:iam::*:role/*',
    'administrator-too-wide',
    'storage.administrators[0].principal',
  ],
  [
    'an administrator that is not a principal',
    'arn:*:iam::*:role/proviso/ProvisoEnable',
    '«arn:aws:s3:::bucket',
    'wrong-form',
    'storage.administrators[0].principal',
  ],
  [
    'an override that loosens',
    'overrides: []',
    'overrides:\n    - { organizationalUnit: ou-ab12-cdefgh34, reason: x, baseline: «metadata-only }',
    'override-looser',
    'storage.overrides[0].baseline',
  ],
  [
    'an override of nothing',
    'overrides: []',
    'overrides:\n    - «{ organizationalUnit: ou-ab12-cdefgh34, reason: x }',
    'override-empty',
    'storage.overrides[0]',
  ],
  [
    'an override that says what holds anyway',
    'overrides: []',
    'overrides:\n    - { organizationalUnit: ou-ab12-cdefgh34, reason: x, enforcement: «observe }',
    'override-empty',
    'storage.overrides[0].enforcement',
  ],
  [
    'an exception that covers principals',
    'subject: principal',
    'subject: principal\n    coverableByException: «true',
    'not-coverable',
    'controls[14].coverableByException',
  ],
  [
    'a retention too short for its purge',
    'retention: 14d',
    'retention: «12d',
    'limits-contradict',
    'exceptions.limits.retention',
  ],
  [
    'two listings too close together',
    'secondListingAfter: 24h',
    'secondListingAfter: «1h',
    'limits-contradict',
    'exceptions.purge.secondListingAfter',
  ],
  [
    'a cap below one enablement',
    'atMost: 14d, within',
    'atMost: «3d, within',
    'limits-contradict',
    'exceptions.limits.leasedTime.atMost',
  ],
  [
    'a cap that caps nothing',
    'atMost: 14d, within',
    'atMost: «30d, within',
    'limits-contradict',
    'exceptions.limits.leasedTime.atMost',
  ],
  [
    'a cap in a window that is too short',
    'within: 30d',
    'within: «15d',
    'limits-contradict',
    'exceptions.limits.leasedTime.within',
  ],
  ['a review that never comes', 'every: 1d', 'every: «13d', 'limits-contradict', 'exceptions.review.every'],
  [
    'break-glass of more than a day',
    'atMost: 24h',
    'atMost: «25h',
    'limits-contradict',
    'exceptions.breakGlass.atMost',
  ],
];

describe('a policy is refused for', () => {
  it.each(refusals)('%s', (_name, find, replace, code, path) => {
    const { text, line, column } = unmarked(edited(POLICY_TEXT, find, replace));
    const parsed = parsePolicy(text, 'p.yaml');
    const problems = parsed.ok ? [] : parsed.error;
    const found = problems.map((problem) => `${problem.code} ${problem.path}`);
    expect(found).toEqual([`${code} ${path}`]);
    expect(Object.keys(POLICY_PROBLEMS)).toContain(code);
    if (replace.includes('«')) expect(problems[0]).toMatchObject({ line, column });
    for (const problem of problems) {
      expect(problem.message).not.toMatch(/\.$|Invalid input|undefined|\[object/);
      expect(problem.remedy.length).toBeGreaterThan(5);
    }
  });

  it('conditions nested more deeply than anybody can follow, and not for the depth allowed', () => {
    const at = (depth: number) => {
      const parsed = parsePolicy(edited(POLICY_TEXT, CP03, `require: ${NESTED(depth)}`), 'p.yaml');
      return parsed.ok ? [] : parsed.error.map(({ code }) => code);
    };
    expect(at(19)).toEqual([]);
    expect(at(20)).toEqual(['condition-too-deep']);
    expect(at(45)).toEqual(['condition-too-deep']);
  });
});

describe('problems', () => {
  it('are told all at once, form and meaning together, in the order of the text', () => {
    const edits: readonly (readonly [string, string])[] = [
      ['status: draft', 'stauts: draft'],
      ['dataRetentionMode: none', 'dataRetentionMode: default'],
      ['textDataDelivery, op: equal, value: disabled', 'textDataDelivery, op: equal, value: off'],
      ['fact: dataRetention.mode', 'fact: dataRetention.mod'],
      ['role: legal\n', 'role: counsel\n'],
      ['retention: 14d', 'retention: 14'],
      ['every: 365d', 'every: yearly'],
    ];
    const text = edits.reduce((sofar, [find, replace]) => edited(sofar, find, replace), POLICY_TEXT);
    const parsed = parsePolicy(text, 'p.yaml');
    const problems = parsed.ok ? [] : parsed.error;
    expect(problems.map(({ code }) => code)).toEqual([
      'unknown-key',
      'value-not-allowed',
      'value-not-known',
      'unknown-fact',
      'missing-role',
      'not-a-duration',
      'not-a-duration',
    ]);
    const lines = problems.map(({ line }) => line);
    expect(lines).toEqual(lines.toSorted((left, right) => left - right));
  });

  it('suggest the name that was probably meant', () => {
    const text = edited(POLICY_TEXT, 'fact: dataRetention.mode', 'fact: dataRetention.mod');
    const parsed = parsePolicy(text, 'p.yaml');
    expect(parsed.ok ? [] : parsed.error.map(({ remedy }) => remedy)).toEqual([
      'did you mean `dataRetention.mode`?',
    ]);
  });

  it('read well on a terminal of 80 columns', () => {
    const parsed = parsePolicy(edited(POLICY_TEXT, 'retention: 14d', 'retention: 12d'), 'policies/p.yaml');
    if (parsed.ok) throw new Error('expected a refusal');
    const line = POLICY_TEXT.split('\n').findIndex((each) => each.includes('retention: 14d')) + 1;
    expect(parsed.error.map(formatProblem)).toEqual([
      [
        `policies/p.yaml:${line}:16`,
        '  exceptions.limits.retention: `12d` cannot be kept: 12d of enablement, 1h of',
        '  drain and 1d between the two listings take 313h [limits-contradict]',
        '        retention: 12d',
        '                   ^',
        '  raise `retention` to `313h` at least, or shorten `enablement`',
      ].join('\n'),
    ]);
  });

  it('of a hostile file are bounded in number', () => {
    const keys = Array.from({ length: 5000 }, (_, index) => `k${index}: 1`).join('\n');
    const parsed = parsePolicy(`kind: Policy\nschemaVersion: 1\n${keys}\n`, 'p.yaml');
    const problems = parsed.ok ? [] : parsed.error;
    expect(problems.length).toBeLessThan(600);
    expect(problems.map(({ code }) => code)).toContain('too-many-problems');
  });
});

describe('a policy that is read', () => {
  it('is the shipped one, with defaults filled in', () => {
    const { policy, file } = shippedPolicy();
    expect(file).toBe('prompt-storage.yaml');
    expect(policy.metadata.id).toBe('prompt-storage');
    expect(policy.controls.map(({ id }) => id)).toEqual([
      'CP-01',
      'CP-02',
      'CP-03',
      'CP-04',
      'CP-08',
      'CP-09',
      'CP-10',
      'CP-11',
      'CP-12',
      'CP-13',
      'CP-15',
      'CP-20',
      'CP-21',
      'CP-22',
      'CP-17',
      'RB-01',
      'RB-02',
      'RB-03',
      'RB-04',
      'RB-06',
      'CP-05',
      'CP-06',
      'CP-07',
      'CP-14',
      'CP-16',
      'RB-05',
      'RB-07',
      'RB-08',
      'PT-1',
      'PT-2',
      'PT-4',
      'PT-3',
      'PT-5',
      'PT-7',
      'CP-18',
      'CP-19',
      'PT-6',
    ]);
    expect(policy.controls.find(({ id }) => id === 'CP-03')?.coverableByException).toBe(false);
    expect(policy.exceptions.approvals.roles.map(({ role }) => role)).toEqual([
      'legal',
      'security',
      'executive',
    ]);
  });

  it('carries every control by a statement of the source policy', () => {
    const { policy } = shippedPolicy();
    const carriers = new Set(policy.statements.flatMap(({ carriedBy }) => carriedBy));
    expect(policy.controls.map(({ id }) => id).filter((id) => !carriers.has(id))).toEqual([]);
  });

  it('has a hash that neither layout nor remarks nor the order of keys change', () => {
    const remarks = POLICY_TEXT.replaceAll('\n\n', '\n\n# a remark\n\n');
    const quoted = edited(remarks, 'retention: 14d', "retention:   '14d'   # two weeks");
    const reordered = edited(
      quoted,
      'drain: 1h\n    secondListingAfter: 24h',
      'secondListingAfter: 24h\n    drain: 1h',
    );
    const asJson = JSON.stringify(shippedPolicy().policy);
    for (const text of [remarks, quoted, reordered, asJson, POLICY_TEXT.replaceAll('\n', '\r\n')]) {
      const parsed = parsePolicy(text, 'other.yaml');
      expect(parsed.ok && parsed.value.hash).toBe(shippedPolicy().hash);
    }
  });

  it('has another hash when it says something else', () => {
    const parsed = parsePolicy(edited(POLICY_TEXT, 'enablement: 12d', 'enablement: 11d'), 'p.yaml');
    expect(parsed.ok).toBe(true);
    expect(parsed.ok && parsed.value.hash).not.toBe(shippedPolicy().hash);
  });
});

it('never throws, whatever one line of the policy is replaced by', () => {
  const lines = POLICY_TEXT.split('\n');
  const junk = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.constantFrom('  - {', 'x: [', '    all: []', '? a', '- - -', '  fact: 1', '   : :', 'null', '"\\x"'),
  );
  fc.assert(
    fc.property(fc.nat(lines.length - 1), junk, (at, text) => {
      const parsed = parsePolicy(lines.with(at, text).join('\n'), 'p.yaml');
      for (const problem of parsed.ok ? [] : parsed.error) {
        expect(Object.keys(POLICY_PROBLEMS)).toContain(problem.code);
        expect(formatProblem(problem)).toContain(`p.yaml:${problem.line}:${problem.column}`);
      }
    }),
    { numRuns: 60 },
  );
});

it.each([
  ['prompt-storage.yaml', 'policy'],
  ['prompt-storage.cases.yaml', 'cases'],
  ['prompt-storage.yml', 'policy'],
  ['policy.schema.json', 'other'],
  ['README.md', 'other'],
] as const)('the file %s is taken for: %s', (name, kind) => {
  expect(policyFileKind(name)).toBe(kind);
});

it('the cases of a policy stand beside it', () => {
  expect(casesFileFor('policies/prompt-storage.yaml')).toBe('policies/prompt-storage.cases.yaml');
});
