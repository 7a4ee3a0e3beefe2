import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderPaperHtml } from '../../src/cli/report/paper-html.ts';
import { hashOf, renderMarkdown, sha256Hex } from '../../src/core/index.ts';
import {
  approvalSubject,
  decisionSheet,
  type ExceptionRecord,
  encode,
  exceptionKey,
  keepSheet,
  parseRequest,
  readSheets,
  requestJsonSchema,
  sheetFault,
} from '../../src/exceptions/index.ts';
import { jsonSchemaText } from '../../src/policy/index.ts';
import {
  BEGINS,
  HOUR_MS,
  MINUTE_MS,
  policyText,
  requestText,
  type Simulation,
  simulate,
} from '../simulation/harness.ts';

type Id = Awaited<ReturnType<Simulation['request']>>;

async function sheetOf(s: Simulation, id: Id): Promise<string> {
  const record = await s.record(id);
  const admission = record.admissions.at(-1);
  if (admission === undefined) throw new Error('no admission');
  return renderMarkdown(decisionSheet(record, admission));
}

/** What an attacker with the table, or a careless hand, does. */
async function edit(
  s: Simulation,
  id: Id,
  change: (record: Awaited<ReturnType<Simulation['record']>>) => object,
) {
  const { store } = s.state.services;
  const stored = await store.read(exceptionKey(id));
  const value = encode(change(await s.record(id)));
  await store.commit([{ key: exceptionKey(id), expectedVersion: stored?.version ?? 0, value }]);
}

/** The paths of everything that is no object or list. */
function leavesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, [...path, name]));
}

function setAt(value: unknown, path: readonly string[]): void {
  const [name = '', ...rest] = path;
  const holder = value as Record<string, unknown>;
  if (rest.length > 0) {
    setAt(holder[name], rest);
    return;
  }
  const before = holder[name];
  holder[name] = typeof before === 'number' ? before + 1 : `${String(before)}x`;
}

