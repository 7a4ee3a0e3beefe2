import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ABSENT,
  type AccessRequest,
  ANY_RESOURCE,
  type ApplicablePolicies,
  type ContextValue,
  contextOf,
  evaluateRequest,
  holdsNoAllow,
  known,
  UNKNOWN,
} from '../../src/iam/index.ts';
import { documentOf, layer, ROLE, type StatementJson } from './documents.ts';

/* Laws of the evaluator over generated policies: small alphabets, so that statements meet each other and the request often. */

const ACTION = 'bedrock:InvokeModel';
const RESOURCES = ['arn:aws:bedrock:eu-central-1::foundation-model/a', 'arn:aws:s3:::prompts/x'] as const;
const KEYS = ['aws:username', 'aws:TagKeys', 'aws:RequestedRegion'] as const;
const VALUES = ['a', 'b', 'ab'] as const;

const actionPattern = fc.constantFrom('*', 'bedrock:*', ACTION, 'BEDROCK:invoke*', 's3:*', 'bedrock:Get*');
const resourcePattern = fc.constantFrom('*', 'arn:aws:bedrock:*', 'arn:aws:s3:::*', ...RESOURCES);
const operator = fc.constantFrom(
  'StringEquals',
  'StringNotEquals',
  'StringLike',
  'StringNotLike',
  'StringEqualsIfExists',
  'ForAllValues:StringEquals',
  'ForAnyValue:StringLike',
  'ForAnyValue:StringNotEquals',
  'NoSuchOperator',
);
// biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
const policyValue = fc.constantFrom(...VALUES, 'a*', '${aws:username}');
const condition = fc
  .array(
    fc.tuple(operator, fc.constantFrom(...KEYS), fc.array(policyValue, { minLength: 1, maxLength: 2 })),
    {
      maxLength: 2,
    },
  )
  .map((parts) => Object.fromEntries(parts.map(([name, key, values]) => [name, { [key]: values }])));
const statement: fc.Arbitrary<StatementJson> = fc
  .record({
    Effect: fc.constantFrom('Allow', 'Allow', 'Deny'),
    actionKey: fc.constantFrom('Action', 'Action', 'NotAction'),
    actions: fc.array(actionPattern, { minLength: 1, maxLength: 2 }),
    resourceKey: fc.constantFrom('Resource', 'Resource', 'NotResource'),
    resources: fc.array(resourcePattern, { minLength: 1, maxLength: 2 }),
    Condition: condition,
  })
  .map(({ Effect, actionKey, actions, resourceKey, resources, Condition }) => ({
    Effect,
    [actionKey]: actions,
    [resourceKey]: resources,
    ...(Object.keys(Condition).length === 0 ? {} : { Condition }),
  }));
const statements = fc.array(statement, { maxLength: 4 });

interface Generated {
  readonly identity: readonly StatementJson[];
  readonly boundary: readonly StatementJson[] | undefined;
  readonly levels: readonly (readonly StatementJson[])[];
}
const generated: fc.Arbitrary<Generated> = fc.record({
  identity: statements,
  boundary: fc.option(statements, { nil: undefined, freq: 3 }),
  levels: fc.array(statements, { maxLength: 2 }),
});

const contextValue: fc.Arbitrary<ContextValue> = fc.oneof(
  fc.constant(UNKNOWN),
  fc.constant(ABSENT),
  fc.subarray([...VALUES], { minLength: 1 }).map((values) => known(...values)),
);
const contextEntries = fc
  .tuple(...KEYS.map(() => contextValue))
  .map((values) => Object.fromEntries(KEYS.map((key, index) => [key, values[index] ?? UNKNOWN])));
const resource = fc.constantFrom(ANY_RESOURCE, ...RESOURCES);

const policiesOf = ({ identity, boundary, levels }: Generated): ApplicablePolicies => ({
  identity: layer('identity', [documentOf(identity)]),
  ...(boundary === undefined ? {} : { boundary: layer('boundary', [documentOf(boundary)]) }),
  serviceControl: levels.map((level) => layer('level', [documentOf(level)], [], 'control')),
  resourceControl: [],
});
const request = (
  entries: Readonly<Record<string, ContextValue>>,
  on: AccessRequest['resource'],
): AccessRequest => ({ action: ACTION, resource: on, principal: ROLE, context: contextOf(entries) });

const ORDER = ['denied', 'conditionally-allowed', 'allowed'];
const strength = (policies: Generated, asked: AccessRequest): number =>
  ORDER.indexOf(evaluateRequest(asked, policiesOf(policies)).kind);

