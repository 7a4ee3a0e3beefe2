import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../core/index.ts';
import type { ChangeTrail, Pair, SettingChange, SettingName } from '../../../enforcement/index.ts';
import { readDocument, writeDocument } from './database.ts';
import { EVENT_DELAY_MS } from './event-rules.ts';
import { withFaults } from './faults.ts';
import { unobservable } from './settings.ts';

const LOOKUP = 'cloudtrail:LookupEvents';
/** Of one account and Region; AWS keeps 90 days. */
const KEPT = 100;

const nameOf = ({ accountId, region }: Pair): string => `trail/${accountId}/${region}`;
const isAbout = (setting: SettingName, call: string): boolean =>
  (setting === 'invocation-logging') === call.includes('ModelInvocationLogging');

/** CloudTrail's event history: on in every account, and as late as its events. */
export function embeddedTrail(database: DatabaseSync, clock: Clock): ChangeTrail & EmbeddedTrail {
  return {
    async whoChanged(pair, setting, since) {
      const source = { call: LOOKUP, ...pair };
      try {
        const all = withFaults(
          database,
          LOOKUP,
          pair,
          () => readDocument<SettingChange[]>(database, nameOf(pair)) ?? [],
        );
        const at = clock.now();
        const value = all.filter(
          (each) => each.at >= since && each.at <= at - EVENT_DELAY_MS && isAbout(setting, each.call),
        );
        return { kind: 'observed', value, at, source };
      } catch (error) {
        return unobservable(error, source);
      }
    },
    called(pair, call, by) {
      const all = readDocument<SettingChange[]>(database, nameOf(pair)) ?? [];
      writeDocument(database, nameOf(pair), [...all, { at: clock.now(), by, call }].slice(-KEPT));
    },
  };
}

export interface EmbeddedTrail {
  /** A write call that succeeded. */
  called(pair: Pair, call: string, by: string): void;
}
