import { expect, it } from 'vitest';
import { later, once } from '../../../src/adapters/aws/later.ts';

interface Port {
  add(first: number, second: number): Promise<number>;
  fail(): Promise<never>;
}

const adapter = (loaded: string[]): Port => {
  loaded.push('loaded');
  return {
    add: async (first, second) => first + second,
    fail: async () => {
      throw new Error('refused');
    },
  };
};

it('loads an adapter at the first call, once for all calls', async () => {
  const loaded: string[] = [];
  const port = later<Port>(async () => adapter(loaded));
  expect(loaded).toEqual([]);
  expect(await Promise.all([port.add(1, 2), port.add(3, 4)])).toEqual([3, 7]);
  await expect(port.fail()).rejects.toThrow('refused');
  expect(loaded).toEqual(['loaded']);
});

it('tries again after an adapter could not be loaded', async () => {
  const answers = [Promise.reject(new Error('no file')), Promise.resolve(1)];
  const make = once(() => answers.shift() ?? Promise.resolve(2));
  await expect(make()).rejects.toThrow('no file');
  expect(await make()).toBe(1);
  expect(await make()).toBe(1);
});

it('is no promise, and refuses to be spread: nothing of it would be left', async () => {
  const port = later<Port>(async () => adapter([]));
  expect(await Promise.resolve(port)).toBe(port);
  expect(() => ({ ...port })).toThrow('cannot be enumerated');
});
