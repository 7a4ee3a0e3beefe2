import { countOf } from '../core/index.ts';
import type { EnforcementPlan, PlannedSetting } from '../enforcement/index.ts';
import { FORCED_RETENTION, RETAINING_MODELS } from '../rules/index.ts';
import { printable, wrap } from './terminal/index.ts';

const WORDS: Readonly<Record<PlannedSetting['effect'], string>> = {
  undo: 'would be undone now',
  foreign: 'would be saved and left until somebody adopts or removes it',
  unreadable: 'cannot be read, so nobody knows what would happen',
  leased: 'is governed by an exception and left to it',
  'at-baseline': 'is at the baseline; later drift would be undone',
};
const ORDER = Object.keys(WORDS) as readonly PlannedSetting['effect'][];

/** What `enforce` would do today; settings at the baseline are only counted. */
export function planLines(plan: EnforcementPlan, width: number): readonly string[] {
  if (plan.settings.length === 0)
    return wrap('this policy enforces nowhere: drift is reported, and nothing is undone', width);
  const lines: string[] = [];
  for (const effect of ORDER) {
    const found = plan.settings.filter((setting) => setting.effect === effect);
    if (found.length === 0) continue;
    lines.push(...wrap(`${countOf(found.length, 'setting')} ${WORDS[effect]}`, width));
    if (effect === 'at-baseline') continue;
    for (const { accountId, accountName, region, setting, observed } of found)
      lines.push(
        ...wrap(
          printable(`${accountName} (${accountId}), ${region}, ${setting}: ${observed}`),
          width,
          '  ',
          '      ',
        ),
      );
  }
  return [...lines, ...stoppedModels(plan, width), `plan ${plan.hash.slice(0, 16)}`];
}

/** Mode `none` refuses some models: whoever enforces it should hear so before their callers do. */
function stoppedModels({ settings }: EnforcementPlan, width: number): readonly string[] {
  const sets = settings.some(
    ({ setting, effect }) => setting === 'data-retention' && (effect === 'undo' || effect === 'foreign'),
  );
  return sets
    ? wrap(
        `retention mode \`none\` stops ${FORCED_RETENTION.map(({ name }) => name).join(', ')}, as known on ${RETAINING_MODELS.asOf}; who can call them: proviso check --control CP-06`,
        width,
      )
    : [];
}

/** The whole hash where at least its first 16 characters were given; anything else confirms nothing. */
export const confirmedHash = (given: string | undefined, hash: string): string | undefined =>
  given === undefined ? undefined : given.length >= 16 && hash.startsWith(given) ? hash : given;