describe('the decision sheet', () => {
  test('is the same bytes every time, and their SHA-256 is what approvers sign', () =>
    simulate(async (s) => {
      const id = await s.request();
      const [first, second] = [await sheetOf(s, id), await sheetOf(s, id)];
      expect(first).toBe(second);
      const record = await s.record(id);
      const { hash } = await s.state.services.policyInForce.current();
      expect(approvalSubject(record, hash)).toBe(sha256Hex(first));
      const decided = await s.decide(id, 'lena', 'legal');
      expect(decided.ok && decided.value.decisions[0]?.subjectHash).toBe(sha256Hex(first));
    }));

  test('says everything that is decided on: request, judgement, both hashes, everyone who is captured', () =>
    simulate(async (s) => {
      const id = await s.request();
      const text = await sheetOf(s, id);
      const { request, requestHash, admissions } = await s.record(id);
      for (const said of [
        request.reference,
        request.accountId,
        'DPIA-2026-31',
        'mail to the response team',
        'everyone who invokes a model',
        'bedrock-mantle',
        requestHash,
        admissions[0]?.policyHash ?? '',
        'exceptions.limits.enablement',
        'Legal, Security, Executive Leadership',
      ])
        expect(text).toContain(said);
      expect(admissions[0]?.conditions.every(({ clause }) => text.includes(clause))).toBe(true);
      const frame = { skip: 'skip', footer: 'footer', notice: 'signed: `abc`' };
      const paper = decisionSheet(await s.record(id), admissions[0] as NonNullable<(typeof admissions)[0]>);
      expect(renderPaperHtml(paper, frame)).toContain('signed: <code>abc</code>');
    }));

  test.each<[string, Parameters<typeof edit>[2]]>([
    ['a reader is added', (record) => ({ ...record, request: { ...record.request, readers: ['arn:x'] } })],
    [
      'the request is changed together with its hash',
      (record) => {
        const request = { ...record.request, purgedBy: 'somebody else' };
        return { ...record, request, requestHash: hashOf(request) };
      },
    ],
    [
      'a condition of the judgement reads differently',
      (record) => ({
        ...record,
        admissions: record.admissions.map((each) => ({
          ...each,
          conditions: each.conditions.map((condition) => ({ ...condition, says: 'fine' })),
        })),
      }),
    ],
  ])('is void when %s: at the decision, and again at the start', (_name, change) =>
    simulate(async (s) => {
      const id = await s.request();
      await s.approve(id);
      await edit(s, id, change);
      await s.advanceTo(BEGINS + HOUR_MS);
      expect(await s.record(id)).toMatchObject({ state: 'refused', reason: expect.stringMatching(/sheet/) });
      expect(s.puts).toEqual([]);
      const other = await s.request({ from: BEGINS + 2 * HOUR_MS, to: BEGINS + 3 * HOUR_MS });
      await edit(s, other, change);
      expect(await s.decide(other, 'lena', 'legal')).toMatchObject({
        ok: false,
        error: { code: 'HASH_MISMATCH', message: expect.stringMatching(/every approval is void/) },
      });
    }),
  );

  test('of a new policy is another one; what was signed under the old one stays bound to it', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.decide(id, 'lena', 'legal');
      await s.adopt(policyText(['enablement: 12d', 'enablement: 11d']));
      await s.decide(id, 'priya', 'security');
      const { admissions, decisions } = await s.record(id);
      expect(new Set(admissions.map(({ sheetHash }) => sheetHash)).size).toBe(2);
      expect(decisions.map(({ subjectHash }) => subjectHash)).toEqual(
        admissions.map(({ sheetHash }) => sheetHash),
      );
      const record = await s.record(id);
      const kept = await readSheets(s.state.services.store, record);
      expect(kept.size).toBe(2);
      for (const { policyHash } of admissions) expect(sheetFault(record, policyHash, kept)).toBeUndefined();
    }));

  const reworded = (markdown: string): string =>
    `${markdown.replace('## What is decided', '## The question')}\nWorded by another version.\n`;

  test('worded by another version stays what was signed: its approvals count, others join them, it starts', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.decide(id, 'lena', 'legal');
      const markdown = reworded(await sheetOf(s, id));
      const sheetHash = sha256Hex(markdown);
      await keepSheet(s.state.services.store, id, markdown);
      await edit(s, id, (record) => ({
        ...record,
        admissions: record.admissions.map((each) => ({ ...each, sheetHash })),
        decisions: record.decisions.map((each) => ({ ...each, subjectHash: sheetHash })),
      }));
      expect((await s.decide(id, 'priya', 'security')).ok).toBe(true);
      expect((await s.decide(id, 'omar', 'executive')).ok).toBe(true);
      await s.advanceTo(BEGINS + MINUTE_MS);
      expect((await s.record(id)).state).toBe('active');
    }));

  test('of a version that kept none is rendered anew, and counts', () =>
    simulate(async (s) => {
      const id = await s.request();
      const record = await s.record(id);
      const [{ sheetFormat: _two, ...admission } = { sheetFormat: 2 }] = record.admissions;
      const old = { ...(admission as NonNullable<(typeof record.admissions)[0]>) };
      const markdown = renderMarkdown(decisionSheet(record, old));
      expect(markdown).toContain('- Format of this sheet: 1\n');
      expect(markdown).not.toContain('Hash of what is decided');
      await edit(s, id, () => ({ ...record, admissions: [{ ...old, sheetHash: sha256Hex(markdown) }] }));
      await s.approve(id);
      await s.advanceTo(BEGINS + MINUTE_MS);
      expect((await s.record(id)).state).toBe('active');
    }));

  test('that is gone voids what was signed', () =>
    simulate(async (s) => {
      const id = await s.request();
      const record = await s.record(id);
      expect(sheetFault(record, record.admissions[0]?.policyHash, new Map())).toMatch(/missing/);
    }));

  test('names what is decided once, above everything that a requester writes', () =>
    simulate(async (s) => {
      const id = await s.request();
      const record = await s.record(id);
      const { policyHash } = record.admissions[0] ?? {};
      const markdown = await sheetOf(s, id);
      const line = /^- Hash of what is decided: .*$/m.exec(markdown)?.[0] ?? '';
      const faultOf = (text: string) => {
        const sheetHash = sha256Hex(text);
        const admissions = record.admissions.map((each) => ({ ...each, sheetHash }));
        return sheetFault({ ...record, admissions }, policyHash, new Map([[sheetHash, text]]));
      };
      expect(line).not.toBe('');
      expect(faultOf(markdown)).toBeUndefined();
      const other = line.replace(/`.*`/, `\`${'0'.repeat(64)}\``);
      expect(faultOf(markdown.replace(line, `${other}\n${line}`))).toBeDefined();
      expect(faultOf(`${markdown.replace(line, other)}\n${line}\n`)).toBeDefined();
      expect(faultOf(markdown.replace(line, other))).toBeDefined();
    }));

  test('is void after any edit of what is decided, and after none of what is not, however it is worded', () =>
    simulate(async (s) => {
      const id = await s.request();
      const record = await s.record(id);
      const [admission] = record.admissions;
      if (admission === undefined) throw new Error('no admission');
      const { request, requesterId, submittedAt } = record;
      const original = await sheetOf(s, id);
      const { sheetHash: _hash, sheetFormat: _format, ...judgement } = admission;
      const paths = leavesOf({ id, request, requesterId, submittedAt, judgement });
      expect(paths.length).toBeGreaterThan(40);
      fc.assert(
        fc.property(fc.constantFrom(...paths), fc.boolean(), fc.boolean(), (path, isReworded, isRehashed) => {
          const text = isReworded ? reworded(original) : original;
          const sheetHash = sha256Hex(text);
          const signed = { ...record, admissions: [{ ...admission, sheetHash }] };
          const kept = new Map([[sheetHash, text]]);
          const other = { ...signed, reason: 'something else', state: 'approved' as const };
          expect(sheetFault(other, admission.policyHash, kept)).toBeUndefined();
          const edited = structuredClone(signed) as unknown as ExceptionRecord;
          const [first, ...rest] = path;
          setAt(first === 'judgement' ? edited.admissions[0] : edited, first === 'judgement' ? rest : path);
          const asked = isRehashed ? { ...edited, requestHash: hashOf(edited.request) } : edited;
          expect(sheetFault(asked, edited.admissions[0]?.policyHash, kept), path.join('.')).toBeDefined();
        }),
        { numRuns: 300 },
      );
    }));

  test('lists hundreds of subjects below the table', () =>
    simulate(async (s) => {
      const arns = Array.from({ length: 12 }, (_, at) => `"arn:aws:iam::222222222222:role/r${at}"`);
      const text = await sheetOf(s, await s.request({ subjects: `[${arns.join(',')}]` }));
      expect(text).toContain('12 people or roles, listed below');
      expect(text).toContain('- arn:aws:iam::222222222222:role/r11');
    }));
});

