import * as bedrock from '@aws-sdk/client-bedrock';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { readSdkSettings } from '../../src/adapters/aws/sdk-settings.ts';
import { compareSettings, KNOWN_SETTINGS } from '../../src/evidence/index.ts';

const comparedTo = (sdk: Readonly<Record<string, unknown>>) => {
  const read = readSdkSettings(sdk);
  if (!read.ok) throw new Error(read.error);
  return compareSettings(read.value);
};
/** The SDK's own schema of a shape, with one member more. */
const withMember = (shape: `${string}$`, name: string, schema: unknown): Record<string, unknown> => {
  const own = (bedrock as unknown as Record<string, unknown[]>)[shape] ?? [];
  const [names, schemas] = [own[4], own[5]] as [string[], unknown[]];
  const more = [...own.slice(0, 4), [...names, name], [...schemas, schema], ...own.slice(6)];
  return { ...bedrock, [shape]: more };
};

describe('the settings of the installed SDK', () => {
  test('every field and value has been classified: say in KNOWN_SETTINGS what a new one means, and renew its date', () => {
    expect(comparedTo(bedrock as unknown as Record<string, unknown>)).toMatchObject({
      unclassified: [],
      gone: [],
    });
  });

  test('the classification was made with the SDK that is installed', () => {
    expect(KNOWN_SETTINGS.sdk).toBe(
      `@aws-sdk/client-bedrock ${manifest.dependencies['@aws-sdk/client-bedrock']}`,
    );
    expect(KNOWN_SETTINGS.asOf).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  });

  test.each(KNOWN_SETTINGS.members)('%s would be missed if nobody had classified it', (member) => {
    const read = readSdkSettings();
    const members = KNOWN_SETTINGS.members.filter((each) => each !== member);
    expect(read.ok && compareSettings(read.value, { ...KNOWN_SETTINGS, members }).unclassified).toEqual([
      member,
    ]);
  });
});

describe('an SDK of another day', () => {
  const struct = (name: string, members: Readonly<Record<string, unknown>>) => [
    3,
    'com.amazonaws.bedrock',
    name,
    0,
    Object.keys(members),
    Object.values(members),
  ];
  const RESPONSE = 'GetAccountDataRetentionResponse';
  test.each([
    ['a new flag', 2, [`${RESPONSE}.more`]],
    ['a new flag with traits', [2, { jsonName: 'x' }], [`${RESPONSE}.more`]],
    ['a structure', () => struct('Diary', { bucket: 0 }), ['Diary.bucket', `${RESPONSE}.more`]],
    [
      'a structure with traits, in a list',
      [[1, 'ns', 'Diaries', 0, [() => struct('Diary', { bucket: 0 }), 0]], 0],
      ['Diary.bucket', `${RESPONSE}.more`],
    ],
    [
      'a map to a union',
      [2, 'ns', 'Diaries', 0, 0, [4, 'ns', 'Either', 0, ['paper', 'stone'], [0, 0]]],
      ['Either.paper', 'Either.stone', `${RESPONSE}.more`],
    ],
  ])('has %s', (_name, schema, unclassified) => {
    expect(comparedTo(withMember(`${RESPONSE}$`, 'more', schema)).unclassified).toEqual(unclassified);
  });

  test('has a structure that holds itself', () => {
    const diary: unknown[] = struct('Diary', { inner: () => diary });
    expect(comparedTo(withMember(`${RESPONSE}$`, 'more', diary)).unclassified).toEqual([
      'Diary.inner',
      `${RESPONSE}.more`,
    ]);
  });

  test('has a new value, and lacks another', () => {
    const { NONE, ...rest } = bedrock.DataRetentionMode;
    expect(comparedTo({ ...bedrock, DataRetentionMode: { ...rest, ALL: 'all' } })).toMatchObject({
      unclassified: ['DataRetentionMode.all'],
      gone: [`DataRetentionMode.${NONE}`],
    });
  });

  test.each([
    ['no schema of a shape', { ...bedrock, [`${RESPONSE}$`]: undefined }, RESPONSE],
    ['a schema in another form', { ...bedrock, [`${RESPONSE}$`]: [99, 'ns', 'X', 0] }, RESPONSE],
    ['a member in another form', withMember(`${RESPONSE}$`, 'more', { is: 'new' }), `${RESPONSE}.more`],
    ['no values of an enumeration', { ...bedrock, DataRetentionMode: undefined }, 'DataRetentionMode'],
  ])('has %s: that is not read as nothing new', (_name, sdk, what) => {
    expect(readSdkSettings(sdk as Record<string, unknown>)).toEqual({
      ok: false,
      error: `the installed SDK does not say what is in \`${what}\``,
    });
  });
});
