import { canonicalJson, type DocumentPath } from '../core/index.ts';
import type { Condition, Control, Severity } from '../policy/index.ts';
import { evaluateControl, type Outcome } from '../rules/index.ts';
import { compareOutcomes, type OutcomeExample, reach } from './compare-outcomes.ts';
import { type Pairing, pairControls } from './pair-controls.ts';
import { factSetOf } from './regions.ts';
import { listed, sayFact } from './say.ts';
import type { Change, ExampleFact, FactsWitness, Said } from './types.ts';

/** How each part of a control is compared. A part that the language gains does not compile until it has a line here. */
const PARTS = {
  id: 'identity',
  subject: 'identity',
  when: 'meaning',
  require: 'meaning',
  severity: 'order',
  coverableByException: 'order',
  title: 'text',
  source: 'text',
  erratum: 'text',
  message: 'text',
  remedy: 'text',
} as const satisfies Record<keyof Control, 'identity' | 'meaning' | 'order' | 'text'>;

/** From least to gravest. */
const SEVERITY_ORDER = { low: 0, medium: 1, high: 2, critical: 3 } as const satisfies Record<
  Severity,
  number
>;

export interface ControlsComparison {
  readonly changes: readonly Change[];
  /** Old id -> new id. */
  readonly renamed: Readonly<Record<string, string>>;
  readonly deleted: readonly string[];
  readonly added: readonly string[];
}

/** Every difference between the controls of two policies, in the order of the new policy; deleted ones come last. */
export function compareControls(
  old: readonly Control[],
  next: readonly Control[],
  budget?: number,
): ControlsComparison {
  const { pairs, deleted, added } = pairControls(old, next, budget);
  const changes = [
    ...pairs.flatMap((pair) => comparePair(pair, budget)),
    ...added.map(({ control, index }) => addedChange(control, index, budget)),
    ...deleted.map(({ control, index }) => deletedChange(control, index, next, budget)),
    ...orderChange(pairs),
  ];
  const renamed = Object.fromEntries(
    pairs
      .filter(({ old: one, new: other }) => one.id !== other.id)
      .map(({ old: { id }, new: other }) => [id, other.id]),
  );
  const idsOf = (placed: typeof added): readonly string[] => placed.map(({ control }) => control.id);
  return { changes, renamed, deleted: idsOf(deleted), added: idsOf(added) };
}

function comparePair(pair: Pairing, budget: number | undefined): readonly Change[] {
  const { old, new: next } = pair;
  // Nearly every control of nearly every diff.
  if (canonicalJson(old) === canonicalJson(next)) return [];
  return [
    ...renameChange(pair),
    ...conditionChange(pair, budget),
    ...severityChange(pair, budget),
    ...coverableChange(pair, budget),
    ...textChange(pair),
  ];
}

const placeOf = (pair: Pairing, ...rest: DocumentPath): Change['at'] => ({
  old: ['controls', pair.oldIndex, ...rest],
  new: ['controls', pair.newIndex, ...rest],
});

const controlChange = (change: Omit<Change, 'area' | 'isDecided'> & { isDecided?: boolean }): Change => ({
  area: 'control',
  isDecided: true,
  ...change,
});

const renameChange = (pair: Pairing): readonly Change[] =>
  pair.old.id === pair.new.id
    ? []
    : [
        controlChange({
          direction: 'neutral',
          path: `controls.${pair.new.id}.id`,
          at: placeOf(pair, 'id'),
          says: `${pair.old.id} is now called ${pair.new.id}`,
          remark: 'the ids of its findings change with it',
        }),
      ];

function conditionChange(pair: Pairing, budget: number | undefined): readonly Change[] {
  const { old, new: next } = pair;
  const changed = (['when', 'require'] as const).filter(
    (tree) => canonicalJson(old[tree] ?? null) !== canonicalJson(next[tree] ?? null),
  );
  const [tree] = changed;
  if (tree === undefined) return [];
  const place = {
    path: `controls.${next.id}.${tree}`,
    at: {
      old: firstDifference(old[tree], next[tree], ['controls', pair.oldIndex, tree]),
      new: firstDifference(next[tree], old[tree], ['controls', pair.newIndex, tree]),
    },
  };
  const what = `${next.id} (${next.title})`;
  const compared = compareOutcomes(old, next, budget);
  if (compared.kind === 'undecided')
    return [
      controlChange({
        ...place,
        direction: 'loosening',
        isDecided: false,
        says: `the conditions of ${what} are too many to compare exactly; a person must`,
      }),
    ];
  const { loosens, tightens, rewords } = compared;
  const witness = (example: OutcomeExample): FactsWitness =>
    factsWitness(next.subject, example.facts, saidBy(old, example.old), saidBy(next, example.new));
  if (loosens === undefined && tightens === undefined)
    return [
      controlChange({
        ...place,
        direction: 'neutral',
        says: `the conditions of ${what} are written differently and ${rewords === undefined ? 'mean the same' : 'report the same'}`,
        ...(rewords === undefined ? {} : { remark: rewordedRemark(rewords) }),
      }),
    ];
  const direction = loosens === undefined ? 'tightening' : tightens === undefined ? 'loosening' : 'both';
  return [
    controlChange({
      ...place,
      direction,
      says: `${what} ${VERBS[direction]}`,
      ...(loosens === undefined ? {} : { loosens: witness(loosens) }),
      ...(tightens === undefined ? {} : { tightens: witness(tightens) }),
    }),
  ];
}

