import * as z from 'zod';
import type { DocumentPath } from '../core/index.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What a schema says about one place in a document, for messages. */
export interface SchemaPlace {
  /** The keys a mapping may have there; empty if it takes no mapping. */
  readonly keys: readonly string[];
  /** The closed list of values there; empty if it is open. */
  readonly values: readonly string[];
  readonly description?: string;
  readonly pattern?: string;
  /** The id given with `.meta({ id })`, of the schema at this place. */
  readonly definition?: string;
}

export type SchemaLookup = (path: DocumentPath) => SchemaPlace;

const known = new WeakMap<z.ZodType, SchemaLookup>();

/** Answers from the schema's own JSON Schema, so that errors and editors show the same texts. Computed once per schema. */
export function lookupOf(schema: z.ZodType): SchemaLookup {
  const cached = known.get(schema);
  if (cached) return cached;
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const lookup: SchemaLookup = (path) => {
    let places: readonly Place[] = resolve(root, root);
    for (const step of path) places = places.flatMap((place) => child(root, place.node, step));
    const keys = [...new Set(places.flatMap(({ node }) => Object.keys(node.properties ?? {})))];
    const description = places.find(({ node }) => node.description !== undefined)?.node.description;
    const pattern = places.find(({ node }) => node.pattern !== undefined)?.node.pattern;
    const definition = places.find((place) => place.definition !== undefined)?.definition;
    const values = [
      ...new Set(
        places
          .flatMap(({ node }) => (node.const === undefined ? (node.enum ?? []) : [node.const]))
          .map(String),
      ),
    ];
    return {
      keys,
      values,
      ...(description === undefined ? {} : { description }),
      ...(pattern === undefined ? {} : { pattern }),
      ...(definition === undefined ? {} : { definition }),
    };
  };
  known.set(schema, lookup);
  return lookup;
}

interface Place {
  readonly node: JsonSchema;
  readonly definition?: string;
}

/** The node itself, then what it refers to and its alternatives. */
function resolve(root: JsonSchema, node: JsonSchema, seen: readonly JsonSchema[] = []): readonly Place[] {
  if (seen.includes(node)) return [];
  const visited = [...seen, node];
  const places: Place[] = [{ node }];
  const name = node.$ref?.replace('#/$defs/', '');
  const target = name === undefined ? undefined : root.$defs?.[name];
  if (name !== undefined && target !== undefined) {
    const [first, ...rest] = resolve(root, target, visited);
    if (first) places.push(name.startsWith('__') ? first : { ...first, definition: name }, ...rest);
  }
  for (const alternative of [...(node.anyOf ?? []), ...(node.oneOf ?? [])]) {
    if (typeof alternative === 'object') places.push(...resolve(root, alternative as JsonSchema, visited));
  }
  return places;
}

function child(root: JsonSchema, node: JsonSchema, step: string | number): readonly Place[] {
  const next =
    typeof step === 'number'
      ? Array.isArray(node.items)
        ? undefined
        : node.items
      : Object.hasOwn(node.properties ?? {}, step)
        ? node.properties?.[step]
        : node.additionalProperties;
  return typeof next === 'object' ? resolve(root, next as JsonSchema) : [];
}
