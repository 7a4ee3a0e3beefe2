import { readFileSync } from 'node:fs';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPENAPI_FILE } from '../../scripts/openapi.ts';
import { Simulation } from '../simulation/harness.ts';
import { requestBody, TestApi } from './harness.ts';

/*
 * Calls made from the OpenAPI document alone, against the running API: bodies that the document allows, the same with something broken, and
 * anything at all. No fault, no answer that the document does not describe, and a call that is refused changes no record.
 */

type Json = Readonly<Record<string, unknown>>;
interface Described {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Json }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Json } } };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}
const document = JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: { readonly Problem: Json } };
};

const ajv = new Ajv2020.default({ strict: false, validateFormats: false });
const compiled = new Map<Json, ValidateFunction>();
const isValid = (schema: Json, value: unknown): boolean => {
  const whole = '$ref' in schema ? document.components.schemas.Problem : schema;
  const check = compiled.get(whole) ?? ajv.compile(whole);
  compiled.set(whole, check);
  return check(value);
};

/** Values that a schema allows, as far as its keywords here go; refinements in words are for the API to refuse. */
function valuesOf(schema: Json): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  const any = (schema['oneOf'] ?? schema['anyOf']) as readonly Json[] | undefined;
  if (any !== undefined) return fc.oneof(...any.map(valuesOf));
  switch (schema['type']) {
    case 'object': {
      const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Json>);
      return fc.record(Object.fromEntries(properties.map(([name, each]) => [name, valuesOf(each)])), {
        requiredKeys: (schema['required'] ?? []) as string[],
      });
    }
    case 'array':
      return fc.array(valuesOf((schema['items'] ?? {}) as Json), {
        minLength: (schema['minItems'] as number | undefined) ?? 0,
        maxLength: 3,
      });
    case 'string':
      return typeof schema['pattern'] === 'string'
        ? fc.oneof(
            { weight: 4, arbitrary: fc.stringMatching(new RegExp(schema['pattern'], 'u')) },
            fc.string(),
          )
        : fc.oneof(
            fc.string({
              minLength: (schema['minLength'] as number | undefined) ?? 0,
              maxLength: 40,
              unit: 'binary',
            }),
            fc.constantFrom('legal', 'security', '2026-11-20T12:00:00Z', '7d'),
          );
    case 'integer':
    case 'number':
      return fc.integer();
    case 'boolean':
      return fc.boolean();
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** One member taken away, added or replaced. */
const broken = (value: unknown): fc.Arbitrary<unknown> =>
  typeof value !== 'object' || value === null
    ? fc.jsonValue()
    : fc
        .tuple(fc.constantFrom(...Object.keys(value), 'unknown'), fc.jsonValue({ maxDepth: 1 }), fc.boolean())
        .map(([key, other, isGone]) => {
          const { [key]: _gone, ...rest } = value as Record<string, unknown>;
          return isGone ? rest : { ...rest, [key]: other };
        });

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, described]) => ({ method: method.toUpperCase(), path, described })),
);

let simulation: Simulation;
let api: TestApi;
const known: { id: string; subjectHash: string } = { id: '', subjectHash: '' };
beforeAll(async () => {
  simulation = await Simulation.create();
  api = new TestApi(simulation);
  const made = await api.call('POST', '/exceptions', { as: 'sam', body: requestBody() });
  Object.assign(known, { id: made.body.exception.id, subjectHash: made.body.exception.subjectHash });
});
afterAll(() => simulation.close());

describe('calls made from the OpenAPI document', () => {
  it.each(operations)('$method $path', async ({ method, path, described }) => {
    const schema = described.requestBody?.content['application/json'].schema;
    const bodies: fc.Arbitrary<string | undefined> =
      schema === undefined
        ? fc.constant(undefined)
        : fc.oneof(
            valuesOf(schema).map((value) => JSON.stringify(value)),
            valuesOf(schema)
              .chain(broken)
              .map((value) => JSON.stringify(value) ?? 'null'),
            fc
              .constant(requestBody())
              .chain(broken)
              .map((value) => JSON.stringify(value)),
            fc.constant(
              JSON.stringify({
                role: 'legal',
                decision: 'reject',
                subjectHash: known.subjectHash.slice(0, 11),
              }),
            ),
            fc.jsonValue().map((value) => JSON.stringify(value)),
            fc.string({ unit: 'binary', maxLength: 60 }),
          );
    const ids = fc.oneof(
      fc.constant(known.id),
      fc.stringMatching(/^ex-[0-9a-z-]{4,40}$/),
      fc.string({ minLength: 1, maxLength: 50 }),
    );
    const headers = fc.record(
      {
        'idempotency-key': fc.oneof(fc.stringMatching(/^[!-~]{8,12}$/), fc.stringMatching(/^[ -~]{0,6}$/)),
        'x-correlation-id': fc.stringMatching(/^[ -~]{0,80}$/),
      },
      { requiredKeys: [] },
    );
    const inQuery = described.parameters.filter((each) => each.in === 'query');
    const queries = fc.record(
      Object.fromEntries([
        ...inQuery.map(({ name, schema: each }) => [
          name,
          fc.oneof(valuesOf(each).map(String), fc.string({ maxLength: 10 })),
        ]),
        ['id', fc.constant('x')],
      ]) as Record<string, fc.Arbitrary<string>>,
      { requiredKeys: [] },
    );
    const changes = method !== 'GET' && described.parameters.some(({ name }) => name === 'Idempotency-Key');
    // Not whoever could really change something by chance: the requester, and somebody in no role that decides.
    const callers = fc.constantFrom('sam', 'dora', 'gone', 'mallory', '');
    let answers = 0;
    await fc.assert(
      fc.asyncProperty(ids, queries, bodies, headers, callers, async (id, query, text, sent, as) => {
        const before = await api.records();
        const target = path.replace('{id}', encodeURIComponent(id === '.' || id === '..' ? 'dots' : id));
        const search = inQuery.length === 0 ? '' : `?${new URLSearchParams(query as Record<string, string>)}`;
        const answer = await api.call(method, `${target}${search}`, {
          as,
          headers: sent,
          ...(text === undefined ? {} : { text }),
        });
        answers += 1;
        expect(answer.status, answer.text).toBeLessThan(500);
        const response = described.responses[answer.status];
        expect(response, `${answer.status} is not described: ${answer.text}`).toBeDefined();
        const content = response?.content[answer.type];
        expect(content, answer.type).toBeDefined();
        expect(isValid(content?.schema ?? {}, answer.body), JSON.stringify(answer.body)).toBe(true);
        if (answer.status >= 400 || !changes) expect(await api.records()).toBe(before);
      }),
      { numRuns: schema === undefined ? 30 : 80, seed: 20261121 },
    );
    expect(answers).toBeGreaterThanOrEqual(30);
    expect(api.faults).toEqual([]);
  });

  it('find a fault that is planted', async () => {
    const { services } = simulation.state;
    const { policyInForce } = services;
    Object.assign(services, { policyInForce: { current: () => Promise.reject(new Error('planted')) } });
    const answer = await api.call('GET', '/policy');
    Object.assign(services, { policyInForce });
    expect(answer.status).toBe(500);
    expect(isValid(document.components.schemas.Problem, answer.body)).toBe(true);
    expect(isValid(document.components.schemas.Problem, { ...answer.body, code: 'INVENTED' })).toBe(false);
  });
});