describe('what a request must state', () => {
  const refusal = async (options: Parameters<Simulation['submit']>[0], says: RegExp, policy?: string) =>
    simulate(
      async (s) => {
        expect(await s.submit(options)).toMatchObject({
          ok: false,
          error: { message: expect.stringMatching(says) },
        });
      },
      policy === undefined ? {} : { policy },
    );
  const withheld = (who: string) => `{ kind: withheld, reason: it would warn them, decidedBy: "${who}" }`;

  test('its data-protection assessment, where the policy asks for one', () =>
    refusal({ assessment: null }, /exceptions\.request\.dataProtectionAssessment: .*names no/));
  test('or who decided that none is needed', () =>
    simulate(async (s) => {
      const assessment = '{ kind: not-needed, reason: covered, decidedBy: the officer }';
      expect((await s.submit({ assessment })).ok).toBe(true);
    }));
  test('no assessment, where the policy leaves it open', () =>
    simulate(async (s) => expect((await s.submit({ assessment: null })).ok).toBe(true), {
      policy: policyText(['dataProtectionAssessment: required', 'dataProtectionAssessment: optional']),
    }));
  test.each([
    ['the requester', 'sam'],
    ['a person without the role', 'omar'],
    ['a person who has left', 'gone'],
    ['a name that is no id', 'Lena Fischer'],
  ])('notice cannot be withheld by %s', (_name, who) =>
    refusal({ notice: withheld(who) }, /exceptions\.notice\.withheldBy: .*may not decide/),
  );
  test('notice may be withheld by a person of Legal', () =>
    simulate(async (s) => expect((await s.submit({ notice: withheld('lena') })).ok).toBe(true)));
  test('break-glass is refused while the policy has it off', () =>
    refusal({ breakGlass: 'now' }, /exceptions\.breakGlass\.enabled: .*has no break-glass/));
});

