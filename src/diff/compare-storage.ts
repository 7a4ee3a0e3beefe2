import { canonicalJson } from '../core/index.ts';
import { type Policy, type ResolvedStorage, storageFor } from '../policy/index.ts';
import { requestChanges } from './compare-requests.ts';
import { principalOutside } from './principal-patterns.ts';
import { listed, quoted } from './say.ts';
import type { AccountWitness, Change, Witness } from './types.ts';

type Storage = Policy['storage'];

/** How each part of `storage` is compared. A part that the language gains does not compile until it has a line here. */
const PARTS = {
  baseline: settingChanges('baseline'),
  // The language has one mode; the schema refuses any other, so there is nothing to compare.
  dataRetentionMode: () => [],
  enforcement: settingChanges('enforcement'),
  scope: regionChanges,
  administrators: administratorChanges,
  denied: deniedChanges,
  overrides: overrideTexts,
} as const satisfies Record<keyof Storage, (old: Policy, next: Policy) => readonly Change[]>;

export const compareStorage = (old: Policy, next: Policy): readonly Change[] =>
  Object.values(PARTS).flatMap((compare) => compare(old, next));

const storageChange = (change: Omit<Change, 'area' | 'isDecided'> & { isDecided?: boolean }): Change => ({
  area: 'storage',
  isDecided: true,
  ...change,
});

/** What may be stored at most, and what happens to drift; the second of each pair is the stricter one. */
const STRICT = { baseline: 'none', enforcement: 'enforce' } as const;

const SETTING_WORDS = {
  none: 'nothing is recorded outside an exception',
  'metadata-only': 'who used which model and how much is recorded, and no content',
  observe: 'drift is reported and stays',
  enforce: 'drift is undone',
} as const;

/**
 * One setting, in the general rule and for every unit that an override of either policy names. An account on several of these
 * units has the strictest of their settings, so whatever differs for some account differs for one that is on a single unit: the
 * list of all places below is exact.
 */
function settingChanges(setting: 'baseline' | 'enforcement') {
  return (old: Policy, next: Policy): readonly Change[] => {
    const at = (policy: Policy, unit?: string): ResolvedStorage =>
      storageFor(policy, unit === undefined ? [] : [unit]);
    const general = { old: at(old)[setting], new: at(next)[setting] };
    const units = [
      ...new Set(
        [...next.storage.overrides, ...old.storage.overrides].map((each) => each.organizationalUnit),
      ),
    ];
    const differs = (unit?: string): boolean => at(old, unit)[setting] !== at(next, unit)[setting];
    const change = (unit?: string): Change => {
      const before = at(old, unit);
      const after = at(next, unit);
      const direction = after[setting] === STRICT[setting] ? 'tightening' : 'loosening';
      const witness: AccountWitness = {
        kind: 'account',
        unitPath: unit === undefined ? [] : [unit],
        given: [
          unit === undefined
            ? `an account${units.length === 0 ? '' : ' outside the units that have a rule of their own'}`
            : `an account below ${unit}`,
        ],
        old: SETTING_WORDS[before[setting]],
        new: SETTING_WORDS[after[setting]],
      };
      const oldIndex = old.storage.overrides.findIndex((each) => each.organizationalUnit === unit);
      const newIndex = next.storage.overrides.findIndex((each) => each.organizationalUnit === unit);
      return storageChange({
        direction,
        path: unit === undefined ? `storage.${setting}` : `storage.overrides.${unit}`,
        at:
          unit === undefined
            ? { old: ['storage', setting], new: ['storage', setting] }
            : {
                ...(oldIndex === -1 ? {} : { old: ['storage', 'overrides', oldIndex] }),
                ...(newIndex === -1 ? {} : { new: ['storage', 'overrides', newIndex] }),
              },
        says: `${unit === undefined ? `the ${setting}` : `the ${setting} of ${unit}`} is \`${after[setting]}\`; it was \`${before[setting]}\``,
        ...(direction === 'loosening' ? { loosens: witness } : { tightens: witness }),
      });
    };
    return [
      ...(general.old === general.new ? [] : [change()]),
      // A unit that only follows the general rule is not told again.
      ...units.filter((unit) => differs(unit) && !followsGeneral(unit)).map(change),
    ];
    function followsGeneral(unit: string): boolean {
      return at(old, unit)[setting] === general.old && at(next, unit)[setting] === general.new;
    }
  };
}

