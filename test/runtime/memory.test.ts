import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochMs } from '../../src/core/index.ts';
import { bench, machineOf } from './harness.ts';

const MACHINE = machineOf({
  StartAt: 'Both',
  States: {
    Both: {
      Type: 'Parallel',
      Branches: [
        {
          StartAt: 'Ask',
          States: {
            Ask: {
              Type: 'Task',
              Resource: 'arn:aws:states:::lambda:invoke',
              Parameters: { FunctionName: { 'Fn::GetAtt': ['ask', 'Arn'] }, 'Payload.$': '$' },
              Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 30, MaxAttempts: 1 }],
              End: true,
            },
          },
        },
        { StartAt: 'Rest', States: { Rest: { Type: 'Wait', Seconds: 20, End: true } } },
      ],
      ResultPath: null,
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'Wait' }],
      Next: 'Wait',
    },
    Wait: { Type: 'Wait', Seconds: 60, Next: 'Done' },
    Done: { Type: 'Succeed' },
  },
});

const stepArb = fc.oneof(
  fc.record({ kind: fc.constant('start' as const), name: fc.constantFrom('x', 'y') }),
  fc.record({ kind: fc.constant('stop' as const), name: fc.constantFrom('x', 'y') }),
  fc.record({ kind: fc.constant('redrive' as const), name: fc.constantFrom('x', 'y') }),
  fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 90 }) }),
  fc.record({ kind: fc.constant('fail' as const), at: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ kind: fc.constant('refuse' as const), times: fc.integer({ min: 1, max: 3 }) }),
);

describe('what the runtime remembers', () => {
  test.each([1, 4])(
    'is what a new runtime reads from the same database, also after steps that were undone (together: %i)',
    (together) =>
      fc.assert(
        fc.asyncProperty(fc.array(stepArb, { maxLength: 25 }), async (steps) => {
          let fuse = 0;
          const faults = (): void => {
            if (fuse > 0 && --fuse === 0) throw new Error('undone');
          };
          let refusals = 0;
          const handlers = {
            ask: async () => {
              if (refusals > 0 && refusals-- > 0) throw new Error('refused');
              return {};
            },
          };
          const { runtime, clock, database } = bench(MACHINE, { handlers, faults, together });
          for (const step of steps) {
            try {
              if (step.kind === 'start') await runtime.start({ machine: 'm', name: step.name, input: {} });
              else if (step.kind === 'stop') await runtime.stop('m', step.name);
              else if (step.kind === 'redrive') await runtime.redrive('m', step.name);
              else if (step.kind === 'fail') fuse = step.at;
              else if (step.kind === 'refuse') refusals = step.times;
              else {
                clock.advanceTo(epochMs(clock.now() + step.seconds * 1000));
                await runtime.runDue();
              }
            } catch (error) {
              expect(String(error)).toContain('undone');
            }
            const { runtime: fresh } = bench(MACHINE, { handlers, database });
            expect(runtime.nextDueAt()).toBe(fresh.nextDueAt());
            for (const name of ['x', 'y']) {
              expect(await runtime.status('m', name)).toBe(await fresh.status('m', name));
              expect(await runtime.describe('m', name)).toEqual(await fresh.describe('m', name));
              expect(await runtime.history('m', name)).toEqual(await fresh.history('m', name));
            }
          }
          // And it goes on from there.
          fuse = 0;
          for (let next = runtime.nextDueAt(); next !== undefined; next = runtime.nextDueAt()) {
            clock.advanceTo(epochMs(Math.max(next, clock.now())));
            await runtime.runDue();
          }
          expect(await runtime.list({ status: 'RUNNING' })).toEqual([]);
        }),
        { numRuns: 40 },
      ),
  );
});
