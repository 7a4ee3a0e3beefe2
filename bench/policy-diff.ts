import { readFileSync } from 'node:fs';
import { comparePolicies, type PolicySide } from '../src/diff/index.ts';
import { type Control, type LoadedPolicy, parsePolicy } from '../src/policy/index.ts';
import { measure, type Suite, timed } from './measure.ts';

/** Five changes of the shipped policy: a limit, a role, a set, a condition, a severity. */
const FIVE_CHANGES: readonly (readonly [find: string, replace: string])[] = [
  ['retention: 14d', 'retention: 21d'],
  [
    `      - role: executive
        title: Executive Leadership
        source: [{ document: policy, section: 2 Executive Summary }]
`,
    '',
  ],
  ['modalities: [text, image, embedding, video, audio]', 'modalities: [text]'],
  [
    '{ fact: invocationLogging.audioDataDelivery, op: equal, value: disabled }',
    '{ fact: invocationLogging.audioDataDelivery, op: notEqual, value: enabled }',
  ],
  ['severity: high', 'severity: low'],
];

const TEXT = readFileSync(new URL('../policies/prompt-storage.yaml', import.meta.url), 'utf8');

function load(text: string): LoadedPolicy {
  const parsed = parsePolicy(text, 'prompt-storage.yaml');
  if (!parsed.ok) throw new Error(parsed.error.map(({ message }) => message).join('; '));
  return parsed.value;
}

function changesOf(old: PolicySide, next: PolicySide): number {
  const compared = comparePolicies(old, next);
  if (!compared.ok) throw new Error(compared.error.message);
  return compared.value.changes.length;
}

/** 500 controls of the size of CP-01, every one with a changed condition. */
function many(policy: LoadedPolicy, value: string): LoadedPolicy {
  const model = policy.policy.controls.find(({ id }) => id === 'CP-01');
  if (model === undefined) throw new Error('the shipped policy has no CP-01');
  const controls = Array.from(
    { length: 500 },
    (_, index): Control => ({
      ...model,
      id: `AA-${index + 1}`,
      require: {
        all: [
          model.require,
          { fact: 'dataRetention.mode', op: 'in', value: ['none', `mode-${index}`, value] },
        ],
      },
    }),
  );
  return { ...policy, policy: { ...policy.policy, controls } };
}

export const suite: Suite = {
  name: 'policy-diff',
  async run() {
    const old = load(TEXT);
    const text = FIVE_CHANGES.reduce((before, [find, replace]) => {
      if (!before.includes(find)) throw new Error(`the shipped policy holds no \`${find}\` to change`);
      return before.replace(find, replace);
    }, TEXT);
    const next = load(text);
    const [manyOld, manyNew] = [many(old, 'one'), many(old, 'other')];
    const once = (left: PolicySide, right: PolicySide, changes: number) => async () =>
      timed(() => {
        const found = changesOf(left, right);
        if (found !== changes) throw new Error(`expected ${changes} changes, found ${found}`);
      });
    return [
      await measure(
        'diff of the shipped policy with five changes',
        'ms',
        25,
        once({ policy: old }, { policy: next }, 5),
        'witnesses replayed; without reading the files',
      ),
      await measure('the same, both files read and validated first', 'ms', 25, async () =>
        timed(() => {
          changesOf({ policy: load(TEXT) }, { policy: load(text) });
        }),
      ),
      await measure(
        'diff of 500 controls, all changed',
        'ms',
        3,
        once({ policy: manyOld }, { policy: manyNew }, 500),
        'each with nine comparisons over nine facts',
      ),
    ];
  },
};
