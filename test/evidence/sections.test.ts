import { describe, expect, it } from 'vitest';
import { durationMs, epochMs } from '../../src/core/index.ts';
import {
  collectSnapshot,
  decodeSnapshot,
  type EvidenceSources,
  encodeSnapshot,
  type Observation,
  SECTIONS,
  type SectionLevel,
  type Snapshot,
  sectionDefinition,
  sectionNames,
  sectionOf,
  snapshotOf,
  sourceOf,
  withoutStale,
} from '../../src/evidence/index.ts';
import { SECTION_EXAMPLES } from './section-examples.ts';
import { AT, absent, FRANKFURT, MEMBER, noIam, observed, organization, snapshot } from './snapshots.ts';

const LEVELS = Object.keys(SECTIONS) as SectionLevel[];
const ALL = LEVELS.flatMap((level) => sectionNames(level).map((name) => [level, name] as const));

/** A snapshot with an observation of every section everywhere. */
function fullSnapshot(of: (value: unknown) => Observation<unknown> = (value) => observed(value)): Snapshot {
  const sectionsOf = (level: SectionLevel) => ({
    sections: Object.fromEntries(
      Object.entries(SECTION_EXAMPLES[level]).map(([name, value]) => [name, of(value)]),
    ),
  });
  const base = snapshot();
  return {
    ...base,
    organization: {
      ...base.organization,
      ...(sectionNames('organization').length > 0 ? sectionsOf('organization') : {}),
    },
    accounts: base.accounts.map((account) => ({
      ...account,
      ...(sectionNames('account').length > 0 ? sectionsOf('account') : {}),
    })),
    accountRegions: base.accountRegions.map((pair) => ({ ...pair, ...sectionsOf('account-region') })),
  } as Snapshot;
}

const PAIR_FILE = `accounts/${MEMBER}/${FRANKFURT}.json`;
const pairOf = (taken: Snapshot) =>
  taken.accountRegions.find(({ accountId, region }) => accountId === MEMBER && region === FRANKFURT);

describe('sections in the files of a snapshot', () => {
  it('are read back as they were written', () => {
    const full = fullSnapshot();
    expect(decodeSnapshot(encodeSnapshot(full))).toEqual({ ok: true, value: full });
  });

  it('what is absent or unobservable stays so', () => {
    for (const seen of [absent(), { kind: 'unobservable', reason: 'throttled' } as const]) {
      const full = fullSnapshot(() => seen);
      expect(decodeSnapshot(encodeSnapshot(full))).toEqual({ ok: true, value: full });
    }
  });

  it('a snapshot from before there were sections still reads, and every section is not-collected', () => {
    const files = encodeSnapshot(snapshot());
    expect([...files.values()].join('')).not.toContain('sections');
    const read = decodeSnapshot(files);
    if (!read.ok) throw new Error('refused');
    expect(sectionOf(pairOf(read.value)?.sections, 'bedrockSessions')).toMatchObject({
      kind: 'unobservable',
      reason: 'not-collected',
    });
  });

  const withFile = (edit: (file: { sections: Record<string, unknown> }) => void) => {
    const files = new Map(encodeSnapshot(fullSnapshot()));
    const file = JSON.parse(files.get(PAIR_FILE) ?? '{}') as { sections: Record<string, unknown> };
    edit(file);
    return decodeSnapshot(files.set(PAIR_FILE, JSON.stringify(file)));
  };

  it('an unknown section is refused: it may be the one that stores prompts', () => {
    const read = withFile(({ sections }) => {
      sections['telepathy'] = { kind: 'unobservable', reason: 'failed' };
    });
    expect(read).toMatchObject({ ok: false, error: [{ file: PAIR_FILE, field: 'sections' }] });
  });

  it('a value of another shape is malformed and leaves the rest standing', () => {
    const read = withFile(({ sections }) => {
      sections['bedrockSessions'] = { ...(sections['bedrockSessions'] as object), value: [{ id: 7 }] };
    });
    if (!read.ok) throw new Error('refused');
    expect(pairOf(read.value)?.sections?.bedrockSessions).toMatchObject({ reason: 'malformed' });
    expect(pairOf(read.value)?.dataRetention.kind).toBe('observed');
  });

  it('evidence of another account is refused, below a section too', () => {
    const read = withFile(({ sections }) => {
      const source = { call: 'bedrock:ListSessions', accountId: '999999999999' };
      sections['bedrockSessions'] = { ...(sections['bedrockSessions'] as object), source };
    });
    expect(read).toMatchObject({
      ok: false,
      error: [{ code: 'identity-mismatch', field: 'sections.bedrockSessions.source.accountId' }],
    });
  });

  it('what is too old is not known any more, also inside a value', async () => {
    const later = epochMs(AT + 10);
    const aged = await snapshotOf(withoutStale(sourceOf(fullSnapshot()), later, durationMs(9)));
    for (const name of sectionNames('account-region'))
      expect(pairOf(aged)?.sections?.[name], name).toMatchObject({ reason: 'not-collected' });
    const fresh = await snapshotOf(withoutStale(sourceOf(fullSnapshot()), later, durationMs(10)));
    expect(fresh).toEqual(fullSnapshot());
  });
});

