import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { principalId, sha256Hex } from '../../src/core/index.ts';
import {
  approvalBytes,
  approveChange,
  type ChangeApproval,
  type ChangeSigner,
  encodeChangeRecord,
  judgeChange,
  type PolicyChangeHashes,
  parseChangeRecord,
  parseChangeSigners,
} from '../../src/review/index.ts';

const BODIES = [
  { body: 'legal', title: 'Legal' },
  { body: 'security', title: 'Security' },
];
const CHANGE: PolicyChangeHashes = {
  policyId: 'small-policy',
  oldHash: sha256Hex('old'),
  newHash: sha256Hex('new'),
  oldCases: sha256Hex('cases'),
  newCases: null,
  oldSigners: sha256Hex('signers'),
  newSigners: sha256Hex('signers'),
};

const KEYS = new Map(
  ['lena', 'sam', 'max', 'eve'].map((id) => [id, generateKeyPairSync('ed25519')] as const),
);
const keyOf = (id: string) => {
  const pair = KEYS.get(id);
  if (pair === undefined) throw new Error(`no key for ${id}`);
  return pair;
};
const signer = (id: string, ...bodies: string[]): ChangeSigner => ({
  id: principalId(id),
  name: id.toUpperCase(),
  bodies,
  publicKey: keyOf(id).publicKey,
});
const SIGNERS = [
  signer('lena', 'legal'),
  signer('sam', 'security'),
  signer('max', 'legal', 'security', 'works-council'),
];

/** Signed with whatever key, said to be by whomever. */
const approval = (by: string, body: string, change = CHANGE, key = keyOf(by).privateKey): ChangeApproval => ({
  ...change,
  body,
  by: principalId(by),
  signature: sign(null, approvalBytes(change, body, principalId(by)), key).toString('base64'),
});
const judge = (...approvals: ChangeApproval[]) => judgeChange(CHANGE, BODIES, SIGNERS, { approvals });
const tampered = (text: string): string => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;

describe('a change has the approval of every body', () => {
  test.each([
    ['if each has signed, by another person', [approval('lena', 'legal'), approval('sam', 'security')], []],
    ['in any order', [approval('sam', 'security'), approval('lena', 'legal')], []],
    ['whoever of the body has signed', [approval('max', 'legal'), approval('sam', 'security')], []],
    ['not if nobody has signed', [], ['legal', 'security']],
    ['not if a body is missing', [approval('lena', 'legal')], ['security']],
    ['not if one body has signed twice', [approval('lena', 'legal'), approval('max', 'legal')], ['security']],
    [
      'not if one person has signed for both: they count for neither',
      [approval('max', 'legal'), approval('max', 'security')],
      ['legal', 'security'],
    ],
    [
      'even if one person has signed for both, where others have signed too',
      [
        approval('max', 'legal'),
        approval('max', 'security'),
        approval('lena', 'legal'),
        approval('sam', 'security'),
      ],
      [],
    ],
    [
      'not if a signature was given for another body',
      [approval('lena', 'legal'), { ...approval('max', 'legal'), body: 'security' }],
      ['security'],
    ],
    [
      'not if a signature is shown as another person’s',
      [{ ...approval('max', 'legal'), by: principalId('lena') }, approval('sam', 'security')],
      ['legal'],
    ],
    [
      'not if the key is not the one of the signers file',
      [approval('lena', 'legal', CHANGE, keyOf('eve').privateKey), approval('sam', 'security')],
      ['legal'],
    ],
    [
      'not if the signers file does not know who signed',
      [approval('eve', 'legal'), approval('sam', 'security')],
      ['legal'],
    ],
    [
      'not if they may not sign for this body',
      [approval('sam', 'legal'), approval('lena', 'security')],
      ['legal', 'security'],
    ],
    [
      'not if a signature was changed',
      [
        { ...approval('lena', 'legal'), signature: tampered(approval('lena', 'legal').signature) },
        approval('sam', 'security'),
      ],
      ['legal'],
    ],
    [
      'not if the old policy does not name the body',
      [approval('max', 'works-council'), approval('lena', 'legal')],
      ['security'],
    ],
  ] as const)('%s', (_name, approvals, missing) => {
    const verdict = judge(...approvals);
    expect(verdict.missing.map(({ body }) => body)).toEqual(missing);
    expect(verdict.approved.map(({ body }) => body)).toEqual(
      BODIES.map(({ body }) => body).filter((body) => !missing.some((each) => each === body)),
    );
    expect(new Set(verdict.approved.map(({ by }) => by)).size).toBe(verdict.approved.length);
  });

  test.each(['oldHash', 'newHash', 'oldCases', 'newCases', 'oldSigners', 'newSigners'] as const)(
    'not if it was given for another %s, nor if the record is made to say this one',
    (key) => {
      const other = approval('lena', 'legal', { ...CHANGE, [key]: sha256Hex('another') });
      expect(judge(other, approval('sam', 'security'))).toMatchObject({
        missing: [{ body: 'legal' }],
        ofOtherChanges: 1,
      });
      expect(judge({ ...other, [key]: CHANGE[key] }, approval('sam', 'security'))).toMatchObject({
        missing: [{ body: 'legal' }],
        ignored: ['the approval of `lena` for `legal`: the signature is not by their key over this change'],
      });
    },
  );

  test('not in any policy if nobody may sign', () => {
    const verdict = judgeChange(CHANGE, BODIES, [], {
      approvals: [approval('lena', 'legal'), approval('sam', 'security')],
    });
    expect(verdict.missing).toEqual(BODIES);
  });

  test('no byte of a signature can be changed', () => {
    const whole = approval('lena', 'legal');
    const bytes = Buffer.from(whole.signature, 'base64');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
        const changed = Buffer.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ flip;
        return judge({ ...whole, signature: changed.toString('base64') }).approved.length === 0;
      }),
    );
  });
});

