import * as z from 'zod';
import { policyCasesSchema } from './cases.ts';
import { policySchema } from './schema.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The language as JSON Schema (draft 2020-12), for editors: completion, descriptions on hover, red lines while typing. It says
 * less than `parsePolicy`: what it accepts may still be refused for its meaning.
 */
export const policyJsonSchema = (): JsonSchema =>
  published(policySchema, 'policy.schema.json', 'Proviso policy, version 1');

export const policyCasesJsonSchema = (): JsonSchema =>
  published(policyCasesSchema, 'policy-cases.schema.json', 'Cases of a Proviso policy, version 1');

/** The text of a schema file: stable, so that a test can tell whether the shipped file is the current one. */
export const jsonSchemaText = (schema: JsonSchema): string => `${JSON.stringify(schema, undefined, 2)}\n`;

/** A Zod schema as JSON Schema for editors; `id` is the file's name. */
export function published(schema: z.ZodType, id: string, title: string): JsonSchema {
  // What is written, not what is read: a field with a default may be left out.
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
  return { $schema, $id: id, title, ...rest };
}
