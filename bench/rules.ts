import { createRequire } from 'node:module';
import { Engine } from 'json-rules-engine';
import { epochMs } from '../src/core/index.ts';
import type { Observation } from '../src/evidence/index.ts';
import type { Control, FactName, FactValue } from '../src/policy/index.ts';
import { compileControl } from '../src/rules/compile.ts';
import {
  type Explanation,
  evaluateControls,
  type FactSet,
  type Outcome,
  type Truth,
} from '../src/rules/index.ts';
import { type Judge, judgeOf } from '../src/rules/judge.ts';
import type { Comparison } from '../src/rules/operators.ts';
import { type Measurement, measure, processorTime, type Suite } from './measure.ts';

/*
 * 20 rules of 4 conditions over the facts of one account and Region. All peers get the same rules and the same facts in the same run. Only
 * ours and the json-rules-engine path know a third truth value and explain; the peers answer yes or no.
 *
 * What counts as explained: for each of the 20 rules the outcome and the clause that decided it, and, where the outcome is not compliant
 * (see the note for how many), the whole tree of conditions with what was seen of each, made and read: a check does the same, because
 * it shows the conditions of what it reports. A second figure makes and reads the tree of every rule.
 *
 * No two rules are alike, but as in a policy several ask the same at the same place (the account's state), and what is asked alike is compared
 * and put into the trees once. A third figure is without that: each rule judged as if it were the only one, its tree made and read.
 *
 * Rates are per second of processor time of the whole process, its collector of garbage included, not of the clock: other work on the
 * machine does not count, and a second core does not help.
 */

const FLAGS = [
  'textDataDelivery',
  'imageDataDelivery',
  'embeddingDataDelivery',
  'videoDataDelivery',
  'audioDataDelivery',
] as const;
const RULES = 20;
const FACT_SETS = 1000;
const flagOf = (index: number): FactName => `invocationLogging.${FLAGS[index % FLAGS.length] ?? FLAGS[0]}`;
const CLOSED = ['SUSPENDED', 'CLOSED'];
/** The same question about the retention mode in four ways, so that no two of the 20 rules are alike. */
const NO_RETENTION = [
  { op: 'equal', value: 'none' },
  { op: 'notEqual', value: 'default' },
  { op: 'in', value: ['none'] },
  { op: 'notIn', value: ['default'] },
] as const satisfies readonly Pick<Comparison, 'op' | 'value'>[];
const noRetentionOf = (index: number) => NO_RETENTION[Math.floor(index / FLAGS.length)] ?? NO_RETENTION[0];

const controls: readonly Pick<Control, 'id' | 'require'>[] = Array.from({ length: RULES }, (_, index) => ({
  id: `CP-${String(index + 1).padStart(2, '0')}`,
  require: {
    all: [
      { fact: flagOf(index), op: 'equal', value: 'disabled' },
      { fact: 'account.state', op: 'notIn', value: CLOSED },
      {
        any: [
          { fact: 'dataRetention.mode', ...noRetentionOf(index) },
          { not: { fact: 'account.isManagementAccount', op: 'equal', value: true } },
        ],
      },
    ],
  },
}));

type Plain = Readonly<Record<string, string | boolean>>;

/** Everything observed, so that engines without a third value can answer too. */
const plainFacts = Array.from(
  { length: FACT_SETS },
  (_, index): Plain => ({
    'account.state': 'ACTIVE',
    'account.isManagementAccount': index % 7 === 0,
    'dataRetention.mode': index % 3 === 0 ? 'none' : 'default',
    'invocationLogging.textDataDelivery': index % 2 === 0 ? 'disabled' : 'enabled',
    'invocationLogging.imageDataDelivery': 'disabled',
    'invocationLogging.embeddingDataDelivery': 'disabled',
    'invocationLogging.videoDataDelivery': index % 5 === 0 ? 'enabled' : 'disabled',
    'invocationLogging.audioDataDelivery': 'unset',
  }),
);
const source = { call: 'bench' };
const observed = (value: FactValue): Observation<FactValue> => ({
  kind: 'observed',
  value,
  at: epochMs(0),
  source,
});
const factSets = plainFacts.map(
  (facts): FactSet =>
    Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, observed(value)])),
);

