import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeSnapshot,
  encodeSnapshot,
  formatSnapshotProblem,
  type Snapshot,
  type SnapshotFiles,
  type SnapshotProblemCode,
} from '../../src/evidence/index.ts';
import { documentFromJson, documentToJson } from '../../src/evidence/policy-text.ts';
import { snapshotArb } from './snapshot-arbitraries.ts';
import { MANAGEMENT, MEMBER, observed, snapshot } from './snapshots.ts';

type Json = { [key: string]: unknown };

function edited(path: string, change: (json: Json) => void, of: Snapshot = snapshot()): SnapshotFiles {
  const files = new Map(encodeSnapshot(of));
  const json = JSON.parse(files.get(path) ?? '{}') as Json;
  change(json);
  files.set(path, JSON.stringify(json));
  return files;
}

const ORGANIZATION = 'organization.json';
const REGION = `accounts/${MEMBER}/eu-central-1.json`;
const ACCOUNT = `accounts/${MEMBER}/account.json`;
const organizationOf = (json: Json) => json.organization as Record<string, Json[]>;

describe('reading back what was written', () => {
  it('gives the same snapshot, apart from white space in policy documents', () => {
    fc.assert(
      fc.property(snapshotArb, (original) => {
        const files = encodeSnapshot(original);
        const read = decodeSnapshot(files);
        if (!read.ok) throw new Error(read.error.map(formatSnapshotProblem).join('\n'));
        // Equal bytes again, and equal values wherever no policy document is involved.
        expect(encodeSnapshot(read.value)).toEqual(files);
        expect(read.value.accountRegions).toEqual(original.accountRegions);
        expect(read.value.organization.accounts).toEqual(original.organization.accounts);
        expect(read.value.organization.attachments).toEqual(original.organization.attachments);
        expect(read.value.takenAt).toBe(original.takenAt);
        expect(read.value.leases).toEqual(original.leases);
        expect(withMinifiedDocuments(read.value)).toEqual(withMinifiedDocuments(original));
      }),
      { numRuns: 150 },
    );
  });

  it('never changes what a policy document says', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), (text) => {
        const back = documentFromJson(JSON.parse(JSON.stringify(documentToJson(text))));
        expect(back === text || back === JSON.stringify(JSON.parse(text))).toBe(true);
      }),
    );
  });

  it.each([
    ['duplicate keys', '{"Effect":"Deny","Effect":"Allow"}'],
    ['an escaped letter', '{"Action":"\\u0062edrock:*"}'],
    ['keys that JavaScript would reorder', '{"2":"b","1":"a"}'],
    ['a number that JavaScript would round', '{"n":12345678901234567890}'],
    ['a list', '[]'],
    ['a JSON string', '"{}"'],
    ['text cut off', '{"Version":'],
    ['nothing', ''],
  ])('keeps a document with %s as text', (_name, text) => {
    expect(documentToJson(text)).toBe(text);
  });
});