const VERBS = {
  loosening: 'lets something pass that it reported before',
  tightening: 'reports something that it let pass before',
  both: 'lets something pass that it reported before, and reports something that it let pass',
} as const;

const rewordedRemark = ({ facts, old, new: next }: OutcomeExample): string =>
  `what was ${old} may now be ${next}, for instance where ${facts.length === 0 ? 'nothing is known' : listed(facts.map(sayFact))}; no violation comes or goes`;

function severityChange(pair: Pairing, budget: number | undefined): readonly Change[] {
  const { old, new: next } = pair;
  if (old.severity === next.severity) return [];
  const isLower = SEVERITY_ORDER[next.severity] < SEVERITY_ORDER[old.severity];
  return [
    graded(pair, 'severity', isLower ? 'loosening' : 'tightening', budget, {
      says: `a violation of ${next.id} (${next.title}) is ${next.severity}; it was ${old.severity}`,
    }),
  ];
}

function coverableChange(pair: Pairing, budget: number | undefined): readonly Change[] {
  const { old, new: next } = pair;
  if (old.coverableByException === next.coverableByException) return [];
  return [
    graded(pair, 'coverableByException', next.coverableByException ? 'loosening' : 'tightening', budget, {
      says: next.coverableByException
        ? `a live exception may now cover a violation of ${next.id} (${next.title})`
        : `an exception no longer covers a violation of ${next.id} (${next.title})`,
    }),
  ];
}

/** A change of what a violation counts for; without any violation under the new conditions there is nothing to count. */
function graded(
  pair: Pairing,
  part: 'severity' | 'coverableByException',
  direction: 'loosening' | 'tightening',
  budget: number | undefined,
  { says }: { readonly says: string },
): Change {
  const { old, new: next } = pair;
  const place = { path: `controls.${next.id}.${part}`, at: placeOf(pair, part), says };
  // A violation of both is the clearest example; one of the new control alone still shows what it counts for.
  const reached = reach(bothViolated(old, next), ['non-compliant'], budget);
  if (reached.kind === 'undecided' || reached.facts === undefined) {
    const alone = reach(next, ['non-compliant'], budget);
    if (alone.kind === 'decided' && alone.facts === undefined)
      return controlChange({ ...place, direction: 'neutral', remark: 'nothing can violate it' });
    return controlChange({ ...place, direction: 'loosening', isDecided: false });
  }
  const witness = factsWitness(
    next.subject,
    reached.facts,
    saidBy(old, 'non-compliant'),
    saidBy(next, 'non-compliant'),
  );
  return controlChange({
    ...place,
    direction,
    ...(direction === 'loosening' ? { loosens: witness } : { tightens: witness }),
  });
}

/** Non-compliant exactly where both are. */
function bothViolated(old: Control, next: Control): { id: string; when: Condition; require: Condition } {
  const applies = [old.when, next.when].flatMap((when) => when ?? []);
  const always: Condition = { any: [old.require, { not: old.require }] };
  return {
    id: next.id,
    when: applies.length === 0 ? always : { all: applies },
    require: { any: [old.require, next.require] },
  };
}