/** How many of all verdicts are "compliant": every peer must come to the same number. */
const EXPECTED = plainFacts.reduce(
  (sum, facts) => sum + controls.filter((_, index) => holds(index, facts)).length,
  0,
);
const SHARE = Math.round(100 * (1 - EXPECTED / (FACT_SETS * RULES)));
function holds(index: number, facts: Plain): boolean {
  return (
    facts[flagOf(index)] === 'disabled' &&
    !CLOSED.includes(String(facts['account.state'])) &&
    (facts['dataRetention.mode'] === 'none' || facts['account.isManagementAccount'] !== true)
  );
}

const judge = judgeOf(controls.map(compileControl));
const judgesAlone = controls.map((control) => judgeOf([compileControl(control)]));

/** A fact set at a time, as a check does it: an explanation that nobody keeps is gone before the next. */
async function ours(
  judges: readonly Judge[],
  sets: readonly FactSet[],
  isRead: (outcome: Outcome) => boolean,
): Promise<number> {
  let compliant = 0;
  let seen = 0;
  for (const facts of sets)
    for (const judge of judges) {
      const judged = judge(facts);
      const { decisions } = judged;
      for (let index = 0; index < decisions.length; index++) {
        const outcome = decisions[index]?.outcome ?? 'indeterminate';
        if (outcome === 'compliant') compliant += 1;
        if (!isRead(outcome)) continue;
        const { require } = judged.explain(index);
        if (require === undefined || require.truth !== truthOf(outcome))
          throw new Error('the explanation contradicts the decision');
        seen += leavesSeen(require);
      }
    }
  if (seen % 4 !== 0) throw new Error('a rule of four conditions was not explained whole');
  return compliant;
}

/** What `require` must come to, of controls without `when`. */
const truthOf = (outcome: Outcome): Truth =>
  outcome === 'compliant' ? 'true' : outcome === 'non-compliant' ? 'false' : 'unknown';

/** Goes over a whole tree: how many conditions it says were seen. */
function leavesSeen(tree: Explanation): number {
  if (tree.kind === 'leaf') return tree.observation.kind === 'observed' ? 1 : 0;
  if (tree.kind === 'not') return leavesSeen(tree.part);
  let sum = 0;
  for (let at = 0; at < tree.parts.length; at++) {
    const part = tree.parts[at];
    if (part !== undefined) sum += leavesSeen(part);
  }
  return sum;
}

/** One control and one fact set at a time: the chooser takes json-rules-engine up to 64 evaluations. */
async function oursByEngine(sets: readonly FactSet[]): Promise<number> {
  let compliant = 0;
  for (const facts of sets)
    for (const [verdict] of [await evaluateControls(controls, [facts])])
      compliant += (verdict ?? []).filter(({ outcome }) => outcome === 'compliant').length;
  return compliant;
}

function jsonRulesEngine(): (facts: Plain) => Promise<number> {
  const engine = new Engine();
  for (const [index, { id }] of controls.entries())
    engine.addRule({
      conditions: {
        all: [
          { fact: flagOf(index), operator: 'equal', value: 'disabled' },
          { fact: 'account.state', operator: 'notIn', value: CLOSED },
          {
            any: [
              {
                fact: 'dataRetention.mode',
                operator: noRetentionOf(index).op,
                value: noRetentionOf(index).value,
              },
              { not: { fact: 'account.isManagementAccount', operator: 'equal', value: true } },
            ],
          },
        ],
      },
      event: { type: id },
    });
  return async (facts) => (await engine.run({ ...facts })).events.length;
}

type Cedar = typeof import('@cedar-policy/cedar-wasm/nodejs');