describe('a damaged envelope refuses the snapshot', () => {
  const cases: readonly {
    name: string;
    files: SnapshotFiles;
    code: SnapshotProblemCode;
    file: string;
    field: string;
  }[] = [
    {
      name: 'no organization.json',
      files: new Map(),
      code: 'snapshot-missing',
      file: ORGANIZATION,
      field: '',
    },
    {
      name: 'another schema version',
      files: edited(ORGANIZATION, (json) => {
        json.schemaVersion = 2;
        json.anything = 'else';
      }),
      code: 'schema-version',
      file: ORGANIZATION,
      field: 'schemaVersion',
    },
    {
      name: 'another schema version in one Region',
      files: edited(REGION, (json) => {
        json.schemaVersion = 0;
      }),
      code: 'schema-version',
      file: REGION,
      field: 'schemaVersion',
    },
    {
      name: 'a file cut off',
      files: new Map([...encodeSnapshot(snapshot()), [REGION, '{"schemaVersion": 1, "acc']]),
      code: 'not-json',
      file: REGION,
      field: '',
    },
    {
      name: 'an account twice',
      files: edited(ORGANIZATION, (json) => {
        const { accounts } = organizationOf(json);
        accounts?.push({ ...accounts[1] });
      }),
      code: 'duplicate',
      file: ORGANIZATION,
      field: 'organization.accounts[2].id',
    },
    {
      name: 'a Region twice',
      files: edited(ORGANIZATION, (json) => {
        json.regions = ['eu-central-1', 'eu-central-1'];
      }),
      code: 'duplicate',
      file: ORGANIZATION,
      field: 'regions[1]',
    },
    {
      name: 'no Region at all',
      files: edited(ORGANIZATION, (json) => {
        json.regions = [];
      }),
      code: 'shape',
      file: ORGANIZATION,
      field: 'regions',
    },
    {
      name: 'an account below a unit that does not exist',
      files: edited(ORGANIZATION, (json) => {
        Object.assign(organizationOf(json).accounts?.[1] ?? {}, { parentId: 'ou-gone-12345678' });
      }),
      code: 'tree',
      file: ORGANIZATION,
      field: 'organization.accounts[1].parentId',
    },
    {
      name: 'units in a circle',
      files: edited(ORGANIZATION, (json) => {
        organizationOf(json).units?.push(
          { id: 'ou-ex01-aaaaaaaa', name: 'A', parentId: 'ou-ex01-bbbbbbbb' },
          { id: 'ou-ex01-bbbbbbbb', name: 'B', parentId: 'ou-ex01-aaaaaaaa' },
        );
      }),
      code: 'tree',
      file: ORGANIZATION,
      field: 'organization.units[2].parentId',
    },
    {
      name: 'a management account that is not there',
      files: edited(ORGANIZATION, (json) => {
        Object.assign(json.organization as Json, { managementAccountId: '999999999999' });
      }),
      code: 'tree',
      file: ORGANIZATION,
      field: 'organization.managementAccountId',
    },
    {
      name: 'an unknown field',
      files: edited(REGION, (json) => {
        json.invocationLoging = {};
      }),
      code: 'shape',
      file: REGION,
      field: '',
    },
    {
      name: 'an observation of no known kind',
      files: edited(REGION, (json) => {
        json.invocationLogging = { kind: 'green' };
      }),
      code: 'shape',
      file: REGION,
      field: 'invocationLogging.kind',
    },
    {
      name: 'a local time',
      files: edited(ORGANIZATION, (json) => {
        json.takenAt = '2026-11-20 08:00';
      }),
      code: 'shape',
      file: ORGANIZATION,
      field: 'takenAt',
    },
    {
      name: 'a file that says it is about another account',
      files: edited(ACCOUNT, (json) => {
        json.accountId = MANAGEMENT;
      }),
      code: 'identity-mismatch',
      file: ACCOUNT,
      field: 'accountId',
    },
    {
      name: 'an observation copied from another account',
      files: edited(REGION, (json) => {
        (json.dataRetention as { source: Json }).source.accountId = MANAGEMENT;
      }),
      code: 'identity-mismatch',
      file: REGION,
      field: 'dataRetention.source.accountId',
    },
    {
      name: 'files of an account outside the organization',
      files: new Map([
        ...encodeSnapshot(snapshot()),
        ['accounts/333333333333/account.json', encodeSnapshot(snapshot()).get(ACCOUNT) ?? ''],
      ]),
      code: 'unknown-account',
      file: 'accounts/333333333333/account.json',
      field: '',
    },
    {
      name: 'a Region that was not asked',
      files: new Map([...encodeSnapshot(snapshot()), [`accounts/${MEMBER}/us-east-1.json`, '{}']]),
      code: 'unknown-region',
      file: `accounts/${MEMBER}/us-east-1.json`,
      field: '',
    },
    {
      name: 'a name that climbs out',
      files: new Map([...encodeSnapshot(snapshot()), ['accounts/../../etc/passwd.json', '{}']]),
      code: 'unexpected-file',
      file: 'accounts/../../etc/passwd.json',
      field: '',
    },
    {
      name: 'one of an account’s files missing',
      files: new Map([...encodeSnapshot(snapshot())].filter(([path]) => path !== REGION)),
      code: 'file-missing',
      file: REGION,
      field: '',
    },
  ];

  it.each(cases)('$name', ({ files, code, file, field }) => {
    const read = decodeSnapshot(files);
    if (read.ok) throw new Error('was read');
    expect(read.error.map((problem) => [problem.code, problem.file, problem.field])).toContainEqual([
      code,
      file,
      field,
    ]);
    for (const problem of read.error) expect(problem.remedy).not.toBe('');
  });

  it('reports every fault, not the first', () => {
    const files = new Map(encodeSnapshot(snapshot()));
    files.set(REGION, '{');
    files.set(ACCOUNT, '[]');
    files.set('accounts/333333333333/account.json', '{}');
    const read = decodeSnapshot(files);
    expect(read.ok ? [] : read.error.map(({ file }) => file).sort()).toEqual([
      ACCOUNT,
      REGION,
      'accounts/333333333333/account.json',
    ]);
  });

  it('does not print control characters out of a hostile file', () => {
    const read = decodeSnapshot(edited(REGION, (json) => Object.assign(json, { '\u001b[31mred': 1 })));
    const text = read.ok ? '' : read.error.map(formatSnapshotProblem).join('\n');
    expect(text).toContain('[31mred');
    expect(text).not.toContain('\u001b');
  });
});

