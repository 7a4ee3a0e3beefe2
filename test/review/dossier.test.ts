import { describe, expect, test } from 'vitest';
import { renderDossierHtml } from '../../src/cli/report/paper-html.ts';
import {
  accountId,
  durationMs,
  type EpochMs,
  epochMs,
  exceptionId,
  type Paper,
  principalId,
  region,
  renderMarkdown,
  sha256Hex,
} from '../../src/core/index.ts';
import type { ExceptionRecord } from '../../src/exceptions/index.ts';
import { explainPolicy } from '../../src/policy/index.ts';
import {
  buildDossier,
  type DossierInput,
  overrunOf,
  type PolicyChange,
  reviewStatus,
} from '../../src/review/index.ts';
import { checkSnapshot } from '../../src/rules/index.ts';
import { organization, snapshot } from '../evidence/snapshots.ts';
import { POLICY_TEXT, shippedPolicy } from '../policy/shipped.ts';
import { DAY_MS, Reviews, START } from './reviews.ts';

const HOUR_MS = 3_600_000;
const HASH = sha256Hex('x');
/** A name that ends tables, opens elements, breaks out of attributes, links, and hides what follows. */
const HOSTILE =
  '`</td><script>alert(1)</script>` | [x](javascript:x) ![y](z) <img src=x onerror=y>\n# heading\u202e"\' &lt; https://evil.example';

function exception(overrides: Partial<ExceptionRecord> = {}): ExceptionRecord {
  const endsAt = epochMs(START + 10 * HOUR_MS);
  return {
    id: exceptionId('ex-a1b2c3d4e5f6'),
    request: {
      reference: 'INC-1',
      justification: 'needed',
      subjects: ['arn:aws:iam::222222222222:role/R'],
      models: ['m'],
      modalities: ['text'],
      accountId: accountId('222222222222'),
      region: region('us-east-1'),
      topology: 'dedicated',
      destination: { kind: 's3', bucketName: 'b', keyPrefix: 'p/', kmsKeyArn: 'k' },
      readers: [],
      startsAt: epochMs(START + HOUR_MS),
      endsAt,
      retention: durationMs(7 * DAY_MS),
      notice: { kind: 'given', how: 'mail' },
      purgedBy: 'us',
    },
    requestHash: HASH,
    requesterId: principalId('sam'),
    submittedAt: START,
    policyHashes: [HASH],
    admissions: [],
    requiredRoles: ['legal', 'security'],
    approvalsDeadline: endsAt,
    state: 'closed',
    decisions: [
      {
        principalId: principalId('lena'),
        role: 'legal',
        decision: 'approve',
        at: START,
        policyHash: HASH,
        subjectHash: HASH,
      },
    ],
    enabledAt: epochMs(START + HOUR_MS),
    offAt: endsAt,
    emptyListings: [],
    ...overrides,
  };
}

async function inputWith(overrides: Partial<DossierInput> = {}): Promise<DossierInput> {
  const policy = shippedPolicy();
  const now = epochMs(START + 30 * DAY_MS);
  return {
    reviewId: 'rv-1',
    startedBy: 'anna',
    now,
    policy,
    policyText: POLICY_TEXT,
    status: reviewStatus({ reviews: [], changes: [], inForceSince: START }, '365d', now),
    changes: { kind: 'not-available', because: 'no review is complete' },
    exceptions: [],
    refusedRequests: 0,
    checks: [],
    attestations: { kind: 'not-available', because: 'none were given' },
    awsChanges: {
      known: { asOf: '2026-09-26', actions: ['bedrock:InvokeModel'] },
      unclassified: [],
      settings: {
        kind: 'known',
        value: { asOf: '2026-11-21', sdk: 'an SDK 1.0', unclassified: [], gone: [] },
      },
    },
    ...overrides,
  };
}
const sectionOf = (document: Paper, id: string): string =>
  JSON.stringify(document.sections.find((section) => section.id === id)?.blocks);
const build = async (overrides: Partial<DossierInput> = {}) => buildDossier(await inputWith(overrides));

/** A review of the shipped policy that everybody signed at `START`. */
async function signedReview(): Promise<Reviews> {
  const reviews = new Reviews();
  await reviews.start();
  await reviews.signAll();
  return reviews;
}

