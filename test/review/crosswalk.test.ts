import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type CrosswalkRow,
  crosswalkRows,
  PAGE_FILE,
  readCrosswalk,
  readShippedPolicy,
  renderCrosswalk,
} from '../../scripts/crosswalk.ts';
import { COMMANDS } from '../../src/cli/command-table.ts';

const ROOT = join(import.meta.dirname, '../..');
const data = readCrosswalk();
const loaded = readShippedPolicy();
const { policy } = loaded;
const rows = crosswalkRows(data, loaded);

/**
 * The headings of the five texts as they stand in them, read once by a person; a heading without a statement of its own begins with `-`.
 * Kept apart from the data, so that a section that is lost there is noticed here.
 */
const HEADINGS: Readonly<Record<string, readonly string[]>> = {
  'AI Prompt Storage & Traceability Policy': [
    '1 Purpose',
    '2 Executive Summary',
    '-3 What We DO Track',
    '3.1 User Identity',
    '3.2 Usage Metrics',
    '3.3 Cost Attribution',
    '4 What We DO NOT Track',
    '-5 Rationale for NOT Storing Prompts',
    '5.1 Intellectual Property Protection',
    '5.2 Legal & Discovery Risk',
    '5.3 Security Risk',
    '5.4 Developer Trust & Productivity',
    '6 Governance Position',
    '7 Exception Policy',
    '8 AWS Alignment',
    '9 Compliance & Review',
    '10 Executive Positioning Statement',
    '11 Decision Summary',
  ],
  'Runbook: AWS Bedrock Traceability': [
    'Head',
    '1 Overview',
    '-2 Prerequisites',
    '2.1 IAM Identity Center',
    '2.2 Identity Smoke Test',
    '-3 Identity Configuration',
    '3.1 Permission Sets',
    '3.2 Group-Based Access',
    '3.3 Prohibited Patterns',
    '-4 CloudTrail Configuration',
    '4.1 Enable Management Events',
    '4.2 Configure Event Storage',
    '-5 CloudWatch Configuration',
    '5.1 Verify Bedrock Metrics',
    '-6 Cost Attribution',
    '6.1 Enable Cost Allocation Tags',
    '6.2 Cost Calculation Model',
    '7 Correlation Model',
    '8 Validation Tests',
    '9 Common Issues & Resolutions',
    '10 Security & Governance Notes',
    '11 Completion Criteria',
    'Admin Summary Statement',
  ],
  'PRD: AI Interaction Logging System': [
    'Introduction/Overview',
    'Goals',
    'User Stories',
    'Functional Requirements',
    'Non-Goals',
    'Design Considerations',
    'Technical Considerations',
    'Success Metrics',
    'Open Questions',
  ],
  'The Paper Trail: Metadata and Audit Requirements': [
    'The Unforgettable Record',
    '1. Management vs. Data Events',
    '2. Configuring Model Invocation Logging',
    '3. Metadata Tagging Strategy',
    '4. Cost Allocation and Tagging',
    '5. Visualizing the Audit Infrastructure',
    '6. Code Example: CloudWatch Alert for AI Failure',
    'Knowledge Check',
    'Summary',
  ],
  'Privacy, Security, and Compliance for Generative AI': [
    'Overview',
    '-Confidentiality, Integrity, and Availability Framework',
    'Data Protection Strategy',
    'Encryption and Access Control',
    'Network Security and Isolation',
    '-Data Governance and Classification',
    'Data Classification Framework',
    'Data Anonymization and Pseudonymization',
    '-Compliance and Regulatory Adherence',
    '-Regulatory Compliance Strategy',
    'Multi-Jurisdiction Compliance',
    'Data Residency and Sovereignty',
    'Privacy-Preserving Mechanisms',
    '-Risk Assessment and Management',
    'Comprehensive Risk Assessment Framework',
    'Continuous Risk Monitoring',
    '-Generative AI Security Practices',
    '-Model Security and Integrity',
    'Secure Model Development',
    'Runtime Security Controls',
    '-Application Security Integration',
    'Secure API Design',
    'Integration Security',
    '-Continuous Monitoring and Incident Response',
    '-Security Operations Integration',
    'Monitoring and Response Framework',
    'Compliance Monitoring and Reporting',
    'Conclusion',
  ],
};

/** How many normative statements stand in numbered lists of the texts, where they can be counted. */
const COUNTED: readonly (readonly [source: string, section: string, statements: number])[] = [
  ['prd', 'Goals', 5],
  ['prd', 'User Stories', 5],
  ['prd', 'Functional Requirements', 10],
  ['prd', 'Non-Goals', 5],
  ['prd', 'Technical Considerations', 6],
  ['prd', 'Success Metrics', 6],
  ['runbook', '8 Validation Tests', 3],
];