describe('approving a change', () => {
  const approve = (by: string, body: string, before: readonly ChangeApproval[] = [], key = by) => {
    const { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject } = keyOf(key);
    return approveChange({
      change: CHANGE,
      bodies: BODIES,
      signers: SIGNERS,
      record: { approvals: before },
      by: principalId(by),
      body,
      key: { publicKey, sign: (bytes) => sign(null, bytes, privateKey).toString('base64') },
    });
  };
  const codeOf = (answer: ReturnType<typeof approve>): string => (answer.ok ? 'approved' : answer.error.code);

  test('what two people approve, one after the other, is approved, and survives the file', () => {
    const first = approve('lena', 'legal');
    const second = first.ok ? approve('sam', 'security', first.value.approvals) : first;
    if (!second.ok) throw new Error(second.error.message);
    const read = parseChangeRecord(encodeChangeRecord(second.value), 'record.json');
    expect(read).toEqual({ ok: true, value: second.value });
    expect(judge(...second.value.approvals).missing).toEqual([]);
  });

  const forged = { ...approval('max', 'legal'), signature: tampered(approval('max', 'legal').signature) };
  test.each([
    ['a body that the policy does not name', approve('max', 'works-council'), 'BODY_NOT_NAMED'],
    ['a person whom nobody named', approve('eve', 'legal'), 'UNKNOWN_SIGNER'],
    ['a body that is not theirs', approve('sam', 'legal'), 'NOT_FOR_BODY'],
    ['somebody else’s key', approve('lena', 'legal', [], 'eve'), 'KEY_NOT_THEIRS'],
    ['one person for two bodies', approve('max', 'security', [approval('max', 'legal')]), 'ALREADY_SIGNED'],
    ['a body twice', approve('max', 'legal', [approval('lena', 'legal')]), 'ALREADY_SIGNED'],
    ['nothing, because of a forged approval in their name', approve('max', 'security', [forged]), 'approved'],
    [
      'nothing, because of an approval of another change',
      approve('max', 'security', [approval('max', 'legal', { ...CHANGE, newHash: sha256Hex('x') })]),
      'approved',
    ],
  ] as const)('refuses %s', (_name, answer, code) => {
    expect(codeOf(answer)).toBe(code);
  });
});

describe('the signers file', () => {
  const pem = (id: string): string =>
    keyOf(id).publicKey.export({ type: 'spki', format: 'pem' }).toString().trim();
  const entry = (id: string, key: string): string =>
    `  - id: ${id}\n    name: ${id}\n    bodies: [legal]\n    publicKey: |\n${key.replace(/^/gm, '      ')}\n`;
  const file = (...entries: string[]): string =>
    `kind: PolicySigners\nschemaVersion: 1\nsigners:\n${entries.join('')}`;

  test('says who may sign for what, and its hash is of what it says', () => {
    const text = file(entry('lena', pem('lena')));
    const read = parseChangeSigners(text, 'signers.yaml');
    expect(read.ok && read.value.signers.map(({ id, bodies }) => [id, bodies])).toEqual([
      ['lena', ['legal']],
    ]);
    const commented = parseChangeSigners(`# a comment\n${text}`, 'signers.yaml');
    expect(read.ok && commented.ok && read.value.hash === commented.value.hash).toBe(true);
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const privatePem = keyOf('eve').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim();
  test.each([
    ['one id twice', file(entry('lena', pem('lena')), entry('Lena', pem('sam'))), 'duplicate-id', 11],
    ['one key for two people', file(entry('lena', pem('lena')), entry('sam', pem('lena'))), 'shared-key', 14],
    ['a private key', file(entry('eve', privatePem)), 'not-a-public-key', 7],
    [
      'a key of another kind',
      file(entry('lena', rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString().trim())),
      'not-a-public-key',
      7,
    ],
    ['no key at all', file(entry('lena', 'lena')), 'not-a-public-key', 7],
    [
      'a word that nobody knows',
      file(entry('lena', pem('lena'))).replace('name:', 'nmae:'),
      'unknown-key',
      5,
    ],
    ['nobody', 'kind: PolicySigners\nschemaVersion: 1\nsigners: []\n', 'list-too-short', 3],
  ] as const)('is refused with %s', (_name, text, code, line) => {
    const read = parseChangeSigners(text, 'signers.yaml');
    const problems = read.ok ? [] : read.error;
    expect(problems.map((problem) => [problem.code, problem.line])).toContainEqual([code, line]);
    expect(JSON.stringify(problems)).not.toContain(privatePem.split('\n')[1]);
  });
});

describe('the record', () => {
  const text = encodeChangeRecord({ approvals: [approval('lena', 'legal')] });
  test.each([
    ['text that is not JSON', '{"kind": '],
    ['another kind', text.replace('PolicyChangeApprovals', 'People')],
    ['another version', text.replace('"schemaVersion": 1', '"schemaVersion": 2')],
    ['a key that nobody knows', text.replace('"by"', '"extra": 1,\n      "by"')],
    ['a hash that is none', text.replace(CHANGE.oldHash, 'abc')],
    ['a signature that is too short', text.replace(/"signature": "..../, '"signature": "')],
    ['nothing', ''],
  ])('is refused with %s', (_name, changed) => {
    expect(changed).not.toBe(text);
    expect(parseChangeRecord(changed, 'record.json').ok).toBe(false);
  });
});
