import { expect, test } from 'vitest';
import { type DomainEvent, epochMs, type Recorder } from '../../src/core/index.ts';
import { type Notification, notifyingRecorder, type Told } from '../../src/exceptions/index.ts';

/** A recorder and a notifier that write down what reaches them; the first `failures` notifications fail. */
function books(failures = 0): {
  readonly recorder: Recorder;
  readonly recorded: DomainEvent[];
  readonly told: Notification[];
} {
  const recorded: DomainEvent[] = [];
  const told: Notification[] = [];
  let left = failures;
  const services = {
    clock: { now: () => epochMs(0) },
    notifier: {
      notify: async (notification: Notification) => {
        if (left-- > 0) throw new Error('the channel is down');
        told.push(notification);
      },
    },
  } as unknown as Told;
  const recorder = notifyingRecorder({ record: async (event) => void recorded.push(event) }, () => services);
  return { recorder, recorded, told };
}

const FAULTS: DomainEvent = {
  type: 'sweep.faults',
  actor: { id: 'sweeper', kind: 'sweeper' },
  subject: 'sweep',
  data: { says: 'the sweep met faults' },
};

test('what this process recorded and told under a key is not asked about again', async () => {
  const { recorder, recorded, told } = books();
  for (const key of ['one', 'one', 'two']) await recorder.record({ ...FAULTS, key, at: epochMs(1) });
  expect(recorded.map(({ key }) => key)).toEqual(['one', 'two']);
  expect(told).toHaveLength(2);
});

test('an event without a key is another one every time', async () => {
  const { recorder, recorded, told } = books();
  await recorder.record(FAULTS);
  await recorder.record(FAULTS);
  expect([recorded.length, told.length]).toEqual([2, 2]);
});

test('an event of an outbox whose notification failed is told when the outbox is told again', async () => {
  const { recorder, told } = books(1);
  const event = { ...FAULTS, key: 'one', at: epochMs(1) };
  await expect(recorder.record(event)).rejects.toThrow('the channel is down');
  expect(told).toHaveLength(0);
  await recorder.record(event);
  expect(told).toHaveLength(1);
});
