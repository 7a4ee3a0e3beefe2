import { type EpochMs, formatInstant, MINUTE } from '../core/index.ts';
import { type Check, checkOf } from './types.ts';

/** A state directory as it stands; nothing was fired to look at it. */
export interface StateDirectory {
  readonly now: EpochMs;
  /** Real time, whatever the clock of the state says. */
  readonly wallClock: EpochMs;
  readonly mode: 'simulated' | 'embedded';
  /** What of the record is damaged or lost; undefined when it is whole. */
  readonly recordFault: string | undefined;
  readonly hasPolicy: boolean;
  /** How many are active, or what is wrong with the file. */
  readonly people: number | { readonly fault: string };
  readonly overdue: readonly { readonly id: string; readonly minutes: number }[];
  /** When the next timer is or was due. */
  readonly nextDueAt: EpochMs | undefined;
}

export function stateChecks(state: StateDirectory): readonly Check[] {
  const late = state.nextDueAt === undefined ? 0 : state.now - state.nextDueAt;
  const always = { kind: 'seen', value: undefined } as const;
  return [
    { id: 'writer lock', outcome: 'ok', found: 'free: no other process uses the directory' },
    checkOf(
      {
        id: 'clock',
        means: 'nothing ends by itself: this clock stands still until it is moved',
        todo: '`proviso clock advance`; for real exceptions create a state with `--mode embedded`',
      },
      always,
      () =>
        state.mode === 'simulated'
          ? `simulated, at ${formatInstant(state.now)}; it moves by \`clock advance\` alone`
          : `the machine’s, at ${formatInstant(state.wallClock)}`,
    ),
    checkOf(
      {
        id: 'record',
        means: 'what happened before cannot be proven; what ends goes on ending',
        todo: 'restore events.ndjson from a backup',
      },
      always,
      () => (state.recordFault === undefined ? 'whole' : { not: state.recordFault }),
    ),
    checkOf(
      { id: 'policy', means: 'nothing can be requested', todo: '`proviso policy adopt --as ID`' },
      always,
      () => (state.hasPolicy ? 'one is in force' : { not: 'none is in force' }),
    ),
    checkOf(
      { id: 'people', means: 'nobody can ask or decide', todo: 'mend people.yaml of the state directory' },
      always,
      () => {
        if (typeof state.people !== 'number') return { not: state.people.fault };
        return state.people > 0 ? `${state.people} active` : { not: 'nobody is active' };
      },
    ),
    checkOf(
      {
        id: 'overdue',
        means: 'content is taken as stored after its end',
        todo: '`proviso exception status`, then docs/runbooks/overdue.md',
      },
      always,
      () =>
        state.overdue.length === 0
          ? 'nothing'
          : { not: state.overdue.map(({ id, minutes }) => `${id}: ${minutes} minutes`).join('; ') },
    ),
    checkOf(
      {
        id: 'timers',
        means: 'nothing has done what was due: between commands only `proviso run` or `serve` does it',
        todo: 'run any command on the state, or keep `proviso run` up',
      },
      always,
      () =>
        late > MINUTE
          ? { not: `due since ${formatInstant(state.nextDueAt as EpochMs)}` }
          : state.nextDueAt === undefined
            ? { unknown: 'nothing is due ever, not even a sweep' }
            : `next at ${formatInstant(state.nextDueAt)}`,
    ),
  ];
}
