import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildCatalogue, catalogueText } from '../../scripts/iam-catalogue.ts';
import {
  ACTION_SETS,
  BEDROCK_ACTION_CLASSES,
  CATALOGUE,
  MODEL_INVOCATIONS,
  PROMPT_STORAGE_CHANGES,
  spelledAction,
  unknownActionWarning,
} from '../../src/iam/index.ts';

const FILE = join(import.meta.dirname, '../../src/iam/catalogue.json');

describe('the catalogue of actions', () => {
  test('is what the pinned package says', async () => {
    expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(JSON.parse(catalogueText(await buildCatalogue())));
  });

  test('says where it comes from and of which day it is', () => {
    expect(CATALOGUE.date).toMatch(/^20[0-9]{2}-[0-9]{2}-[0-9]{2}$/);
    expect(CATALOGUE.version).not.toBe('');
  });

  test('every action of every prefix of Bedrock has a class, and nothing else has one', async () => {
    const { actions } = await buildCatalogue();
    const all = Object.entries(actions)
      .filter(([service]) => service.startsWith('bedrock'))
      .flatMap(([service, names]) => names.map((name) => `${service}:${name}`));
    expect(all.length).toBeGreaterThan(300);
    expect(Object.keys(BEDROCK_ACTION_CLASSES).sort()).toEqual(all.sort());
  });

  test('a class is one of four, and `none` stands alone', () => {
    for (const [action, classes] of Object.entries(BEDROCK_ACTION_CLASSES)) {
      expect(classes.length, action).toBeGreaterThan(0);
      for (const each of classes) expect(['stores', 'reads', 'invokes', 'none'], action).toContain(each);
      if (classes.includes('none')) expect(classes, action).toEqual(['none']);
    }
  });

  test('what the rules ask about is classified accordingly', () => {
    for (const action of PROMPT_STORAGE_CHANGES) expect(BEDROCK_ACTION_CLASSES[action]).toContain('stores');
    for (const action of MODEL_INVOCATIONS) expect(BEDROCK_ACTION_CLASSES[action]).toContain('invokes');
  });

  test('every action of every question exists', () => {
    for (const { actions } of Object.values(ACTION_SETS))
      for (const action of actions) expect(spelledAction(action), action).toBe(action);
  });
});

describe('a warning about an action', () => {
  test.each([
    ['Converse has no action', 'bedrock:Converse', /`bedrock:InvokeModel` authorizes Converse$/],
    ['in any case', 'Bedrock:CONVERSESTREAM', /`bedrock:InvokeModelWithResponseStream`/],
    ['a pattern that matches nothing', 'bedrock:Converse*', /is not an action of AWS \(list of 20/],
    ['the API name of replication', 's3:PutBucketReplication', /`s3:PutReplicationConfiguration`$/],
    ['a slip of the pen', 'bedrock:InvokeModle', /grants and denies nothing$/],
  ])('%s', (_name, pattern, expected) => {
    expect(unknownActionWarning(pattern)).toMatch(expected);
  });

  test.each([
    ['an action', 'bedrock:InvokeModel'],
    ['in another case', 'BEDROCK:invokemodel'],
    ['a pattern that matches some', 'bedrock:Invoke*'],
    ['a question mark', 'bedrock:InvokeMode?'],
    ['everything', '*'],
    ['everything of a service', 'bedrock:*'],
    ['a service outside the catalogue', 'ec2:RunInstances'],
  ])('none for %s', (_name, pattern) => {
    expect(unknownActionWarning(pattern)).toBeUndefined();
  });
});
