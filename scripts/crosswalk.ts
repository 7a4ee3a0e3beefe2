import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseSourceDocument } from '../src/core/index.ts';
import { type LoadedPolicy, parsePolicy } from '../src/policy/index.ts';

/*
 * Writes docs/crosswalk.md from docs/data/crosswalk.yaml and the shipped policy: `node scripts/crosswalk.ts`. A test holds that the page is
 * the current one, that every section of every source text is in it, and that everything it names exists.
 */

const ROOT = join(import.meta.dirname, '..');
export const DATA_FILE = 'docs/data/crosswalk.yaml';
export const PAGE_FILE = 'docs/crosswalk.md';
const POLICY_FILE = 'policies/prompt-storage.yaml';

export const FATES = {
  carried: 'something does it',
  partly: 'something does some of it; the note says what is left',
  planned: 'nothing does it yet; the note says what will',
  attested: 'no machine can see it; a person vouches for it',
  position: 'a reason, a definition or a description; there is nothing to check',
  corrected: 'wrong about AWS, or against the policy as written; the note says what holds instead',
  refused: 'against the policy; the note says why',
} as const;
export type Fate = keyof typeof FATES;

const text = z.string().trim().min(1);
const dataSchema = z.strictObject({
  kind: z.literal('Crosswalk'),
  sources: z.array(
    z.strictObject({
      id: text,
      title: text,
      sections: z.array(
        z.strictObject({
          section: text,
          /** Ids of the shipped policy's statements. */
          of: z.array(text).min(1).optional(),
          statements: z
            .array(
              z.strictObject({
                says: text,
                fate: z.enum(Object.keys(FATES) as [Fate, ...Fate[]]),
                by: z.array(text).min(1).optional(),
                note: text.optional(),
              }),
            )
            .min(1)
            .optional(),
        }),
      ),
    }),
  ),
  frameworks: z.array(
    z.strictObject({
      framework: text,
      maps: z.array(z.strictObject({ to: text, by: z.array(text).min(1) })).optional(),
      none: text.optional(),
    }),
  ),
});
export type CrosswalkData = z.output<typeof dataSchema>;

export interface CrosswalkRow {
  readonly source: string;
  readonly section: string;
  /** Of the shipped policy; the other texts have none. */
  readonly statement?: string;
  readonly says: string;
  readonly fate: Fate;
  readonly by: readonly string[];
  readonly note?: string;
}

/** @throws Error telling the first fault: the file is ours */
export function readCrosswalk(): CrosswalkData {
  const document = parseSourceDocument(readFileSync(join(ROOT, DATA_FILE), 'utf8'), DATA_FILE);
  if (!document.ok) throw new Error(JSON.stringify(document.error[0]));
  return dataSchema.parse(document.value.value);
}

export function readShippedPolicy(): LoadedPolicy {
  const policy = parsePolicy(readFileSync(join(ROOT, POLICY_FILE), 'utf8'), POLICY_FILE);
  if (!policy.ok) throw new Error(JSON.stringify(policy.error[0]));
  return policy.value;
}

/** Every statement with its fate; those of the policy itself as the policy has them. */
export function crosswalkRows({ sources }: CrosswalkData, { policy }: LoadedPolicy): readonly CrosswalkRow[] {
  return sources.flatMap(({ id: source, sections }) =>
    sections.flatMap(({ section, of = [], statements = [] }) => [
      ...of.map((id) => ({ source, section, ...policyRow(id, policy) })),
      ...statements.map(({ by = [], note, ...rest }) => ({
        source,
        section,
        ...rest,
        by,
        ...(note === undefined ? {} : { note }),
      })),
    ]),
  );
}

const OUTSIDE = ['attestation', 'planned', 'position'];

function policyRow(id: string, policy: LoadedPolicy['policy']): Omit<CrosswalkRow, 'source' | 'section'> {
  const statement = policy.statements.find((each) => each.id === id);
  if (statement === undefined) throw new Error(`the policy has no statement \`${id}\``);
  const { says, carriedBy, note } = statement;
  const by = carriedBy
    .filter((carrier) => !OUTSIDE.includes(carrier))
    .map((carrier) =>
      policy.controls.some((control) => control.id === carrier) ? carrier : `policy:${carrier}`,
    );
  return { statement: id, says, fate: fateOf(by, carriedBy), by, ...(note === undefined ? {} : { note }) };
}

function fateOf(by: readonly string[], carriedBy: readonly string[]): Fate {
  if (carriedBy.includes('planned')) return by.length === 0 ? 'planned' : 'partly';
  if (by.length > 0) return 'carried';
  return carriedBy.includes('attestation') ? 'attested' : 'position';
}

/** The page. The same data and policy give the same bytes. */
export function renderCrosswalk(data: CrosswalkData, policy: LoadedPolicy): string {
  const rows = crosswalkRows(data, policy);
  const counts = (Object.keys(FATES) as Fate[]).map(
    (fate) => [fate, rows.filter((row) => row.fate === fate).length] as const,
  );
  const lines = [
    '# Crosswalk: the source texts and what carries them',
    '',
    `Every statement of the five source texts that asks for something, in our words, and what makes it true: ${rows.length} in all. This`,
    'page is written from `data/crosswalk.yaml` and from the `statements` of the shipped policy (`node scripts/crosswalk.ts`); a test holds',
    'that every section of every text is here and that every control, field, command and file named here exists.',
    '',
    '| fate | means | statements |',
    '|---|---|---|',
    ...counts.map(([fate, count]) => `| ${fate} | ${FATES[fate]} | ${count} |`),
    '',
    ...data.sources.flatMap(({ id, title }) => [
      `## ${title}`,
      '',
      '| section | says | fate | by | note |',
      '|---|---|---|---|---|',
      ...rows.filter(({ source }) => source === id).map(rowLine),
      '',
    ]),
    '## Outside frameworks',
    '',
    'Only what can be said without guessing: no number is mapped whose text was not read.',
    '',
    '| framework | to | by |',
    '|---|---|---|',
    ...data.frameworks.flatMap(({ framework, maps = [], none }) => [
      ...maps.map(({ to, by }) => `| ${cell(framework)} | ${cell(to)} | ${by.map(reference).join(', ')} |`),
      ...(none === undefined ? [] : [`| ${cell(framework)} | none | ${cell(none)} |`]),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function rowLine({ section, statement, says, fate, by, note = '' }: CrosswalkRow): string {
  const where = statement === undefined ? section : `${section} (${statement})`;
  return `| ${cell(where)} | ${cell(says)} | ${fate} | ${by.map(reference).join(', ')} | ${cell(note)} |`;
}

const cell = (words: string): string => words.replaceAll('|', '\\|').replace(/\s+/g, ' ');

/** `code:` and `doc:` become links; the others are named. */
function reference(to: string): string {
  const [, kind = '', name = ''] = /^(policy|command|workflow|code|doc):(.+)$/.exec(to) ?? [];
  switch (kind) {
    case 'policy':
      return `\`${name}\` of the policy`;
    case 'command':
      return `\`proviso ${name}\``;
    case 'workflow':
      return `[the workflow ${name}](../workflows/${name}.asl.yml)`;
    case 'code':
      return `[${name}](../${name})`;
    case 'doc':
      return `[${name}](${name.replace(/^docs\//, '')})`;
    default:
      return `[${to}](controls.md)`;
  }
}

if (process.argv[1] === import.meta.filename)
  writeFileSync(join(ROOT, PAGE_FILE), renderCrosswalk(readCrosswalk(), readShippedPolicy()));