const RUNS = { numRuns: 3000 };

describe('whatever the policies', () => {
  test('adding a Deny anywhere never allows more', () => {
    fc.assert(
      fc.property(generated, statement, contextEntries, resource, (before, added, entries, on) => {
        const deny = { ...added, Effect: 'Deny' };
        const asked = request(entries, on);
        const most = strength(before, asked);
        expect(strength({ ...before, identity: [...before.identity, deny] }, asked)).toBeLessThanOrEqual(
          most,
        );
        const [first, ...levels] = before.levels;
        if (first !== undefined)
          expect(strength({ ...before, levels: [[...first, deny], ...levels] }, asked)).toBeLessThanOrEqual(
            most,
          );
        if (before.boundary !== undefined)
          expect(strength({ ...before, boundary: [...before.boundary, deny] }, asked)).toBeLessThanOrEqual(
            most,
          );
      }),
      RUNS,
    );
  });

  test('who holds no Allow is denied, without asking further', () => {
    let found = 0;
    fc.assert(
      fc.property(generated, contextEntries, resource, (given, entries, on) => {
        const { identity } = policiesOf(given);
        const held = holdsNoAllow({ principal: ROLE, identity: identity ?? layer('none', []) }, [ACTION]);
        fc.pre(held);
        found += 1;
        expect(evaluateRequest(request(entries, on), policiesOf(given)).kind).toBe('denied');
      }),
      { numRuns: 500 },
    );
    expect(found).toBeGreaterThan(100);
  });

  test('widening an Allow never allows less', () => {
    const widen = fc.constantFrom<(of: StatementJson) => StatementJson>(
      ({ Condition: _, ...rest }) => rest,
      ({ NotAction: _, ...rest }) => ({ ...rest, Action: '*' }),
      ({ NotResource: _, ...rest }) => ({ ...rest, Resource: '*' }),
    );
    fc.assert(
      fc.property(generated, fc.nat(3), widen, contextEntries, resource, (before, at, wider, entries, on) => {
        const chosen = before.identity[at];
        fc.pre(chosen !== undefined && chosen.Effect === 'Allow');
        const after = { ...before, identity: before.identity.with(at, wider(chosen ?? {})) };
        const asked = request(entries, on);
        expect(strength(after, asked)).toBeGreaterThanOrEqual(strength(before, asked));
      }),
      RUNS,
    );
  });

  test('adding an Allow never allows less', () => {
    fc.assert(
      fc.property(generated, statement, contextEntries, resource, (before, added, entries, on) => {
        const after = { ...before, identity: [...before.identity, { ...added, Effect: 'Allow' }] };
        const asked = request(entries, on);
        expect(strength(after, asked)).toBeGreaterThanOrEqual(strength(before, asked));
      }),
      RUNS,
    );
  });

  test('a boundary, a level or a session policy never adds anything', () => {
    fc.assert(
      fc.property(generated, statements, contextEntries, resource, (before, limit, entries, on) => {
        const asked = request(entries, on);
        const most = strength({ ...before, boundary: undefined }, asked);
        expect(strength({ ...before, boundary: limit }, asked)).toBeLessThanOrEqual(most);
        expect(
          strength({ ...before, boundary: undefined, levels: [...before.levels, limit] }, asked),
        ).toBeLessThanOrEqual(most);
        const session = { ...policiesOf(before), session: layer('session', [documentOf(limit)]) };
        expect(ORDER.indexOf(evaluateRequest(asked, session).kind)).toBeLessThanOrEqual(
          strength(before, asked),
        );
      }),
      RUNS,
    );
  });

  test('order and repetition of statements change nothing', () => {
    const shuffled = statements.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 })),
    );
    fc.assert(
      fc.property(shuffled, generated, contextEntries, resource, ([list, other], rest, entries, on) => {
        const asked = request(entries, on);
        expect(strength({ ...rest, identity: other }, asked)).toBe(
          strength({ ...rest, identity: list }, asked),
        );
      }),
      RUNS,
    );
  });

  test('what is decided without knowing stays so whatever becomes known', () => {
    fc.assert(
      fc.property(generated, contextEntries, contextEntries, resource, (policies, entries, more, on) => {
        const before = strength(policies, request(entries, on));
        fc.pre(before !== ORDER.indexOf('conditionally-allowed'));
        const complete = Object.fromEntries(
          KEYS.map((key) => [
            key,
            entries[key]?.kind === 'unknown' ? (more[key] ?? UNKNOWN) : (entries[key] ?? UNKNOWN),
          ]),
        );
        expect(strength(policies, request(complete, on))).toBe(before);
      }),
      RUNS,
    );
  });

  test('what is decided for any resource is so for every one', () => {
    fc.assert(
      fc.property(generated, contextEntries, fc.constantFrom(...RESOURCES), (policies, entries, on) => {
        const any = strength(policies, request(entries, ANY_RESOURCE));
        fc.pre(any !== ORDER.indexOf('conditionally-allowed'));
        expect(strength(policies, request(entries, on))).toBe(any);
      }),
      RUNS,
    );
  });
});

