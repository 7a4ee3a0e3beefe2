import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSnapshot } from '../../src/adapters/files/index.ts';
import type { ExceptionState } from '../../src/exceptions/index.ts';
import { listExceptions, listLeaseRows } from '../../src/exceptions/index.ts';
import { checkSnapshot } from '../../src/rules/index.ts';
import { ENDS, LONG_AFTER, loadPolicy, Simulation } from '../simulation/harness.ts';
import { unpack } from './pack.ts';

/* What every release wrote, read by the code of today (README.md beside). */

const VERSIONS = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

async function recorded(
  version: string,
  stage: string,
  look: (s: Simulation) => Promise<void>,
): Promise<void> {
  const directory = join(mkdtempSync(join(tmpdir(), 'proviso-history-')), 'state');
  mkdirSync(directory);
  unpack(join(import.meta.dirname, version, `${stage}.json.gz`), directory);
  const s = Simulation.open(directory);
  try {
    await look(s);
  } finally {
    s.close();
  }
}

test('at least one release is recorded', () => {
  expect(VERSIONS.length).toBeGreaterThan(0);
});

describe.each(VERSIONS)('C24: what version %s wrote is read, and goes on', (version) => {
  // How it stood when it was recorded, and how it must end when nobody does anything more.
  test.each<[string, ExceptionState, ExceptionState]>([
    ['submitted', 'submitted', 'expired'],
    ['scheduled', 'scheduled', 'closed'],
    ['active', 'active', 'closed'],
    ['ending', 'ending', 'closed'],
    ['purging', 'purging', 'closed'],
    ['contested', 'purging', 'purging'],
    ['closed', 'closed', 'closed'],
  ])('an exception that was %s', (stage, before, after) =>
    recorded(version, stage, async (s) => {
      const [stored] = await listExceptions(s.state.services.store);
      if (stored === undefined) throw new Error('the exception is gone');
      const { id } = stored.value;
      expect(stored.value.state).toBe(before);
      const told = s.events();
      expect(told.map(({ seq }) => seq)).toEqual(told.map((_, index) => index + 1));
      expect(told.length).toBeGreaterThan(3);

      await s.advanceTo(LONG_AFTER + 4 * 86_400_000);
      expect((await s.record(id)).state).toBe(after);
      expect(s.isOn()).toBe(false);
      expect(s.contentOf(id)).toBe(0);
      for (const { value } of await listLeaseRows(s.state.services.store))
        for (const lease of value.leases) expect(lease.expiresAt).toBe(ENDS);
      if (after === 'closed') expect(s.certificates()).toHaveLength(1);
    }),
  );

  test('a snapshot', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'proviso-history-'));
    try {
      unpack(join(import.meta.dirname, version, 'snapshot.json.gz'), directory);
      const snapshot = await readSnapshot(directory);
      if (!snapshot.ok) throw new Error('it does not read');
      const checked = await checkSnapshot({
        policy: loadPolicy(),
        snapshot: snapshot.value,
        now: snapshot.value.takenAt,
        coverage: () => undefined,
      });
      expect(checked.findings.length).toBeGreaterThan(10);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