describe('collecting sections', () => {
  const sourcesWith = (
    sections: Partial<EvidenceSources['sections']>,
    state = 'ACTIVE',
  ): EvidenceSources => ({
    readOrganization: async () =>
      observed(organization({ accounts: organization().accounts.map((account) => ({ ...account, state })) })),
    readIam: async () => observed(noIam),
    readInvocationLogging: async () => absent(),
    readDataRetention: async () => observed({ mode: 'none' }),
    sections: { 'account-region': {}, account: {}, organization: {}, ...sections },
  });
  const collect = async (sources: EvidenceSources, optIn: readonly string[] = []) => {
    const taken = await collectSnapshot(sources, { regions: [FRANKFURT], takenAt: AT, optIn });
    if (!taken.ok) throw taken.error;
    return taken.value;
  };

  it('asks the reader with what was seen there before it', async () => {
    const taken = await collect(
      sourcesWith({
        'account-region': {
          bedrockSessions: async ({ accountId, region, invocationLogging }) =>
            observed([
              {
                id: `${accountId} ${region} ${invocationLogging.kind}`,
                status: 'ENDED',
                createdAt: AT,
                lastUpdatedAt: AT,
              },
            ]),
        },
      }),
    );
    expect(pairOf(taken)?.sections?.bedrockSessions).toMatchObject({
      value: [{ id: `${MEMBER} ${FRANKFURT} absent` }],
    });
  });

  it('a section without a reader is left out', async () => {
    expect(pairOf(await collect(sourcesWith({})))).not.toHaveProperty('sections');
  });

  it('a reader that breaks its promise, or gives what no file could hold, costs its own section only', async () => {
    for (const [reader, reason] of [
      [() => Promise.reject(new Error('CANARY')), 'failed'],
      [async () => observed([{ id: 's', secret: 'CANARY' }] as never), 'malformed'],
    ] as const) {
      const taken = await collect(sourcesWith({ 'account-region': { bedrockSessions: reader } }));
      expect(pairOf(taken)?.sections?.bedrockSessions).toMatchObject({ kind: 'unobservable', reason });
      expect(JSON.stringify(taken)).not.toContain('CANARY');
    }
  });

  it('a suspended account is not called', async () => {
    const taken = await collect(
      sourcesWith({ 'account-region': { bedrockSessions: () => Promise.reject(new Error()) } }, 'SUSPENDED'),
    );
    expect(pairOf(taken)?.sections?.bedrockSessions).toMatchObject({
      reason: 'not-collected',
      detail: 'the account is SUSPENDED and was not called',
    });
  });
});

it.each(ALL)('%s section %s says what it needs, in the words of IAM', (level, name) => {
  const { actions, meaning } = sectionDefinition(level, name);
  expect(meaning).not.toBe('');
  for (const [action, why] of Object.entries(actions)) {
    expect(action).toMatch(/^[a-z0-9-]+:[A-Z][A-Za-z0-9]+$/);
    expect(why).not.toBe('');
  }
});
