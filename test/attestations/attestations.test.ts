import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Attestation,
  attestationFor,
  listAttestations,
  matchesSubject,
  parseAttestation,
  readAttestations,
  standingAt,
  twelveMonthsAfter,
} from '../../src/attestations/index.ts';
import { DAY, type EpochMs, epochMs, formatInstant } from '../../src/core/index.ts';

const at = (text: string): EpochMs => epochMs(Date.parse(text));
const SIGNED = '2026-03-01T09:00:00Z';
const ARN = 'arn:aws:iam::777777777777:role/SharedModelRunner';

const text = (change: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    kind: 'Attestation',
    schemaVersion: 1,
    id: 'shared-runner',
    document: { title: 'Decision on the shared runner', reference: 'SEC-1042' },
    signer: { id: 'sam', title: 'Head of Security' },
    control: 'RB-03',
    subjects: [ARN],
    signedAt: SIGNED,
    validUntil: '2026-12-01T09:00:00Z',
    ...change,
  });

function read(change: Readonly<Record<string, unknown>> = {}): Attestation {
  const parsed = parseAttestation(text(change), 'a.yaml');
  if (!parsed.ok) throw new Error(parsed.error.map(({ message }) => message).join('; '));
  return parsed.value;
}
const codesOf = (change: Readonly<Record<string, unknown>>): readonly string[] => {
  const parsed = parseAttestation(text(change), 'a.yaml');
  return parsed.ok ? [] : parsed.error.map(({ code, path }) => `${code} ${path}`);
};

describe('a file is read', () => {
  test('as docs/findings.md shows it', () => {
    const page = readFileSync(new URL('../../docs/findings.md', import.meta.url), 'utf8');
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    expect(parseAttestation(example, 'example.yaml')).toMatchObject({
      ok: true,
      value: { id: 'shared-runner' },
    });
  });

  test('as YAML, with its instants', () => {
    const yaml = `kind: Attestation\nschemaVersion: 1\nid: a\ndocument: { title: T, reference: R }\nsigner: { id: sam, title: CISO }\ncontrol: RB-03\nsubjects: ["777777777777/*"]\nsignedAt: 2026-03-01T09:00:00Z\nvalidUntil: 2027-03-01T09:00:00Z\n`;
    const parsed = parseAttestation(yaml, 'attestations/a.yaml');
    expect(parsed).toMatchObject({
      ok: true,
      value: { validUntil: at('2027-03-01T09:00:00Z'), file: 'attestations/a.yaml' },
    });
  });

  test.each([
    [
      'a day more than 12 months',
      { validUntil: '2027-03-02T09:00:00Z' },
      ['attestation-too-long validUntil'],
    ],
    [
      'a second more than 12 months',
      { validUntil: '2027-03-01T09:00:01Z' },
      ['attestation-too-long validUntil'],
    ],
    ['an end before it was signed', { validUntil: SIGNED }, ['attestation-backwards validUntil']],
    ['the storage of content', { control: 'CP-01' }, ['attestation-not-allowed control']],
    ['every account at once', { subjects: ['*'] }, ['attestation-too-wide subjects[0]']],
    [
      'every account at once, in an ARN',
      { subjects: ['arn:aws:iam::*:role/x'] },
      ['attestation-too-wide subjects[0]'],
    ],
    ['an account in part', { subjects: ['77777777*/eu-west-1'] }, ['attestation-too-wide subjects[0]']],
    ['no subject', { subjects: [] }, ['attestation-shape subjects']],
    ['an unknown key', { untill: 'x' }, ['attestation-shape ']],
    ['a local time', { signedAt: '2026-03-01T09:00:00' }, ['attestation-shape signedAt']],
    ['no signer', { signer: undefined }, ['attestation-shape signer']],
    [
      'a title of several lines',
      { document: { title: 'a\nb', reference: 'r' } },
      ['attestation-shape document.title'],
    ],
    [
      'a hash that is none',
      { document: { title: 'a', reference: 'r', sha256: 'abc' } },
      ['attestation-shape document.sha256'],
    ],
    ['another kind', { kind: 'Policy' }, ['attestation-shape kind']],
    [
      'two faults, both told',
      { subjects: ['*'], validUntil: SIGNED },
      ['attestation-backwards validUntil', 'attestation-too-wide subjects[0]'],
    ],
  ] as const)('and refused for %s', (_name, change, codes) => {
    expect(codesOf(change)).toEqual(codes);
  });

  test('and exactly 12 months are allowed, from February 29th too', () => {
    expect(codesOf({ validUntil: '2027-03-01T09:00:00Z' })).toEqual([]);
    expect(formatInstant(twelveMonthsAfter(at('2028-02-29T00:00:00Z')))).toBe('2029-03-01T00:00:00Z');
  });
});