function textChange(pair: Pairing): readonly Change[] {
  const { old, new: next } = pair;
  const changed = (Object.keys(PARTS) as (keyof Control)[]).filter(
    (part) =>
      PARTS[part] === 'text' && canonicalJson(old[part] ?? null) !== canonicalJson(next[part] ?? null),
  );
  const [first] = changed;
  if (first === undefined) return [];
  return [
    controlChange({
      direction: 'text',
      path: `controls.${next.id}.${first}`,
      at: placeOf(pair, first),
      says: `${listed(changed.map((part) => `\`${part}\``))} of ${next.id} ${changed.length === 1 ? 'reads' : 'read'} differently`,
    }),
  ];
}

function addedChange(control: Control, index: number, budget: number | undefined): Change {
  const place = {
    path: `controls.${control.id}`,
    at: { new: ['controls', index] },
    says: `${control.id} (${control.title}) is new`,
  };
  const reached = reach(control, ['non-compliant', 'indeterminate'], budget);
  if (reached.kind === 'undecided')
    // More checks never allow more; only the example could not be found.
    return controlChange({
      ...place,
      direction: 'tightening',
      tightens: {
        kind: 'plain',
        given: [`the conditions of ${control.id}`],
        old: 'nothing checks them',
        new: `${control.id} checks them`,
      },
    });
  if (reached.facts === undefined || reached.outcome === undefined)
    return controlChange({ ...place, direction: 'neutral', remark: 'nothing can violate it' });
  return controlChange({
    ...place,
    direction: 'tightening',
    tightens: factsWitness(control.subject, reached.facts, NOT_CHECKED, saidBy(control, reached.outcome)),
  });
}

function deletedChange(
  control: Control,
  index: number,
  next: readonly Control[],
  budget: number | undefined,
): Change {
  const place = {
    path: `controls.${control.id}`,
    at: { old: ['controls', index] },
    says: `${control.id} (${control.title}) is deleted`,
  };
  const reached = reach(control, ['non-compliant', 'indeterminate'], budget);
  if (reached.kind === 'undecided')
    return controlChange({ ...place, direction: 'loosening', isDecided: false });
  const { facts, outcome } = reached;
  if (facts === undefined || outcome === undefined)
    return controlChange({ ...place, direction: 'neutral', remark: 'nothing could violate it' });
  const others = next
    .filter(
      (other) =>
        other.subject === control.subject && evaluateControl(other, factSetOf(facts)).outcome === outcome,
    )
    .map(({ id }) => id);
  return controlChange({
    ...place,
    direction: 'loosening',
    loosens: factsWitness(control.subject, facts, saidBy(control, outcome), NOT_CHECKED),
    ...(others.length === 0
      ? {}
      : { remark: `${listed(others)} would still report this example, not all of them` }),
  });
}

const orderChange = (pairs: readonly Pairing[]): readonly Change[] => {
  const inOldOrder = pairs.toSorted((one, other) => one.oldIndex - other.oldIndex);
  return inOldOrder.every((pair, index) => pairs[index] === pair)
    ? []
    : [
        controlChange({
          direction: 'neutral',
          path: 'controls',
          at: { old: ['controls'], new: ['controls'] },
          says: 'the controls stand in another order',
        }),
      ];
};

const NOT_CHECKED: Said = { outcome: 'not-checked' };

const saidBy = (control: Control, outcome: Outcome): Said => ({
  controlId: control.id,
  outcome,
  severity: control.severity,
  isCoverable: control.coverableByException,
});

const SUBJECT_WORDS = {
  'account-region': 'an account and governed Region',
  principal: 'a user, group or role',
  account: 'an account',
  organization: 'the organization as a whole',
} as const satisfies Record<Control['subject'], string>;

export function factsWitness(
  subject: Control['subject'],
  facts: readonly ExampleFact[],
  saidByOld: Said,
  saidByNew: Said,
): FactsWitness {
  return {
    kind: 'facts',
    subject,
    facts,
    given: [
      `${SUBJECT_WORDS[subject]}${facts.length === 0 ? ' of which nothing is known' : ''}`,
      ...facts.map(sayFact),
    ],
    saidByOld,
    saidByNew,
    old: saySaid(saidByOld, saidByNew),
    new: saySaid(saidByNew, saidByOld),
  };
}

function saySaid(said: Said, other: Said): string {
  if (said.outcome === 'not-checked') return 'no control looks at it';
  const isGraded = said.outcome === other.outcome && said.outcome === 'non-compliant';
  const grade = isGraded
    ? `, ${said.severity}${said.isCoverable === other.isCoverable ? '' : said.isCoverable === true ? ', an exception may cover it' : ', no exception covers it'}`
    : '';
  return `${said.outcome}${grade}`;
}

/** Down to the deepest node that differs: that line is the one to show. */
function firstDifference(mine: unknown, theirs: unknown, path: DocumentPath): DocumentPath {
  if (typeof mine !== 'object' || mine === null || typeof theirs !== 'object' || theirs === null) return path;
  const entries: (readonly [string | number, unknown])[] = Array.isArray(mine)
    ? [...mine.entries()]
    : Object.entries(mine);
  const others = theirs as Readonly<Record<string | number, unknown>>;
  const differing = entries.filter(
    ([key, value]) => canonicalJson(value ?? null) !== canonicalJson(others[key] ?? null),
  );
  const [only] = differing;
  if (only === undefined || differing.length > 1) return path;
  return firstDifference(only[1], others[only[0]], [...path, only[0]]);
}
