import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { HANDLERS } from '../../handlers/index.ts';
import { loadMachines } from '../../src/compose.ts';
import { formatProblem } from '../../src/core/index.ts';
import { lintStateMachine, parseStateMachine } from '../../src/runtime/index.ts';

const ROOT = join(import.meta.dirname, '../..');
const FILES = readdirSync(join(ROOT, 'workflows')).filter((name) => /\.asl\.(ya?ml|json)$/.test(name));

// The package brings types that its own exports do not name.
const aslValidator = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  readonly isValid: boolean;
  errorsText(separator: string): string;
};
const SERVERLESS = join(ROOT, 'serverless.yml');

interface Node {
  readonly [key: string]: unknown;
}

/** Every value under the key anywhere in the document. */
function valuesOf(value: unknown, key: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value as Node).flatMap(([name, inner]) => [
    ...(name === key ? [inner] : []),
    ...valuesOf(inner, key),
  ]);
}

/** Plain Amazon States Language: what a deployment substitutes is substituted. */
function deployed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(deployed);
  if (typeof value !== 'object' || value === null) return value;
  const named = (value as Node)['Fn::GetAtt'];
  if (Array.isArray(named)) return `arn:aws:lambda:us-east-1:111111111111:function:${String(named[0])}`;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, deployed(inner)]));
}

describe.each(FILES)('%s', (file) => {
  const text = readFileSync(join(ROOT, 'workflows', file), 'utf8');
  const definition: unknown = parse(text);
  const functions = valuesOf(definition, 'Fn::GetAtt').map((names) => String((names as unknown[])[0]));

  test('keeps to the portable subset', () => {
    const machine = parseStateMachine(text, file);
    expect(machine.ok ? [] : machine.error.map(formatProblem)).toEqual([]);
  });
  test('has nothing that the lint objects to', () => {
    const machine = parseStateMachine(text, file);
    expect(machine.ok ? lintStateMachine(machine.value).map(formatProblem) : ['not parsed']).toEqual([]);
  });
  test('is valid Amazon States Language', () => {
    const { isValid, errorsText } = aslValidator(deployed(definition));
    expect(isValid, errorsText('\n')).toBe(true);
  });
  test('calls only functions that exist', () => {
    expect(functions.length).toBeGreaterThan(3);
    expect(functions.filter((name) => !Object.hasOwn(HANDLERS, name))).toEqual([]);
  });
  test('keeps prompts, tokens and reasons out of the history: tasks get ids, names, instants and roles', () => {
    const sent = valuesOf(definition, 'Payload').flatMap((payload) => Object.keys(payload as Node));
    const allowed = [
      'exceptionId.$',
      'role.$',
      'taskToken.$',
      'instant.$',
      'waitedUntil.$',
      'error.$',
      'execution.$',
    ];
    expect(sent.filter((key) => !allowed.includes(key))).toEqual([]);
  });
  test.skipIf(!existsSync(SERVERLESS))('calls only functions that serverless.yml packages', () => {
    const { functions: packaged } = parse(readFileSync(SERVERLESS, 'utf8'), { logLevel: 'error' }) as {
      functions: Node;
    };
    expect(functions.filter((name) => !Object.hasOwn(packaged, name))).toEqual([]);
  });
});

/** What schedules, event rules, AWS Config and API Gateway call. */
const TARGETS = ['deadMansSwitch', 'sweep', 'storageEvent', 'configSettings', 'configResources', 'api'];

const calledBy = (file: string): readonly string[] =>
  valuesOf(parse(readFileSync(join(ROOT, file), 'utf8')), 'Fn::GetAtt').map((names) =>
    String((names as unknown[])[0]),
  );

test('every workflow file is loaded, and every function is somebody’s target', () => {
  expect(loadMachines().size).toBe(FILES.length);
  const called = [...FILES.map((file) => `workflows/${file}`), 'deploy/organization-scan.asl.yml'].flatMap(
    calledBy,
  );
  const known = new Set([...called, ...TARGETS]);
  expect(Object.keys(HANDLERS).filter((name) => !known.has(name))).toEqual([]);
});

test.each([...new Set(FILES.flatMap((file) => calledBy(`workflows/${file}`))), 'deadMansSwitch'])(
  '`%s` refuses an event without an exception id before it does anything',
  async (name) => {
    const untouched = new Proxy(
      {},
      {
        get: (_target, property) => {
          throw new Error(`touched ${String(property)}`);
        },
      },
    );
    const handle = HANDLERS[name as keyof typeof HANDLERS];
    for (const event of [undefined, null, {}, { exceptionId: '../../x' }, { exceptionId: 7 }])
      await expect(handle(event, untouched as never)).rejects.toThrow(/exceptionId|expected object/i);
  },
);