/** Overrides that resolve alike may still be written otherwise: another reason, another order, one that has become redundant. */
function overrideTexts(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.storage.overrides, next.storage.overrides];
  if (canonicalJson(before) === canonicalJson(after)) return [];
  const settings = [...settingChanges('baseline')(old, next), ...settingChanges('enforcement')(old, next)];
  const place = { path: 'storage.overrides', at: sameplace('overrides') };
  const withoutReasons = (list: Storage['overrides']): string =>
    canonicalJson(list.map(({ reason: _reason, ...rest }) => rest));
  if (withoutReasons(before) === withoutReasons(after))
    return [
      storageChange({ ...place, direction: 'text', says: 'the reasons of the overrides read differently' }),
    ];
  if (settings.some(({ path }) => path !== 'storage.baseline' && path !== 'storage.enforcement')) return [];
  return [
    storageChange({
      ...place,
      direction: 'neutral',
      says: 'the overrides are written differently and resolve alike for every unit',
    }),
  ];
}

const sameplace = (...rest: readonly string[]): Change['at'] => ({
  old: ['storage', ...rest],
  new: ['storage', ...rest],
});

/**
 * A governed Region is checked, and it is where an exception may be asked for: one Region more is a tightening by the first and a
 * loosening by the second.
 */
function regionChanges(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.storage.scope.regions, next.storage.scope.regions];
  const place = { path: 'storage.scope.regions', at: sameplace('scope', 'regions') };
  const added = after.filter((region) => !before.includes(region));
  const removed = before.filter((region) => !after.includes(region));
  if (added.length === 0 && removed.length === 0)
    return canonicalJson(before) === canonicalJson(after)
      ? []
      : [
          storageChange({
            ...place,
            direction: 'neutral',
            says: 'the governed Regions stand in another order',
          }),
        ];
  const requests = requestChanges(old, next, 'storage.scope.regions');
  const checked = (region: string, isChecked: boolean): Witness => ({
    kind: 'plain',
    given: [`an account that stores prompts in ${region}`],
    old: isChecked ? 'no control looks at that Region' : 'every control for accounts and Regions looks at it',
    new: isChecked ? 'every control for accounts and Regions looks at it' : 'no control looks at that Region',
  });
  const loosens = removed[0] === undefined ? requests.loosens : checked(removed[0], false);
  const tightens = added[0] === undefined ? requests.tightens : checked(added[0], true);
  return [
    storageChange({
      ...place,
      direction: loosens === undefined ? 'tightening' : tightens === undefined ? 'loosening' : 'both',
      says: [
        ...(added.length === 0
          ? []
          : [
              `${listed(added)} ${added.length === 1 ? 'is' : 'are'} now governed: checked, and open to exceptions`,
            ]),
        ...(removed.length === 0
          ? []
          : [
              `${listed(removed)} ${removed.length === 1 ? 'is' : 'are'} no longer governed: neither checked nor open to exceptions`,
            ]),
      ].join('; '),
      ...(loosens === undefined ? {} : { loosens }),
      ...(tightens === undefined ? {} : { tightens }),
    }),
  ];
}