describe('a dossier', () => {
  test('has every sentence of the explained policy, each part beside the lines that say it', async () => {
    const { sections } = await build();
    const parts = sections.find(({ id }) => id === 'policy')?.blocks ?? [];
    const said = parts.flatMap((block) => (block.kind === 'beside' ? block.sentences : []));
    const explained = explainPolicy(shippedPolicy()).split('\n');
    const titles = new Set(
      parts.flatMap((block) => (block.kind === 'beside' ? [block.title.toUpperCase()] : [])),
    );
    const body = explained.slice(explained.indexOf('WHAT IS STORED')).filter((line) => line !== '');
    for (const line of body)
      if (!titles.has(line) && line !== 'WHO MAY CHANGE THAT') expect(said).toContain(line);
    const lines = POLICY_TEXT.split('\n');
    for (const block of parts)
      if (block.kind === 'beside')
        expect(lines.slice(block.firstLine - 1, block.firstLine - 1 + block.source.length)).toEqual(
          block.source,
        );
    const cp03 = parts.find((block) => block.kind === 'beside' && block.source[0] === '  - id: CP-03');
    expect(cp03).toMatchObject({ kind: 'beside', title: 'What is checked' });
    expect(cp03?.kind === 'beside' ? cp03.source.at(-1) : '').toContain('remedy:');
  });

  test('is the same for the same input', async () => {
    const [first, second] = [await build(), await build()];
    expect(renderMarkdown(first)).toBe(renderMarkdown(second));
    expect(renderDossierHtml(first)).toBe(renderDossierHtml(second));
  });

  test('says of everything that could not be learnt why', async () => {
    const document = await build();
    expect(sectionOf(document, 'findings')).toContain('no snapshot and no state was given');
    expect(sectionOf(document, 'attestations')).toContain('Not available: none were given');
    expect(sectionOf(document, 'aws')).toContain('No earlier list is on record');
  });

  test('asks about every statement that is planned', async () => {
    const planned = shippedPolicy().policy.statements.filter(({ carriedBy }) =>
      carriedBy.includes('planned'),
    );
    const text = sectionOf(await build(), 'questions');
    for (const { id } of planned) expect(text).toContain(`\`${id}\``);
    expect(planned.length).toBeGreaterThan(3);
  });

  test('tells what changed since the signed review, in which direction, with an example', async () => {
    const history = await (await signedReview()).history();
    const [review] = history.reviews;
    const status = {
      ...reviewStatus(history, '365d', START),
      ...(review === undefined ? {} : { lastComplete: { ...review, policyHash: HASH } }),
    };
    const change: PolicyChange = {
      direction: 'loosening',
      isDecided: false,
      path: 'exceptions.limits.retention',
      says: 'the retention grew from 14d to 21d',
      examples: ['Given a request of 20 days: the old policy says refused; the new one says admitted.'],
    };
    const text = sectionOf(await build({ status, changes: { kind: 'known', value: [change] } }), 'changes');
    expect(text).toContain('1 in all: 1 loosening.');
    expect(text).toContain('not decided: counts as a loosening');
    expect(text).toContain('Given a request of 20 days');
  });

  test('says that nothing changed where the policy is the signed one', async () => {
    const history = await (await signedReview()).history();
    const status = reviewStatus(history, '365d', START);
    expect(sectionOf(await build({ status, changes: { kind: 'known', value: [] } }), 'changes')).toContain(
      'means what it meant',
    );
  });

  test('names the actions that AWS added since, and those nobody has classified', async () => {
    const history = await (await signedReview()).history();
    const status = reviewStatus(history, '365d', START);
    const actions = ['bedrock:InvokeModel', 'bedrock:KeepEverything'];
    const text = sectionOf(
      await build({
        status,
        awsChanges: {
          known: { asOf: '2027-01-01', actions },
          unclassified: ['bedrock:KeepEverything'],
          settings: {
            kind: 'known',
            value: {
              asOf: '2026-11-21',
              sdk: 'an SDK 1.0',
              unclassified: ['LoggingConfig.diaryEnabled'],
              gone: ['S3Config.keyPrefix'],
            },
          },
        },
      }),
      'aws',
    );
    expect(text).toContain('1 were added since the list of 2026-09-26');
    expect(text).toContain('`bedrock:KeepEverything`');
    expect(text).toContain('Of 1 nobody has said');
    expect(text).toContain(
      'New in the SDK, not classified (nobody has said what they mean for stored content): 1.',
    );
    expect(text).toContain('`LoggingConfig.diaryEnabled`');
    expect(text).toContain('no longer in the SDK');
    expect(text).toContain('`S3Config.keyPrefix`');
  });

  test('an SDK without a new field is said, and one that could not be read is no such SDK', async () => {
    const none = sectionOf(await build(), 'aws');
    expect(none).toContain(
      'last classified on 2026-11-21, by an SDK 1.0. The SDK that wrote this has none beyond',
    );
    const { awsChanges } = await inputWith();
    const unread = sectionOf(
      await build({
        awsChanges: { ...awsChanges, settings: { kind: 'not-available', because: 'no schema' } },
      }),
      'aws',
    );
    expect(unread).toContain('Whether the settings themselves have new fields is not known: no schema.');
    expect(unread).not.toContain('none beyond');
  });

  test('shows how findings went, and which controls nothing exercised', async () => {
    const policy = shippedPolicy();
    const at = async (takenAt: EpochMs) =>
      checkSnapshot({
        snapshot: { ...snapshot({ regions: [region('us-east-1')] }), takenAt },
        policy,
        now: takenAt,
        coverage: () => undefined,
      });
    const document = await build({ checks: [await at(START), await at(epochMs(START + DAY_MS))] });
    expect(sectionOf(document, 'findings')).toContain('2026-11-21T09:00:00Z');
    expect(sectionOf(document, 'exercised')).toContain(
      '`CP-02` Metadata-only logging is on where the baseline asks for it: applied to nothing',
    );
    expect(sectionOf(document, 'exercised')).toContain(
      '`PT-6` The policy is reviewed in time: not asked in these checks',
    );
    expect(organization().accounts.length).toBeGreaterThan(0);
  });
});

