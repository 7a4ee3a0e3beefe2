import { epochMs } from '../src/core/index.ts';
import type { Control } from '../src/policy/index.ts';
import { evaluateControl, evaluateControls, type FactSet } from '../src/rules/index.ts';
import { measure, type Suite, timed } from './measure.ts';

/** 20 rules of 4 conditions over the facts of one account and Region, as the toolchain comparison of engines used. */
const FLAGS = [
  'textDataDelivery',
  'imageDataDelivery',
  'embeddingDataDelivery',
  'videoDataDelivery',
  'audioDataDelivery',
] as const;
const controls = Array.from({ length: 20 }, (_, index) => ({
  id: `CP-${String(index + 1).padStart(2, '0')}`,
  require: {
    all: [
      { fact: `invocationLogging.${FLAGS[index % 5]}`, op: 'equal', value: 'disabled' },
      { fact: 'account.state', op: 'notIn', value: ['SUSPENDED', 'CLOSED'] },
      {
        any: [
          { fact: 'dataRetention.mode', op: 'equal', value: 'none' },
          { not: { fact: 'account.isManagementAccount', op: 'equal', value: true } },
        ],
      },
    ],
  },
})) as unknown as Pick<Control, 'id' | 'require'>[];

const source = { call: 'bench' };
const observed = (value: string | boolean) => ({ kind: 'observed' as const, value, at: epochMs(0), source });
const factSets = Array.from(
  { length: 1000 },
  (_, index): FactSet => ({
    'account.state': observed('ACTIVE'),
    'account.isManagementAccount': observed(index % 7 === 0),
    'dataRetention.mode': observed(index % 3 === 0 ? 'none' : 'default'),
    'invocationLogging.textDataDelivery': observed(index % 2 === 0 ? 'disabled' : 'enabled'),
    'invocationLogging.imageDataDelivery': observed('disabled'),
    'invocationLogging.embeddingDataDelivery': observed('disabled'),
    'invocationLogging.videoDataDelivery': { kind: 'unobservable', reason: 'access-denied' },
    'invocationLogging.audioDataDelivery': observed('unset'),
  }),
);

export const suite: Suite = {
  name: 'rules',
  async run() {
    return [
      await measure(
        'explained evaluations, synchronous evaluator',
        'control evaluations/s',
        7,
        async () => {
          let verdicts = 0;
          const ms = await timed(() => {
            for (const facts of factSets)
              for (const control of controls)
                verdicts += evaluateControl(control, facts).outcome === 'compliant' ? 1 : 1;
          });
          return (verdicts / ms) * 1000;
        },
        '20 rules of 4 conditions; every condition explained',
      ),
      await measure(
        'explained evaluations, json-rules-engine path',
        'control evaluations/s',
        5,
        async () => {
          // Small batches stay on the json-rules-engine path: the chooser takes it up to 64 evaluations.
          const batch = factSets.slice(0, 60);
          const ms = await timed(async () => {
            for (const facts of batch) await evaluateControls(controls.slice(0, 1), [facts]);
          });
          return (batch.length / ms) * 1000;
        },
        'the baseline of the same run: one control and fact set a time, a new engine each',
      ),
    ];
  },
};