/** What the guardrails deny to everybody: one more is a tightening, one fewer a loosening. */
function deniedChanges(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.storage.denied ?? [], next.storage.denied ?? []];
  const at = ['storage', 'denied'] as const;
  const place = {
    path: 'storage.denied',
    at: {
      ...(old.storage.denied === undefined ? {} : { old: at }),
      ...(next.storage.denied === undefined ? {} : { new: at }),
    },
  };
  const open = 'the guardrails leave it to the accounts’ own policies';
  const closed = 'the guardrails deny it to everybody';
  const witness = (what: string, wasDenied: boolean): Witness => ({
    kind: 'plain',
    given: [`a call that needs ${what}`],
    old: wasDenied ? closed : open,
    new: wasDenied ? open : closed,
  });
  const changes = [
    ...after
      .filter((what) => !before.includes(what))
      .map((what) =>
        storageChange({
          ...place,
          direction: 'tightening',
          says: `${what} is denied to everybody by the guardrails`,
          tightens: witness(what, false),
        }),
      ),
    ...before
      .filter((what) => !after.includes(what))
      .map((what) =>
        storageChange({
          ...place,
          direction: 'loosening',
          says: `${what} is no longer denied by this word`,
          loosens: witness(what, true),
        }),
      ),
  ];
  if (changes.length > 0 || canonicalJson(before) === canonicalJson(after)) return changes;
  return [storageChange({ ...place, direction: 'neutral', says: 'what is denied stands in another order' })];
}

function administratorChanges(old: Policy, next: Policy): readonly Change[] {
  const [before, after] = [old.storage.administrators, next.storage.administrators];
  if (canonicalJson(before) === canonicalJson(after)) return [];
  const patterns = (list: Storage['administrators']): readonly string[] =>
    list.map(({ principal }) => principal);
  const outside = (list: readonly string[], others: readonly string[]) =>
    list.map((pattern, index) => ({ pattern, index, answer: principalOutside(pattern, others) }));
  const gained = outside(patterns(after), patterns(before));
  const lost = outside(patterns(before), patterns(after));
  const undecided = [...gained, ...lost].some(({ answer }) => answer.kind === 'undecided');
  const place = { path: 'storage.administrators', at: sameplace('administrators') };
  if (undecided)
    return [
      storageChange({
        ...place,
        direction: 'loosening',
        isDecided: false,
        says: 'the patterns of the storage administrators cannot be compared exactly; a person must',
      }),
    ];
  const changes = [
    ...gained.flatMap(({ pattern, index, answer }) =>
      answer.kind === 'found'
        ? [
            storageChange({
              direction: 'loosening',
              path: `storage.administrators.${pattern}`,
              at: { new: ['storage', 'administrators', index] },
              says: `${quoted(pattern)} names more principals that may change prompt storage`,
              loosens: principalWitness(answer.arn, false),
            }),
          ]
        : [],
    ),
    ...lost.flatMap(({ pattern, index, answer }) =>
      answer.kind === 'found'
        ? [
            storageChange({
              direction: 'tightening',
              path: `storage.administrators.${pattern}`,
              at: { old: ['storage', 'administrators', index] },
              says: `not all that ${quoted(pattern)} names may change prompt storage any more`,
              tightens: principalWitness(answer.arn, true),
            }),
          ]
        : [],
    ),
  ];
  if (changes.length > 0) return changes;
  const isSamePatterns = canonicalJson(patterns(before)) === canonicalJson(patterns(after));
  return [
    storageChange({
      ...place,
      direction: isSamePatterns ? 'text' : 'neutral',
      says: isSamePatterns
        ? 'the reasons of the storage administrators read differently'
        : 'the storage administrators are written differently and are the same principals',
    }),
  ];
}

const MAY = 'it may change prompt storage';
const MAY_NOT = 'that it may change prompt storage is a violation';

const principalWitness = (arn: string, wasAdministrator: boolean): Witness => ({
  kind: 'principal',
  arn,
  isAdministratorInOld: wasAdministrator,
  isAdministratorInNew: !wasAdministrator,
  given: [`the principal ${arn}`],
  old: wasAdministrator ? MAY : MAY_NOT,
  new: wasAdministrator ? MAY_NOT : MAY,
});
