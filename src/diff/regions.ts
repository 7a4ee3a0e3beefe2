import { epochMs } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import { type FactName, type FactValue, factDefinition, type Leaf } from '../policy/index.ts';
import { evaluateControl, type FactSet, type Truth } from '../rules/index.ts';
import { OverBudget } from './decision-diagram.ts';
import type { ExampleFact } from './types.ts';

/*
 * The finite abstraction: everything that can be observed of a fact falls into a few regions within which no comparison of the
 * two policies tells one value from another. One example stands for each region, so the product of the regions is the whole
 * space of fact sets, not a sample of it.
 */

/** One region of a fact. `example` undefined: not known (the fact is left out of a fact set). */
export interface Region {
  readonly example: ExampleFact | undefined;
  /** What each leaf, in the order given, says of every value in the region. */
  readonly truths: readonly Truth[];
  /** Lower is preferred where an example may be any of several. */
  readonly cost: number;
}

/** Values that people know, used where any value of a fact would do; the first one that fits is taken. */
const FAMILIAR: Readonly<Partial<Record<FactName, readonly string[]>>> = {
  'account.state': ['ACTIVE', 'SUSPENDED', 'CLOSED', 'PENDING_CLOSURE', 'PENDING_ACTIVATION'],
  'dataRetention.mode': ['none', 'default', 'inherit', 'provider_data_share', 'aws_review'],
  'aiServicesOptOut.default': ['optOut', 'optIn', 'unset'],
  'invocationLogging.largeDataBucket': ['large-bodies'],
  'invocationLogging.cloudWatchLogGroup': ['bedrock-invocations'],
  'invocationLogging.s3Bucket': ['bedrock-invocations'],
};

/** More elements than this that a list fact is asked about, and the subsets are too many to look at. */
const MAX_ELEMENTS = 10;
/** A fact more costs more than any preference among values. */
export const COST_OF_A_FACT = 1000;
/** That there is nothing is rarely what a reader expects, so a value is preferred where both would do. */
const COST_OF_ABSENCE = 500;

/**
 * The regions of `fact` under `leaves`, which all compare it. The first region is always "not known".
 * Every truth is taken from the real evaluator, so the abstraction cannot drift from it.
 *
 * @throws {OverBudget} for a list fact that is asked about more elements than can be enumerated
 */
export function regionsOf(fact: FactName, leaves: readonly Leaf[]): readonly Region[] {
  const examples: (ExampleFact | undefined)[] = [
    undefined,
    ...valuesFor(fact, leaves).map((value): ExampleFact => ({ fact, kind: 'observed', value })),
    { fact, kind: 'absent' },
  ];
  const regions = new Map<string, Region>();
  for (const [index, example] of examples.entries()) {
    const facts = factSetOf(example === undefined ? [] : [example]);
    const truths = leaves.map((leaf) => truthOf(leaf, facts));
    const key = truths.join();
    if (regions.has(key)) continue;
    const cost =
      example === undefined ? 0 : COST_OF_A_FACT + (example.kind === 'absent' ? COST_OF_ABSENCE : index);
    regions.set(key, { example, truths, cost });
  }
  return [...regions.values()];
}

const truthOf = (leaf: Leaf, facts: FactSet): Truth =>
  evaluateControl({ id: 'comparison', require: leaf }, facts).require?.truth ?? 'unknown';

const AT = epochMs(0);
const SOURCE = { call: 'this example' };

/** The fact set of an example, as the evaluator takes it. */
export const factSetOf = (examples: readonly ExampleFact[]): FactSet =>
  Object.fromEntries(
    examples.map((example): [FactName, Observation<FactValue>] => [
      example.fact,
      example.kind === 'absent'
        ? { kind: 'absent', at: AT, source: SOURCE }
        : { kind: 'observed', value: example.value, at: AT, source: SOURCE },
    ]),
  );

/** At least one value of every region of values; several of one region do no harm, the first one stands for it. */
function valuesFor(fact: FactName, leaves: readonly Leaf[]): readonly FactValue[] {
  const { type, values } = factDefinition(fact);
  const compared = leaves.flatMap(({ value }): readonly (boolean | string | number)[] =>
    typeof value === 'object' ? value : [value],
  );
  switch (type) {
    case 'boolean':
      return [true, false];
    case 'string':
      return (
        values ??
        openTexts(
          fact,
          compared.filter((value) => typeof value === 'string'),
        )
      );
    case 'number':
      return counts(compared.filter((value) => typeof value === 'number'));
    case 'string-list':
      return subsets([...new Set(compared.filter((value) => typeof value === 'string'))]);
  }
}

/** What is compared, what is familiar, and one text that nobody compares with: AWS may add values. */
function openTexts(fact: FactName, compared: readonly string[]): readonly string[] {
  const familiar = FAMILIAR[fact] ?? [];
  let other = 'another-value';
  while (compared.includes(other)) other = `yet-${other}`;
  return [...familiar, ...compared, other];
}

/** Whole numbers from 0: every constant, its neighbours and zero meet every gap between constants that holds a whole number. */
const counts = (constants: readonly number[]): readonly number[] =>
  [
    ...new Set([
      0,
      ...constants.flatMap((each) => [
        Math.ceil(each) - 1,
        Math.floor(each),
        Math.ceil(each),
        Math.floor(each) + 1,
      ]),
    ]),
  ]
    .filter((each) => each >= 0 && Number.isSafeInteger(each))
    .toSorted((left, right) => left - right);

function subsets(elements: readonly string[]): readonly (readonly string[])[] {
  if (elements.length > MAX_ELEMENTS) throw new OverBudget(2 ** MAX_ELEMENTS);
  let all: (readonly string[])[] = [[]];
  for (const element of elements) all = [...all, ...all.map((subset) => [...subset, element])];
  return all;
}
