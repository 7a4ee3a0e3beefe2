import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createState, openState } from '../../../src/compose.ts';
import { BEGINS, ENDS, START, simulate, smallEstate } from '../../simulation/harness.ts';

const eventsOf = (directory: string) => join(directory, 'events.ndjson');

describe('one writer at a time', () => {
  test('a second process on the same directory is told that it is busy, and changes nothing', () =>
    simulate(async (s) => {
      const before = readFileSync(eventsOf(s.directory), 'utf8');
      const script = `
        import { openState } from ${JSON.stringify(join(import.meta.dirname, '../../../src/compose.ts'))};
        const opened = openState(${JSON.stringify(s.directory)});
        process.stdout.write(JSON.stringify(opened.ok ? 'opened' : opened.error));`;
      const child = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
        encoding: 'utf8',
      });
      expect(child.status, child.stderr).toBe(0);
      expect(JSON.parse(child.stdout)).toMatchObject({
        code: 'busy',
        remedy: expect.stringContaining('wait'),
      });
      expect(readFileSync(eventsOf(s.directory), 'utf8')).toBe(before);
    }));

  test('the directory is free again once the first has closed it', () =>
    simulate(async (s) => {
      expect(openState(s.directory)).toMatchObject({ ok: false, error: { code: 'busy' } });
      s.shut();
      const second = openState(s.directory);
      expect(second.ok).toBe(true);
      if (second.ok) second.value.close();
      s.reopen();
    }));
});

describe('the record of events', () => {
  test('a torn last line was never acknowledged: it is cut off, and the numbers go on without a gap', () =>
    simulate(async (s) => {
      await s.request();
      const before = s.events().length;
      s.shut();
      appendFileSync(eventsOf(s.directory), '{"seq":99,"type":"exception.clo');
      s.reopen();
      expect(s.events()).toHaveLength(before);
      await s.request({ reference: 'INC-2' });
      expect(s.events().map(({ seq }) => seq)).toEqual(s.events().map((_event, index) => index + 1));
      s.reopen();
      expect(s.events().at(-1)?.seq).toBe(s.events().length);
    }));

  test.each([
    ['is not JSON', (lines: string[]) => lines.with(1, '{"seq":2,'), 2],
    ['was taken out', (lines: string[]) => lines.toSpliced(1, 1), 2],
    ['stands twice', (lines: string[]) => lines.toSpliced(1, 0, lines[0] ?? ''), 2],
    [
      'has no time',
      (lines: string[]) => lines.with(2, (lines[2] ?? '').replace(/"at":"[^"]*"/, '"at":"x"')),
      3,
    ],
  ] as const)(
    'a line in the middle that %s is said with file and line, and what happens is recorded beside it',
    (_name, damage, line) =>
      simulate(async (s) => {
        await s.request();
        s.shut();
        const file = eventsOf(s.directory);
        const text = readFileSync(file, 'utf8');
        writeFileSync(file, damage(text.trimEnd().split('\n')).join('\n').concat('\n'));
        const opened = openState(s.directory);
        if (!opened.ok) throw new Error(opened.error.message);
        expect(opened.value.recordFault).toMatchObject({ code: 'damaged' });
        expect(opened.value.recordFault?.message).toContain(`${file}:${line}`);
        opened.value.close();
        writeFileSync(file, text);
        s.reopen();
      }),
  );
});

describe('a state directory that lost a part of itself', () => {
  test.each([
    ['state.sqlite', 'missing', (file: string) => rmSync(file)],
    ['state.sqlite', 'empty', (file: string) => writeFileSync(file, '')],
    ['aws.sqlite', 'missing', (file: string) => rmSync(file)],
    ['aws.sqlite', 'random bytes', (file: string) => writeFileSync(file, 'x'.repeat(9000))],
  ] as const)('%s %s: damaged, never made anew', (name, _how, damage) =>
    simulate(async (s) => {
      await s.active();
      s.shut();
      const file = join(s.directory, name);
      const before = readFileSync(file);
      damage(file);
      expect(openState(s.directory)).toMatchObject({ ok: false, error: { code: 'damaged' } });
      writeFileSync(file, before);
      s.reopen();
    }),
  );

  test.each([
    ['a damaged record', (file: string) => writeFileSync(file, '{{{\n')],
    ['a lost record', (file: string) => rmSync(file)],
  ] as const)('%s keeps nothing on: what ends goes on ending, recorded beside it', (_name, damage) =>
    simulate(async (s) => {
      await s.active();
      s.shut();
      damage(eventsOf(s.directory));
      s.reopen();
      await s.advanceTo(ENDS + 15 * 60_000);
      expect(s.isOn()).toBe(false);
      expect(s.events('exception.off')).toHaveLength(1);
    }),
  );
});

describe('a new state directory', () => {
  const peopleFile = (directory: string) => join(directory, 'people.yaml');

  test('is there whole or not at all, and is never made over another', () =>
    simulate(async (s) => {
      const fresh = join(s.directory, '..', 'fresh');
      const state = {
        directory: fresh,
        mode: 'simulated',
        snapshot: smallEstate(),
        peopleFile: peopleFile(s.directory),
        startsAt: START,
      } as const;
      await expect(createState({ ...state, peopleFile: '/nowhere/people.yaml' })).rejects.toThrow();
      expect(existsSync(fresh)).toBe(false);
      expect(readdirSync(join(s.directory, '..'))).toEqual(['state']);
      expect(await createState(state)).toEqual({ ok: true, value: undefined });
      expect(await createState(state)).toMatchObject({ ok: false, error: { code: 'exists' } });
      rmSync(fresh, { recursive: true });
    }));

  test.each([
    ['is missing', undefined, 'missing'],
    ['is not JSON', '{', 'damaged'],
    [
      'is of a later version',
      '{"kind":"State","schemaVersion":2,"mode":"simulated","createdAt":"x"}',
      'damaged',
    ],
  ] as const)('whose description %s is refused', (_name, text, code) =>
    simulate(async (s) => {
      s.shut();
      const file = join(s.directory, 'state.json');
      const before = readFileSync(file, 'utf8');
      if (text === undefined) rmSync(file);
      else writeFileSync(file, text);
      expect(openState(s.directory)).toMatchObject({ ok: false, error: { code } });
      writeFileSync(file, before);
      s.reopen();
    }),
  );
});

test('a restart keeps clock, waiting approvals and timers', () =>
  simulate(async (s) => {
    const id = await s.request();
    await s.advance(1000);
    s.reopen();
    expect(s.now()).toBe(START + 1000);
    await s.approve(id);
    s.reopen();
    await s.advanceTo(BEGINS);
    expect((await s.record(id)).state).toBe('active');
  }));
