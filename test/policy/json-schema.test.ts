import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseSourceDocument } from '../../src/core/index.ts';
import {
  FACT_NAMES,
  jsonSchemaText,
  policyCasesJsonSchema,
  policyJsonSchema,
} from '../../src/policy/index.ts';
import { CASES_SCHEMA_TEXT, CASES_TEXT, edited, POLICY_SCHEMA_TEXT, POLICY_TEXT } from './shipped.ts';

const documentValue = (text: string): unknown => {
  const document = parseSourceDocument(text, 'a.yaml');
  if (!document.ok) throw new Error(JSON.stringify(document.error));
  return document.value.value;
};
/** A validator made from the JSON Schema alone, as an editor has nothing else. */
const validator = (schema: Readonly<Record<string, unknown>>) => z.fromJSONSchema(schema);

describe('the JSON Schema for editors', () => {
  it.each([
    ['the policy', POLICY_SCHEMA_TEXT, jsonSchemaText(policyJsonSchema())],
    ['its cases', CASES_SCHEMA_TEXT, jsonSchemaText(policyCasesJsonSchema())],
  ])('of %s is shipped as the language stands', (_name, shipped, current) => {
    expect(shipped).toBe(current);
    expect(JSON.parse(shipped)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
  });

  it('accepts the shipped files', () => {
    expect(validator(policyJsonSchema()).safeParse(documentValue(POLICY_TEXT)).error).toBeUndefined();
    expect(validator(policyCasesJsonSchema()).safeParse(documentValue(CASES_TEXT)).error).toBeUndefined();
  });

  it.each([
    ['an unknown key', 'status: draft', 'stauts: draft'],
    ['an unknown fact in a nested condition', 'fact: invocationLogging.audioDataDelivery', 'fact: audio'],
    ['an empty all', 'all: []', 'all: []'],
    ['a duration without unit', 'retention: 14d', "retention: '14'"],
  ])('underlines %s', (_name, find, replace) => {
    const text =
      find === replace
        ? edited(
            POLICY_TEXT,
            'require: { fact: dataRetention.mode, op: equal, value: none }',
            `require: { ${replace} }`,
          )
        : edited(POLICY_TEXT, find, replace);
    expect(validator(policyJsonSchema()).safeParse(documentValue(text)).success).toBe(false);
  });

  it('lets conditions refer to themselves, and lets defaults be left out', () => {
    const schema = JSON.stringify(policyJsonSchema());
    expect(schema).toContain('"$ref":"#/$defs/Condition"');
    expect(policyJsonSchema()).toMatchObject({
      properties: { controls: { items: { required: expect.not.arrayContaining(['coverableByException']) } } },
    });
  });

  it('offers every fact of the catalogue to the author of a case', () => {
    const facts = z
      .looseObject({
        properties: z.looseObject({
          cases: z.looseObject({
            items: z.looseObject({
              properties: z.looseObject({
                facts: z.looseObject({ properties: z.record(z.string(), z.unknown()) }),
              }),
            }),
          }),
        }),
      })
      .parse(policyCasesJsonSchema()).properties.cases.items.properties.facts.properties;
    expect(Object.keys(facts)).toEqual(FACT_NAMES);
  });
});
