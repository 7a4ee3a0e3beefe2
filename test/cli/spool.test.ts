import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { Spool } from '../../src/cli/report/spool.ts';

const ours = () => readdirSync(tmpdir()).filter((name) => name.startsWith('proviso-check-'));
const whole = (spool: Spool, list: string) => [...spool.pieces(list)].join('');

describe('the findings of a large check', () => {
  test('come out list by list as they went in, beyond what is kept in memory too', () => {
    const spool = new Spool();
    const before = ours();
    // Three bytes a character, so that pieces of a file end within one.
    const text = (list: string, index: number) => `${list}${index}${'\u20ac'.repeat(99_991)}\n`;
    const lists = ['CP-02', 'CP-01', 'RB-01'];
    const expected = new Map(lists.map((list) => [list, '']));
    for (let index = 0; index < 70; index++)
      for (const list of lists) {
        spool.add(list, text(list, index));
        expected.set(list, `${expected.get(list)}${text(list, index)}`);
      }
    const made = ours().filter((name) => !before.includes(name));
    expect(made).not.toEqual([]);
    for (const list of lists) expect(whole(spool, list) === expected.get(list), list).toBe(true);
    expect(whole(spool, 'never added')).toBe('');
    spool.close();
    expect(ours().filter((name) => made.includes(name))).toEqual([]);
  });
});
