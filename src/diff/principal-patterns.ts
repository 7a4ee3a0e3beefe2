import { arnLike } from '../iam/index.ts';

/*
 * Which principals a list of ARN patterns names, compared exactly. A pattern is read as `arnLike` of src/iam reads it: `*` and `?`
 * do not cross a colon, except in the last part. The search below walks all patterns at once over every text that can be the ARN
 * of a user or role, by sets of places in the patterns; texts that lead to the same sets are the same to all of them.
 */

/** One place in a pattern: which character goes on, and whether it may stand any number of times. */
interface Step {
  readonly takes: (character: string) => boolean;
  readonly repeats: boolean;
}

type Answer =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly arn: string }
  | { readonly kind: 'undecided' };

/** More sets of places than this, and the patterns are too entangled to decide. */
const STATE_BUDGET = 20_000;

/** A principal that `pattern` names and none of `others` does; `none` if there is no such principal. */
export function principalOutside(
  pattern: string,
  others: readonly string[],
  budget: number = STATE_BUDGET,
): Answer {
  // A pattern that stands in the other list too, and examples a reader would choose, are the cheap ends of nearly every question.
  if (others.includes(pattern)) return { kind: 'none' };
  for (const arn of familiarArns(pattern))
    if (IS_PRINCIPAL.test(arn) && arnLike(pattern, arn) && !others.some((other) => arnLike(other, arn)))
      return { kind: 'found', arn };
  return search(pattern, others, budget);
}

/** The pattern with its wildcards filled in as people would expect them. */
function familiarArns(pattern: string): readonly string[] {
  return ['example', 'another/example'].map((name) =>
    pattern
      .split(':')
      .map((part, index) => {
        const fill = index === 1 ? 'aws' : index === 4 ? '111122223333' : name;
        return index === 4 && part.includes('*')
          ? account(part)
          : part.replaceAll('*', fill).replaceAll('?', 'x');
      })
      .join(':'),
  );
}

/** Twelve digits that fit a part such as `*` or `1111*`. */
const account = (part: string): string => {
  const digits = part.replaceAll('*', '').length;
  return part.replace('*', '111122223333'.slice(digits)).replaceAll('*', '');
};

const exactly = (text: string): readonly Step[] =>
  [...text].map((literal) => ({ takes: (character) => character === literal, repeats: false }));
const oneOf = (characters: RegExp): Step => ({
  takes: (character) => characters.test(character),
  repeats: false,
});
const anyOf = (characters: RegExp): Step => ({
  takes: (character) => characters.test(character),
  repeats: true,
});

/** The ARNs that IAM gives to users and roles: as one expression, and as machines for the search. */
const IS_PRINCIPAL = /^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)\/[A-Za-z0-9+=,.@_-][A-Za-z0-9+=,.@_/-]*$/;
const SHAPES: readonly (readonly Step[])[] = ['role', 'user'].map((kind) => [
  ...exactly('arn:aws'),
  anyOf(/[a-z-]/),
  ...exactly(':iam::'),
  ...Array.from({ length: 12 }, () => oneOf(/[0-9]/)),
  ...exactly(`:${kind}/`),
  oneOf(/[A-Za-z0-9+=,.@_-]/),
  anyOf(/[A-Za-z0-9+=,.@_/-]/),
]);

const SEGMENTS = 6;

function stepsOf(pattern: string): readonly Step[] {
  let segment = 1;
  return [...pattern].map((character): Step => {
    if (character === ':' && segment < SEGMENTS) segment += 1;
    const isInLast = segment === SEGMENTS;
    if (character === '*') return { takes: (each) => isInLast || each !== ':', repeats: true };
    if (character === '?') return { takes: (each) => isInLast || each !== ':', repeats: false };
    return { takes: (each) => each === character, repeats: false };
  });
}

function search(pattern: string, others: readonly string[], budget: number): Answer {
  const excluded = others.map(stepsOf);
  const wanted = stepsOf(pattern);
  // What the shape itself needs, what the patterns mention, and a letter and a digit that nobody mentions, for all the others.
  const letters = [...new Set([...'arn:aws:iam::role/user', ...pattern, ...others.join('')])].filter((each) =>
    /[A-Za-z0-9+=,.@_:/-]/.test(each),
  );
  const alphabet = [
    ...new Set([
      ...letters,
      ...unused('abcdefghijklmnopqrstuvwxyz', letters),
      ...unused('0123456789', letters),
      ':',
      '/',
      '-',
    ]),
  ];
  for (const shape of SHAPES) {
    const machines = [shape, wanted, ...excluded];
    const start = machines.map((steps) => reachable(steps, [0]));
    const seen = new Set([keyOf(start)]);
    let front: { readonly places: readonly (readonly number[])[]; readonly text: string }[] = [
      { places: start, text: '' },
    ];
    while (front.length > 0) {
      const next: typeof front = [];
      for (const { places, text } of front) {
        const isAt = (index: number): boolean =>
          places[index]?.includes(machines[index]?.length ?? -1) === true;
        if (isAt(0) && isAt(1) && !excluded.some((_, index) => isAt(index + 2)))
          return { kind: 'found', arn: text };
        for (const character of alphabet) {
          const stepped = places.map((set, index) => step(machines[index] ?? [], set, character));
          if (stepped[0]?.length === 0 || stepped[1]?.length === 0) continue;
          const key = keyOf(stepped);
          if (seen.has(key)) continue;
          if (seen.size >= budget) return { kind: 'undecided' };
          seen.add(key);
          next.push({ places: stepped, text: text + character });
        }
      }
      front = next;
    }
  }
  return { kind: 'none' };
}

const unused = (candidates: string, used: readonly string[]): readonly string[] =>
  [...candidates].filter((each) => !used.includes(each)).slice(0, 1);

const keyOf = (places: readonly (readonly number[])[]): string =>
  places.map((set) => set.join(',')).join(';');

/** The places themselves and those behind steps that may be left out. */
function reachable(steps: readonly Step[], places: readonly number[]): readonly number[] {
  const all = new Set<number>();
  for (const place of places) {
    let at = place;
    all.add(at);
    while (steps[at]?.repeats === true) all.add(++at);
  }
  return [...all].toSorted((one, other) => one - other);
}

const step = (steps: readonly Step[], places: readonly number[], character: string): readonly number[] =>
  reachable(
    steps,
    places.flatMap((place) => {
      const at = steps[place];
      if (at === undefined || !at.takes(character)) return [];
      return at.repeats ? [place] : [place + 1];
    }),
  );