/** Whether what a row names is there. */
function exists(reference: string): boolean {
  const [, kind = '', name = ''] = /^(policy|command|workflow|code|doc):(.+)$/.exec(reference) ?? [];
  switch (kind) {
    case 'policy': {
      let value: unknown = policy;
      for (const key of name.split('.'))
        value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
      return value !== undefined;
    }
    case 'command':
      return COMMANDS.some(({ path }) => path.join(' ') === name);
    case 'workflow':
      return existsSync(join(ROOT, 'workflows', `${name}.asl.yml`));
    case 'code':
    case 'doc':
      return existsSync(join(ROOT, name));
    default:
      return policy.controls.some(({ id }) => id === reference);
  }
}

describe('the crosswalk', () => {
  test.each(Object.entries(HEADINGS))('has every section of “%s”, in its order', (title, headings) => {
    const source = data.sources.find((each) => each.title === title);
    expect(
      source?.sections.map(({ section, of, statements }) =>
        of === undefined && statements === undefined ? `-${section}` : section,
      ),
    ).toEqual(headings);
  });

  test('is of the five source texts', () => {
    expect(data.sources.map(({ title }) => title)).toEqual(Object.keys(HEADINGS));
  });

  test.each(COUNTED)('has every item of the list of %s, %s', (id, section, count) => {
    expect(rows.filter((row) => row.source === id && row.section === section)).toHaveLength(count);
  });

  test('has every statement of the shipped policy once, in the section the policy says', () => {
    const own = rows.filter(({ statement }) => statement !== undefined);
    expect(own.map(({ statement }) => statement)).toEqual(policy.statements.map(({ id }) => id));
    for (const { id, source } of policy.statements)
      expect([id, own.find(({ statement }) => statement === id)?.section]).toEqual([id, source.section]);
  });

  test('every section that a control names is in it', () => {
    const titles = new Map(policy.sources.map(({ id, title }) => [id, title]));
    for (const { id, source } of policy.controls)
      for (const { document, section } of source) {
        const headings = HEADINGS[titles.get(document) ?? ''] ?? [];
        expect([id, document, section, headings.includes(section)]).toEqual([id, document, section, true]);
      }
  });

  test('names nothing that is not there', () => {
    const named = [
      ...rows.flatMap(({ by }) => by),
      ...data.frameworks.flatMap(({ maps = [] }) => maps.flatMap(({ by }) => by)),
    ];
    expect(named.filter((reference) => !exists(reference))).toEqual([]);
    expect(exists('CP-99') || exists('command:policy nosuch') || exists('policy:storage.nosuch')).toBe(false);
    expect(exists('code:src/nosuch.ts') || exists('workflow:nosuch')).toBe(false);
  });

  test('every control carries something', () => {
    const carrying = new Set(rows.flatMap(({ by }) => by));
    expect(policy.controls.map(({ id }) => id).filter((id) => !carrying.has(id))).toEqual([]);
  });

  test.each<[string, (row: CrosswalkRow) => boolean]>([
    [
      'what is carried, wholly or partly, says by what',
      ({ fate, by }) => !/^(carried|partly)$/.test(fate) || by.length > 0,
    ],
    [
      'what is partly carried, planned, refused, corrected or attested says why or what is left',
      ({ fate, note, statement }) =>
        statement !== undefined ||
        !/^(partly|planned|refused|corrected|attested)$/.test(fate) ||
        note !== undefined,
    ],
    ['a position is carried by nothing', ({ fate, by }) => fate !== 'position' || by.length === 0],
    ['what is planned is carried by nothing yet', ({ fate, by }) => fate !== 'planned' || by.length === 0],
    [
      'a statement is one sentence or two, not a quotation',
      ({ says }) => says.length <= 180 && !/["“”]/.test(says),
    ],
  ])('%s', (_name, holds) => {
    expect(rows.filter((row) => !holds(row))).toEqual([]);
  });

  test('an outside framework is mapped, or it is said what is not and why', () => {
    for (const { framework, maps, none } of data.frameworks)
      expect([framework, maps !== undefined || none !== undefined]).toEqual([framework, true]);
  });

  test('docs/crosswalk.md is the current page', () => {
    expect(readFileSync(join(ROOT, PAGE_FILE), 'utf8')).toBe(renderCrosswalk(data, loaded));
  });
});
