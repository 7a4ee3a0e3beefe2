import * as bedrock from '@aws-sdk/client-bedrock';
import { err, ok, type Result } from '../../core/index.ts';
import { KNOWN_SETTINGS } from '../../evidence/index.ts';

/*
 * The SDK carries its own schema at run time: a structure is `[3, namespace, name, traits, member names, member schemas, ...]`, a list
 * `[1, namespace, name, traits, of]`, a map `[2, namespace, name, traits, key, value]`; a schema inside another may be a function that
 * gives it, or a pair of a schema and its traits. Numbers are simple types. Enumerations have no schema; their values are exported.
 */

const [LIST, MAP, STRUCTURE, UNION] = [1, 2, 3, 4];

/**
 * Lists every member of the settings that we rely on, as the SDK that is installed knows them, as `Shape.member`.
 *
 * @param sdk - the module; another one only in tests
 * @returns what could not be read, if anything: a list with a hole in it would look complete
 */
export function readSdkSettings(
  sdk: Readonly<Record<string, unknown>> = bedrock,
  roots: { readonly shapes: readonly string[]; readonly enumerations: readonly string[] } = KNOWN_SETTINGS,
): Result<readonly string[], string> {
  const members = new Set<string>();
  const unread: string[] = [];
  const seen = new Set<unknown>();
  const walk = (reference: unknown, where: string): void => {
    const schema = resolved(reference);
    if (typeof schema === 'number' || typeof schema === 'string' || seen.has(schema)) return;
    if (!Array.isArray(schema)) {
      unread.push(where);
      return;
    }
    seen.add(schema);
    const parts: readonly unknown[] = schema;
    const [kind, , name, , first, second] = parts;
    if (kind === LIST) {
      walk(first, `${where}[]`);
      return;
    }
    if (kind === MAP) {
      walk(first, `${where} (key)`);
      walk(second, `${where} (value)`);
      return;
    }
    if (kind !== STRUCTURE && kind !== UNION) {
      // A simple type with traits of its own has a name and no members.
      if (kind !== 0) unread.push(where);
      return;
    }
    if (typeof name !== 'string' || !Array.isArray(first) || !Array.isArray(second)) {
      unread.push(where);
      return;
    }
    const [names, schemas]: readonly (readonly unknown[])[] = [first, second];
    for (const [index, member] of (names ?? []).entries()) {
      const path = `${name}.${String(member)}`;
      members.add(path);
      walk(schemas?.[index], path);
    }
  };
  for (const shape of roots.shapes) walk(sdk[`${shape}$`], shape);
  for (const enumeration of roots.enumerations) {
    const values = sdk[enumeration];
    if (typeof values !== 'object' || values === null) unread.push(enumeration);
    else for (const value of Object.values(values)) members.add(`${enumeration}.${String(value)}`);
  }
  return unread.length > 0
    ? err(`the installed SDK does not say what is in ${unread.map((each) => `\`${each}\``).join(', ')}`)
    : ok([...members].sort());
}

function resolved(reference: unknown): unknown {
  const schema: unknown = typeof reference === 'function' ? reference() : reference;
  // `[schema, traits]`: the schema of a member that has traits of its own.
  if (Array.isArray(schema) && schema.length === 2) return resolved(schema[0]);
  return schema;
}