/**
 * A second evaluator, written for nothing but plainness: requests that are known in full, single-valued keys, no variables, regular
 * expressions for patterns. It shares no code with the first.
 */
describe('beside a second, plain evaluator', () => {
  const plainCondition = fc
    .array(
      fc.tuple(
        fc.constantFrom(
          'StringEquals',
          'StringNotEquals',
          'StringLike',
          'StringNotLike',
          'StringEqualsIfExists',
        ),
        fc.constantFrom(...KEYS),
        fc.array(fc.constantFrom('a', 'b', 'a*', '?'), { minLength: 1, maxLength: 2 }),
      ),
      { maxLength: 2 },
    )
    .map((parts) => Object.fromEntries(parts.map(([name, key, values]) => [name, { [key]: values }])));
  const plainStatement = fc
    .tuple(statement, plainCondition)
    .map(([{ Condition: _, ...rest }, Condition]) => ({
      ...rest,
      Condition,
    }));

  type Full = Readonly<Record<string, string | undefined>>;
  interface Plain {
    readonly Effect: string;
    readonly Action?: readonly string[];
    readonly NotAction?: readonly string[];
    readonly Resource?: readonly string[];
    readonly NotResource?: readonly string[];
    readonly Condition: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  }
  const like = (pattern: string, text: string, flags = ''): boolean =>
    new RegExp(
      `^${pattern
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
      flags,
    ).test(text);
  const conditionHolds = (name: string, value: string | undefined, values: readonly string[]): boolean => {
    const isNegated = name.includes('Not');
    if (value === undefined) return isNegated || name.endsWith('IfExists');
    const matches = values.some((each) => (name.includes('Like') ? like(each, value) : each === value));
    return matches !== isNegated;
  };
  const applies = (each: Plain, on: string, context: Full): boolean =>
    (each.Action?.some((pattern) => like(pattern, ACTION, 'i')) ??
      !each.NotAction?.some((pattern) => like(pattern, ACTION, 'i'))) &&
    (each.Resource?.some((pattern) => like(pattern, on)) ??
      !each.NotResource?.some((pattern) => like(pattern, on))) &&
    Object.entries(each.Condition).every(([name, keys]) =>
      Object.entries(keys).every(([key, values]) => conditionHolds(name, context[key], values)),
    );

  test('it gives the same answer wherever the request is known in full', () => {
    const full = fc
      .tuple(...KEYS.map(() => fc.constantFrom(undefined, 'a', 'b', 'ab')))
      .map((values): Full => Object.fromEntries(KEYS.map((key, index) => [key, values[index]])));
    const list = fc.array(plainStatement, { maxLength: 5 });
    fc.assert(
      fc.property(
        list,
        fc.option(list, { nil: undefined }),
        fc.array(list, { maxLength: 2 }),
        full,
        fc.constantFrom(...RESOURCES),
        (identity, boundary, levels, context, on) => {
          const layers = [
            identity,
            ...(boundary === undefined ? [] : [boundary]),
            ...levels,
          ] as unknown as Plain[][];
          const matched = layers.map((each) => each.filter((one) => applies(one, on, context)));
          const isAllowed =
            !matched.flat().some(({ Effect }) => Effect === 'Deny') &&
            matched.every((each) => each.some(({ Effect }) => Effect === 'Allow'));
          const entries = Object.fromEntries(
            KEYS.map((key) => [key, context[key] === undefined ? ABSENT : known(context[key])]),
          );
          const { kind } = evaluateRequest(request(entries, on), policiesOf({ identity, boundary, levels }));
          expect(kind).toBe(isAllowed ? 'allowed' : 'denied');
        },
      ),
      { numRuns: 6000 },
    );
  });
});