describe('a folder is refused for', () => {
  const controls = [
    { id: 'RB-03', coverableByException: false },
    { id: 'CP-02', coverableByException: true },
  ];
  const problemsOf = (...files: readonly string[]): readonly string[] => {
    const result = readAttestations(new Map(files.map((each, index) => [`${index}.yaml`, each])), controls);
    return result.ok ? [] : result.error.map(({ code, file, line }) => `${file}:${line} ${code}`);
  };

  test.each([
    ['an id that stands twice', [text(), text()], ['1.yaml:1 attestation-duplicate']],
    [
      'a control that the policy does not have',
      [text({ control: 'RB-99' })],
      ['0.yaml:1 attestation-unknown-control'],
    ],
    ['a control that exceptions cover', [text({ control: 'CP-02' })], ['0.yaml:1 attestation-not-allowed']],
    ['one bad file among good ones', [text(), 'kind: ['], ['1.yaml:1 yaml-syntax']],
  ] as const)('%s', (_name, files, problems) => {
    expect(problemsOf(...files)).toEqual(problems);
  });
});

describe('at its time', () => {
  const attestation = read();
  const until = attestation.validUntil;
  test.each([
    ['before it was signed', at(SIGNED) - 1, 'not-yet', false],
    ['when it is signed', at(SIGNED), 'current', true],
    ['31 days before its end', until - 31 * DAY, 'current', true],
    ['30 days before its end', until - 30 * DAY, 'expiring', true],
    ['a millisecond before its end', until - 1, 'expiring', true],
    ['at its end', until, 'expired', false],
  ] as const)('%s', (_name, now, standing, covers) => {
    expect(standingAt(attestation, epochMs(now))).toBe(standing);
    expect(attestationFor([attestation], 'RB-03', ARN, epochMs(now)) !== undefined).toBe(covers);
  });

  test('it covers its own control and subjects only', () => {
    const now = at('2026-04-01T00:00:00Z');
    expect(attestationFor([attestation], 'RB-02', ARN, now)).toBeUndefined();
    expect(attestationFor([attestation], 'RB-03', `${ARN}2`, now)).toBeUndefined();
  });

  test('CP-01 is never covered, even by one that was made elsewhere than by the reader', () => {
    const forged: Attestation = { ...attestation, control: 'CP-01' };
    expect(attestationFor([forged], 'CP-01', ARN, at('2026-04-01T00:00:00Z'))).toBeUndefined();
  });

  test('of several the one that holds longest covers, in whatever order they are read', () => {
    const longer = read({ id: 'longer', validUntil: '2027-01-01T00:00:00Z' });
    const now = at('2026-04-01T00:00:00Z');
    expect(attestationFor([attestation, longer], 'RB-03', ARN, now)?.id).toBe('longer');
    expect(attestationFor([longer, attestation], 'RB-03', ARN, now)?.id).toBe('longer');
  });

  test('what needs somebody is listed first', () => {
    const now = at('2026-11-20T00:00:00Z');
    const listed = listAttestations(
      [
        read({ id: 'current', signedAt: '2026-10-01T00:00:00Z', validUntil: '2027-09-01T00:00:00Z' }),
        read({ id: 'later', signedAt: '2026-12-01T00:00:00Z', validUntil: '2027-09-01T00:00:00Z' }),
        read({ id: 'expiring' }),
        read({ id: 'expired', validUntil: '2026-11-01T00:00:00Z' }),
      ],
      now,
    );
    expect(listed.map(({ attestation: { id }, standing }) => `${id} ${standing}`)).toEqual([
      'expired expired',
      'expiring expiring',
      'later not-yet',
      'current current',
    ]);
  });
});

describe('a subject pattern', () => {
  test.each([
    ['itself', '1/eu', '1/eu', true],
    ['nothing longer', '1/eu', '1/eu-west', false],
    ['anything for a star', '1/*', '1/eu-west-1', true],
    ['nothing for a star too', '1/*', '1/', true],
    ['stars inside', 'a*b*c', 'a-b-b-c', true],
    ['parts in their order only', 'a*b*c', 'acb', false],
    ['no letter twice for two parts', 'a*a', 'a', false],
    ['no dot as a wildcard', 'a.c', 'abc', false],
  ])('matches %s', (_name, pattern, subject, expected) => {
    expect(matchesSubject(pattern, subject)).toBe(expected);
  });

  test('is as good as the regular expression it stands for', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', '*') }),
        fc.string({ unit: fc.constantFrom('a', 'b') }),
        (pattern, subject) => {
          const expression = new RegExp(`^${pattern.replace(/\*+/g, '.*')}$`);
          expect(matchesSubject(pattern, subject)).toBe(expression.test(subject));
        },
      ),
    );
  });

  test('with many stars takes no exponential time', () => {
    const before = performance.now();
    expect(matchesSubject(`${'a*'.repeat(250)}b`, 'a'.repeat(100_000))).toBe(false);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
