import { beforeEach, expect } from 'vitest';
import { epochMs } from '../../src/core/index.ts';
import type { OneTimeSchedule, Schedules } from '../../src/enforcement/index.ts';
import { contractCases, type Gap } from './contract.ts';

let run = 0;

/** What one-time schedules do. */
export function schedulesContract(make: () => Promise<Schedules>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);
  let schedules: Schedules;
  let schedule: OneTimeSchedule;
  beforeEach(async () => {
    schedules = await make();
    schedule = {
      name: `off-ex-${String(++run).padStart(12, '0')}`,
      at: epochMs(Date.parse('2027-02-28T23:59:00Z')),
      target: 'deadMansSwitch',
      payload: { exceptionId: 'ex-1', baseline: { kind: 'none' }, text: 'ü "quoted" <x>', at: 7 },
    };
  });

  test('reads back exactly what was created', async () => {
    await schedules.create(schedule);
    expect(await schedules.get(schedule.name)).toEqual(schedule);
  });

  test('creating the same one again succeeds', async () => {
    await schedules.create(schedule);
    await schedules.create({
      ...schedule,
      payload: Object.fromEntries(Object.entries(schedule.payload).reverse()),
    });
    expect(await schedules.get(schedule.name)).toEqual(schedule);
  });

  test('another one under the same name is refused, and the first stays', async () => {
    await schedules.create(schedule);
    const later = { ...schedule, at: epochMs(schedule.at + 60_000) };
    await expect(schedules.create(later)).rejects.toMatchObject({ name: 'Aws.validation' });
    expect(await schedules.get(schedule.name)).toEqual(schedule);
  });

  test('a time that is not a whole minute is refused', async () => {
    const between = { ...schedule, at: epochMs(schedule.at + 1) };
    await expect(schedules.create(between)).rejects.toMatchObject({
      name: 'Aws.validation',
      mayHaveHappened: false,
    });
    expect(await schedules.get(schedule.name)).toBeUndefined();
  });

  test('is gone after it was deleted, once or twice', async () => {
    await schedules.create(schedule);
    await schedules.delete(schedule.name);
    await schedules.delete(schedule.name);
    expect(await schedules.get(schedule.name)).toBeUndefined();
  });
}