/** A permit for each rule; the rule is the action that is asked for. */
function cedar(): (facts: Plain) => number {
  const { preparsePolicySet, statefulIsAuthorized } = createRequire(import.meta.url)(
    '@cedar-policy/cedar-wasm/nodejs',
  ) as Cedar;
  const noRetention = [
    (mode: string) => `${mode} == "none"`,
    (mode: string) => `${mode} != "default"`,
    (mode: string) => `["none"].contains(${mode})`,
    (mode: string) => `!["default"].contains(${mode})`,
  ];
  const permits = controls.map(({ id }, index) => {
    const asked = noRetention[NO_RETENTION.indexOf(noRetentionOf(index))];
    if (asked === undefined) throw new Error('a question that Cedar was not told');
    const fact = (name: string) => `context["${name}"]`;
    return `permit(principal, action == Action::"${id}", resource) when {
      ${fact(flagOf(index))} == "disabled" && !${JSON.stringify(CLOSED)}.contains(${fact('account.state')}) &&
      (${asked(fact('dataRetention.mode'))} || !(${fact('account.isManagementAccount')} == true)) };`;
  });
  const parsed = preparsePolicySet('rules', { staticPolicies: permits.join('\n') });
  if (parsed.type !== 'success') throw new Error(`Cedar does not take the rules: ${JSON.stringify(parsed)}`);
  return (context) => {
    let compliant = 0;
    for (const { id } of controls) {
      const answer = statefulIsAuthorized({
        principal: { type: 'User', id: 'u' },
        action: { type: 'Action', id },
        resource: { type: 'Region', id: 'r' },
        context: { ...context },
        preparsedPolicySetId: 'rules',
        entities: [],
      });
      if (answer.type !== 'success') throw new Error('Cedar did not answer');
      if (answer.response.decision === 'allow') compliant += 1;
    }
    return compliant;
  };
}

/** Fact sets a second of processor time; `judge` must come to the expected number, so that no peer is fast by being wrong. */
function rate(
  name: string,
  runs: number,
  rounds: number,
  sets: number,
  judge: () => Promise<number>,
  note?: string,
): Promise<Measurement> {
  return measure(
    name,
    'fact sets/s of processor time',
    runs,
    async () => {
      let compliant = 0;
      const ms = await processorTime(async () => {
        for (let round = 0; round < rounds; round++) compliant += await judge();
      });
      if (sets === FACT_SETS && compliant !== EXPECTED * rounds)
        throw new Error(`${name}: ${compliant} instead of ${EXPECTED * rounds}`);
      return (rounds * sets * 1000) / ms;
    },
    note,
  );
}

export const suite: Suite = {
  name: 'rules',
  async run() {
    const sum = async (judge: (facts: Plain) => number | Promise<number>) => {
      let compliant = 0;
      for (const facts of plainFacts) compliant += await judge(facts);
      return compliant;
    };
    const own = [
      await rate(
        'synchronous evaluator, explained, three truth values',
        7,
        100,
        FACT_SETS,
        () => ours([judge], factSets, (outcome) => outcome !== 'compliant'),
        `20 rules of 4 conditions a fact set, no two alike, the same for all peers; outcome and deciding clause of every rule, and the whole tree of the ${SHARE} % of them that are not compliant, read`,
      ),
      await rate('the same with the tree of every rule, read', 7, 50, FACT_SETS, () =>
        ours([judge], factSets, () => true),
      ),
      await rate(
        'the same, each rule judged by itself',
        7,
        20,
        FACT_SETS,
        () => ours(judgesAlone, factSets, () => true),
        'no comparison and no part of a tree that rules have in common is made once for all',
      ),
      await rate(
        'our json-rules-engine path, the same verdicts and explanations',
        3,
        1,
        FACT_SETS,
        () => oursByEngine(factSets),
        'a new engine for each evaluation: a shared one loses results',
      ),
    ];
    // Made after our own figures: Cedar's module is still being compiled by threads of this process for a while.
    const withEngine = jsonRulesEngine();
    const withCedar = cedar();
    return [
      ...own,
      await rate('json-rules-engine itself, one engine, yes or no', 3, 1, FACT_SETS, () => sum(withEngine)),
      await rate('Cedar (wasm, policies parsed before), yes or no', 3, 1, FACT_SETS, () => sum(withCedar)),
    ];
  },
};
