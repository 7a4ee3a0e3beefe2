import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  describeState,
  EXCEPTION_STATES,
  type ExceptionState,
  isTerminal,
  LIFECYCLE,
  type LifecycleEvent,
  nextState,
  TERMINAL_STATES,
} from '../../src/exceptions/index.ts';

const EVENTS = Object.keys(LIFECYCLE) as LifecycleEvent[];

const reachable = (from: ExceptionState): ReadonlySet<ExceptionState> => {
  const seen = new Set<ExceptionState>([from]);
  for (const state of seen) {
    for (const event of EVENTS) {
      const next = nextState(state, event);
      if (next.ok) seen.add(next.value);
    }
  }
  return seen;
};

describe('the life of an exception', () => {
  test('reaches every state from its submission', () => {
    expect([...reachable('submitted')].sort()).toEqual([...EXCEPTION_STATES].sort());
  });
  test.each(TERMINAL_STATES)('never leaves `%s`', (state) => {
    expect(EVENTS.filter((event) => nextState(state, event).ok)).toEqual([]);
  });
  test.each(EXCEPTION_STATES.filter((state) => !isTerminal(state)))('can end from `%s`', (state) => {
    expect([...reachable(state)].some(isTerminal)).toBe(true);
  });
  test.each(['active', 'ending', 'draining', 'purging'] as const)(
    'INVARIANT (PURGE_PROVEN): from `%s` ends only closed or closed-unproven, and never goes back to before',
    (state) => {
      const after = reachable(state);
      expect([...after].filter(isTerminal).sort()).toEqual(['closed', 'closed-unproven']);
      for (const before of ['submitted', 'approved', 'scheduled', 'preflight'] as const)
        expect(after.has(before)).toBe(false);
    },
  );
  test('INVARIANT (HARD_END): nothing leads back to active', () => {
    for (const state of ['ending', 'draining', 'purging', 'closed'] as const)
      expect(reachable(state).has('active')).toBe(false);
    expect(EVENTS.filter((event) => LIFECYCLE[event].to === 'active')).toEqual(['enable']);
  });
  test('becomes active only through an approval, a reserved window and a preflight, in this order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 20 }), (events) => {
        let state: ExceptionState = 'submitted';
        const path: LifecycleEvent[] = [];
        for (const event of events) {
          const next = nextState(state, event);
          if (!next.ok) continue;
          state = next.value;
          path.push(event);
          if (event === 'enable')
            expect(path.slice(path.lastIndexOf('ask-again') + 1).join()).toMatch(
              /^approve,reserve,(begin-preflight,)+enable/,
            );
        }
      }),
      { numRuns: 3000 },
    );
  });
  test('says of every row who raises it, under which condition and where the rule comes from', () => {
    for (const row of Object.values(LIFECYCLE)) {
      for (const text of [row.guard, row.source, row.by]) expect(text.length).toBeGreaterThan(3);
      expect(row.from.length).toBeGreaterThan(0);
    }
  });
  test('has words for every state, each its own', () => {
    expect(new Set(EXCEPTION_STATES.map(describeState)).size).toBe(EXCEPTION_STATES.length);
  });
  test('refuses with the present state in words', () => {
    expect(nextState('closed', 'enable')).toMatchObject({
      ok: false,
      error: { code: 'STATE_REFUSES', message: expect.stringContaining('closed') },
    });
  });
});
