import { beforeEach, expect } from 'vitest';
import type { Executions } from '../../src/exceptions/index.ts';
import { contractCases, type Gap } from './contract.ts';

let run = 0;

/** What a workflow service does. @param make - its `exception` machine must run for longer than a test */
export function executionsContract(make: () => Promise<Executions>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);
  let executions: Executions;
  let name: string;
  beforeEach(async () => {
    executions = await make();
    name = `ex-${String(++run).padStart(12, '0')}`;
  });

  test('an execution that was started is running', async () => {
    expect(await executions.start('exception', name, { exceptionId: name })).toBe('started');
    expect(await executions.status('exception', name)).toBe('RUNNING');
  });

  test('a name is started once', async () => {
    await executions.start('exception', name, { exceptionId: name });
    expect(await executions.start('exception', name, { exceptionId: name })).toBe('already-exists');
    expect(await executions.start('exception', name, { exceptionId: 'another input' })).toBe(
      'already-exists',
    );
  });

  test('one that was never started has no status, also if another machine has one of its name', async () => {
    await executions.start('exception', name, { exceptionId: name });
    expect(await executions.status('ending', name)).toBeUndefined();
    expect(await executions.status('exception', `${name}-none`)).toBeUndefined();
  });

  test('a token that nobody waits for is gone', async () => {
    expect(await executions.wake('AAAA-not-a-token')).toBe('gone');
  });
}
