import { expect, test } from 'vitest';
import { keepToken, wakeDecided } from '../../src/enforcement/index.ts';
import { simulate } from '../simulation/harness.ts';

test('a token that was answered is not tried again; a later wait of the same role is', () =>
  simulate(async (s) => {
    const id = await s.request();
    const { services } = s.state;
    const { executions } = services;
    const tried: string[] = [];
    Object.assign(services, {
      executions: {
        ...executions,
        wake: (token: string) => {
          tried.push(token);
          return executions.wake(token);
        },
      },
    });
    await s.approve(id);
    expect(tried).toHaveLength(3);
    expect(await wakeDecided(services, id)).toBe(0);
    expect(tried).toHaveLength(3);
    await keepToken(services, id, 'legal', 'of-a-later-wait');
    await wakeDecided(services, id);
    expect(tried.slice(3)).toEqual(['of-a-later-wait']);
  }));