describe('exceptions in a dossier', () => {
  test.each<[string, Partial<ExceptionRecord>, number]>([
    ['that ended on time did not overrun', {}, 0],
    ['that was never on did not overrun', { enabledAt: undefined as never, offAt: undefined as never }, 0],
    ['that was off an hour late overran by an hour', { offAt: epochMs(START + 11 * HOUR_MS) }, HOUR_MS],
    [
      'that is still on after its end overruns by now',
      { state: 'ending', offAt: undefined as never },
      20 * HOUR_MS,
    ],
  ])('one %s', (_name, overrides, overrun) => {
    const record = Object.fromEntries(
      Object.entries(exception(overrides)).filter(([, value]) => value !== undefined),
    ) as unknown as ExceptionRecord;
    expect(overrunOf(record, epochMs(START + 30 * HOUR_MS))).toBe(overrun);
  });

  test('are counted, with who decided and how long they were on', async () => {
    const text = sectionOf(
      await build({
        exceptions: [exception({ offAt: epochMs(START + 12 * HOUR_MS), isPurgeOverdue: true })],
      }),
      'exceptions',
    );
    expect(text).toContain('1 admitted, 1 enabled, 1 on for longer than allowed, 0 closed without proof');
    expect(text).toContain('approved as legal by `lena`');
    expect(text).toContain('on for 2h too long; purged too late');
  });

  test('that were refused at once are counted', async () => {
    expect(sectionOf(await build({ refusedRequests: 2 }), 'exceptions')).toContain(
      'None was admitted. 2 requests were refused at once',
    );
  });

  test('that were over before the last review are not told again', async () => {
    const history = await (await signedReview()).history();
    const status = reviewStatus(history, '365d', START);
    const before = exception({
      submittedAt: epochMs(START - 9 * DAY_MS),
      enabledAt: epochMs(START - 9 * DAY_MS),
      offAt: epochMs(START - 8 * DAY_MS),
    });
    expect(sectionOf(await build({ status, exceptions: [before] }), 'exceptions')).toContain(
      'None was admitted',
    );
    expect(sectionOf(await build({ status, exceptions: [exception()] }), 'exceptions')).toContain(
      '1 admitted',
    );
  });
});

describe('a hostile name', () => {
  const hostile = async () => {
    const record = exception({ reason: HOSTILE });
    return build({
      startedBy: HOSTILE,
      exceptions: [{ ...record, request: { ...record.request, reference: HOSTILE } }],
      attestations: {
        kind: 'known',
        value: [{ id: HOSTILE, says: HOSTILE, signedBy: HOSTILE, until: START }],
      },
    });
  };

  test('stays text in HTML', async () => {
    const page = renderDossierHtml(await hostile());
    expect(page).not.toMatch(/<(script|img)/);
    expect(page).not.toContain('\u202e');
    expect(page).toContain('&lt;img src=x onerror=y&gt;');
    // Nothing but our own attributes, and none of them an event.
    for (const [tag] of page.matchAll(/<[a-z][^>]*>/g)) expect(tag).not.toMatch(/\son[a-z]+=/);
    expect(page.match(/<a /g)?.length).toBe(1 + (await hostile()).sections.length);
  });

  test('stays text in Markdown, in its cell and on its line', async () => {
    const text = renderMarkdown(await hostile());
    expect(text).not.toContain('\u202e');
    expect(text).not.toMatch(/^# heading/m);
    // Outside code, every < and every bracket is escaped, and nothing becomes a link by itself.
    const outside = text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');
    expect(outside).not.toMatch(/(?<!\\)</);
    expect(outside).not.toMatch(/(?<!\\)\]\(/);
    expect(outside).not.toContain('https://');
    const tables = text.split('\n').filter((line) => line.startsWith('| '));
    const cells = (line: string) => line.split(/(?<!\\)\|/).length;
    const row = tables.find((line) => line.includes('ex-a1b2c3d4e5f6')) ?? '';
    expect(cells(row)).toBe(9);
  });

  test('the page allows no script and loads nothing', async () => {
    const page = renderDossierHtml(await hostile());
    expect(page).toContain('default-src &#39;none&#39;');
    expect(page).not.toMatch(/\b(src|href)="(?!#)/);
    expect(page).toContain('prefers-color-scheme:dark');
  });
});