describe('a damaged AWS document in a sound envelope is malformed evidence, and only that', () => {
  const observedAs = (value: unknown) => ({
    kind: 'observed',
    at: '2026-11-20T08:00:00Z',
    source: { call: 'x' },
    value,
  });
  it.each<[string, unknown, string]>([
    ['a list', [], 'invocationLogging'],
    ['null', null, 'invocationLogging'],
    ['a flag as text', { textDataDeliveryEnabled: 'false' }, 'invocationLogging'],
    ['a flag this version does not know', { documentDataDeliveryEnabled: true }, 'invocationLogging'],
    ['a mode as a number', { mode: 0 }, 'dataRetention'],
    ['no mode', {}, 'dataRetention'],
  ])('%s', (_name, value, field) => {
    const read = decodeSnapshot(
      edited(REGION, (json) => {
        json[field] = observedAs(value);
      }),
    );
    const pair = read.ok ? read.value.accountRegions[1] : undefined;
    expect(pair).toMatchObject({ [field]: { kind: 'unobservable', reason: 'malformed' } });
    const other = field === 'dataRetention' ? 'invocationLogging' : 'dataRetention';
    expect(pair).toMatchObject({ [other]: expect.not.objectContaining({ kind: 'unobservable' }) });
  });

  it('an IAM user without a name makes that account’s IAM malformed, and names the place', () => {
    const read = decodeSnapshot(
      edited(ACCOUNT, (json) => {
        json.iam = observedAs({ users: [{ arn: 'a' }], groups: [], roles: [], managedPolicies: [] });
      }),
    );
    expect(read.ok && read.value.accounts).toMatchObject([
      { iam: { kind: 'observed' } },
      {
        iam: { kind: 'unobservable', reason: 'malformed', detail: expect.stringContaining('users[0].name') },
      },
    ]);
  });

  it('access keys that cannot be read leave the rest of the user standing', () => {
    const user = {
      arn: 'arn:aws:iam::222222222222:user/u',
      name: 'u',
      groups: [],
      inlinePolicies: [{ name: 'p', document: 'not a policy' }],
      attachedPolicies: [],
      accessKeys: observedAs('AKIA'),
      serviceSpecificCredentials: observedAs([]),
    };
    const read = decodeSnapshot(
      edited(ACCOUNT, (json) => {
        json.iam = observedAs({ users: [user], groups: [], roles: [], managedPolicies: [] });
      }),
    );
    expect(read.ok && read.value.accounts[1]).toMatchObject({
      iam: {
        kind: 'observed',
        value: {
          users: [
            {
              inlinePolicies: [{ document: 'not a policy' }],
              accessKeys: { kind: 'unobservable', reason: 'malformed' },
              serviceSpecificCredentials: { kind: 'observed', value: [] },
            },
          ],
        },
      },
    });
  });

  it('a policy document nested a hundred thousand deep is malformed, not a crash', () => {
    const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
    const files = new Map(encodeSnapshot(snapshot()));
    files.set(
      ACCOUNT,
      `{"schemaVersion":1,"accountId":"${MEMBER}","iam":{"kind":"observed","at":"2026-11-20T08:00:00Z","source":{"call":"x"},"value":{"users":[],"groups":[],"roles":[],"managedPolicies":[{"arn":"a","name":"n","document":${deep}}]}}}`,
    );
    const read = decodeSnapshot(files);
    expect(read.ok && read.value.accounts[1]?.iam).toMatchObject({
      kind: 'unobservable',
      reason: 'malformed',
    });
  });
});

it('an account without any files was not collected', () => {
  const files = new Map([...encodeSnapshot(snapshot())].filter(([path]) => !path.includes(MEMBER)));
  const read = decodeSnapshot(files);
  const expected = { kind: 'unobservable', reason: 'not-collected' };
  expect(read.ok && read.value).toMatchObject({
    accounts: [{ iam: { kind: 'observed' } }, { iam: expected }],
    accountRegions: [{}, { invocationLogging: expected, dataRetention: expected }],
  });
});

it('writes only the fields of the layout, whatever an adapter left in the objects', () => {
  const user = {
    arn: 'a',
    name: 'n',
    groups: [],
    inlinePolicies: [],
    attachedPolicies: [],
    accessKeys: observed([{ id: 'AKIA', status: 'Active', createdAt: snapshot().takenAt, secret: 'CANARY' }]),
    serviceSpecificCredentials: observed([]),
    secretAccessKey: 'CANARY',
  };
  const of = snapshot({
    accounts: [
      { accountId: MANAGEMENT, iam: observed({ users: [user], groups: [], roles: [], managedPolicies: [] }) },
    ],
  });
  expect([...encodeSnapshot(of).values()].join('\n')).not.toContain('CANARY');
});

/** Documents that parse lose their white space, as in the files. */
function withMinifiedDocuments(of: Snapshot): unknown {
  return JSON.parse(JSON.stringify(of), (key, value: unknown) =>
    (key === 'document' || key === 'assumeRolePolicyDocument') && typeof value === 'string'
      ? documentFromJson(documentToJson(value))
      : value,
  );
}