describe('a request that would mislead is malformed:', () => {
  const cases: readonly [string, (text: string) => string, string, RegExp][] = [
    [
      'a control character in the justification',
      (text) =>
        text
          .replace('The exact prompts', 'The \\u001b[2J prompts')
          .replace(/^(justification: )(.*)$/m, '$1"$2"'),
      'justification',
      /cannot see/,
    ],
    [
      'a direction override in the justification',
      (text) => text.replace(/^justification: .*$/m, 'justification: "abc\\u202edef"'),
      'justification',
      /cannot see/,
    ],
    [
      'a look-alike letter in the reference',
      (text) => text.replace('INC-2026', '\u0406NC-2026'),
      'reference',
      /ASCII/,
    ],
    [
      'a look-alike address for the purge',
      (text) => text.replace('Platform team', 'lena@ex\u0430mple.com'),
      'purgedBy',
      /taken for another/,
    ],
    [
      'a word of two scripts for who decided',
      (text) => text.replace(/^notice:.*$/m, 'notice: { kind: withheld, reason: r, decidedBy: l\u0435na }'),
      'notice.decidedBy',
      /taken for another/,
    ],
    [
      'an assessment that was made, without a reference',
      (text) => text.replace(/^dataProtectionAssessment:.*$/m, 'dataProtectionAssessment: { kind: made }'),
      'dataProtectionAssessment.reference',
      /reference/,
    ],
    [
      'more than 500 subjects',
      (text) =>
        text.replace(
          /^subjects:.*$/m,
          `subjects: [${Array.from({ length: 501 }, (_, at) => `"arn:aws:iam::222222222222:role/r${at}"`).join(', ')}]`,
        ),
      'subjects',
      /500/,
    ],
    [
      'a leap day in a year that has none',
      (text) => text.replace(/^endsAt:.*$/m, 'endsAt: "2026-02-29T12:00:00Z"'),
      'endsAt',
      /does not exist/,
    ],
    [
      'a leap second',
      (text) => text.replace(/^endsAt:.*$/m, 'endsAt: "2026-12-31T23:59:60Z"'),
      'endsAt',
      /instant/,
    ],
  ];
  test.each(cases)('%s', (_name, change, path, says) => {
    const text = change(requestText());
    expect(text).not.toBe(requestText());
    const parsed = parseRequest(text, 'request.yaml');
    if (parsed.ok) throw new Error('it was accepted');
    const [problem] = parsed.error;
    expect(problem).toMatchObject({ path, message: expect.stringMatching(says), file: 'request.yaml' });
    expect(problem?.column).toBeGreaterThan(0);
    expect(problem?.remedy).not.toBe('');
  });

  test('but 500 subjects, a leap day that exists and a name in one other script are fine', () => {
    const subjects = Array.from({ length: 500 }, (_, at) => `"arn:aws:iam::222222222222:role/r${at}"`);
    const text = requestText({ subjects: `[${subjects.join(', ')}]` })
      .replace(/^startsAt:.*$/m, 'startsAt: "2028-02-29T00:00:00Z"')
      .replace(/^endsAt:.*$/m, 'endsAt: "2028-02-29T12:00:00Z"')
      .replace('Platform team', '\u041b\u0435\u043d\u0430 Fischer');
    expect(parseRequest(text, 'request.yaml')).toMatchObject({ ok: true });
  });
});

test('the shipped JSON Schema of a request is the current one', () => {
  const file = join(import.meta.dirname, '../../policies/exception-request.schema.json');
  expect(readFileSync(file, 'utf8')).toBe(jsonSchemaText(requestJsonSchema()));
});
