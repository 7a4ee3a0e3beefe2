import { canonicalJson, type EpochMs } from '../core/index.ts';
import type { DataRetention, LoggingConfiguration, Observation } from '../evidence/index.ts';
import { type CompleteLoggingConfiguration, storesContent } from '../exceptions/index.ts';
import type { Enforcement } from '../policy/index.ts';

/*
 * Drift that is not ours, in the two settings that Proviso may put back: invocation logging and the data-retention mode. What a lease
 * explains, or what an ended lease left behind, never comes here: `planPair` has the first word. Pure; `enforce.ts` acts.
 */

export const SETTINGS = ['invocation-logging', 'data-retention'] as const;
export type SettingName = (typeof SETTINGS)[number];
export interface SettingValues {
  readonly 'invocation-logging': LoggingConfiguration;
  readonly 'data-retention': DataRetention;
}
export type SettingValue = SettingValues[SettingName];

/** What was there when enforcement began. It stays until an operator adopts it, or whoever owns it takes it away. */
export interface Foreign {
  readonly seenAt: EpochMs;
  readonly value: SettingValue;
}

export interface Told {
  readonly firstSeenAt: EpochMs;
  readonly toldAt?: EpochMs;
}

/** What the state keeps of one setting of one account and Region that the policy enforces. */
export interface EnforcedSetting {
  /** Enforcement begins with the first reading: before that, nobody knows what is foreign. */
  readonly since: EpochMs;
  readonly foreign?: Foreign;
  /** The metadata-only configuration last seen there, where that is the policy's baseline. */
  readonly baseline?: CompleteLoggingConfiguration;
  /** When drift was undone, youngest last; only as many as `isContest` looks at. */
  readonly undone: readonly EpochMs[];
  /** When people were told of what goes on there, first and last. */
  readonly told?: Told;
  /** Undoing failed, or it keeps coming back: since when, and when last. Gone once it is seen at the baseline, or an exception governs it. */
  readonly overdue?: { readonly since: EpochMs; readonly seenAt: EpochMs };
}

export type DriftPlan =
  | { readonly kind: 'leave'; readonly why: 'observe-only' | 'at-baseline' | 'leased' }
  /** Not readable: no change, and no silence either. */
  | { readonly kind: 'unreadable'; readonly says: string }
  /** First reading under `enforce`: what stands here now is saved. */
  | { readonly kind: 'begin'; readonly foreign?: SettingValue; readonly isLeased?: true }
  | { readonly kind: 'leave-foreign'; readonly foreign: Foreign }
  /** What was foreign is gone, or stores nothing any more. */
  | { readonly kind: 'foreign-gone' }
  | { readonly kind: 'undo'; readonly value: SettingValue; readonly isContest: boolean }
  /** `observe` again: a later `enforce` begins anew. */
  | { readonly kind: 'forget' };

/** Undone this often within `CONTEST_WITHIN_MS`: somebody, or some automation, keeps putting it back. */
export const CONTEST_ROUNDS = 2;
export const CONTEST_WITHIN_MS = 60 * 60_000;

/** Whether a value keeps content beyond what the policy's baseline does. A mode that AWS adds later does, until it is understood. */
export const keepsContent = (setting: SettingName, value: SettingValue): boolean =>
  setting === 'data-retention'
    ? (value as DataRetention).mode !== 'none'
    : storesContent(value as LoggingConfiguration);

/**
 * What to do about one setting.
 *
 * @param isLeased - a lease explains what is there, or is about to: `planPair` decides alone
 * @param enforced - what the state keeps; undefined before enforcement began
 */
export function planDrift(
  setting: SettingName,
  observed: Observation<SettingValue>,
  mode: Enforcement,
  enforced: EnforcedSetting | undefined,
  isLeased: boolean,
  now: EpochMs,
): DriftPlan {
  if (mode === 'observe')
    return enforced === undefined ? { kind: 'leave', why: 'observe-only' } : { kind: 'forget' };
  // Before the lease's Put, preflight read that nothing was on: what stands there afterwards came later, and is never foreign.
  if (isLeased)
    return enforced === undefined
      ? { kind: 'begin', isLeased: true }
      : enforced.foreign === undefined
        ? { kind: 'leave', why: 'leased' }
        : { kind: 'foreign-gone' };
  if (observed.kind === 'unobservable')
    return { kind: 'unreadable', says: observed.detail ?? observed.reason };
  // No mode at all is not `none`, but there is nothing that could be saved or compared either.
  if (observed.kind === 'absent' && setting === 'data-retention')
    return { kind: 'unreadable', says: 'AWS names no mode' };
  const kept =
    observed.kind === 'observed' && keepsContent(setting, observed.value) ? observed.value : undefined;
  if (enforced === undefined)
    return kept === undefined ? { kind: 'begin' } : { kind: 'begin', foreign: kept };
  const { foreign, undone } = enforced;
  if (kept === undefined)
    return foreign === undefined ? { kind: 'leave', why: 'at-baseline' } : { kind: 'foreign-gone' };
  // Word for word what was there when enforcement began; anything else is a change that came after.
  if (foreign !== undefined && canonicalJson(foreign.value) === canonicalJson(kept))
    return { kind: 'leave-foreign', foreign };
  const recent = undone.filter((at) => at > now - CONTEST_WITHIN_MS);
  return { kind: 'undo', value: kept, isContest: recent.length >= CONTEST_ROUNDS };
}
