import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { displayWidth } from '../../src/cli/terminal/index.ts';
import { SURFACE_NAMES } from '../../src/rules/index.ts';
import { run } from './harness.ts';

const EXAMPLE = ['inventory', '--snapshot', 'examples/organization'];

/** Accounts and Regions of the example: 12 accounts in 3 Regions, and 14 more of one account. */
const PLACES = 12 * 3 + 14;

describe('the inventory', () => {
  it('has one row for every account, Region and kind of place, as JSON', async () => {
    const { exitCode, stdout } = await run([...EXAMPLE, '--format', 'json']);
    // Of one account nothing could be seen.
    expect(exitCode).toBe(EXIT.undecided);
    const { kind, rows } = JSON.parse(stdout) as { kind: string; rows: readonly Record<string, unknown>[] };
    expect(kind).toBe('Inventory');
    expect(rows).toHaveLength(PLACES * SURFACE_NAMES.length);
    const of = (accountId: string, region: string, surface: string) =>
      rows.find(
        (row) => row['accountId'] === accountId && row['region'] === region && row['surface'] === surface,
      );
    expect(of('888888888888', 'eu-central-1', 'batch outputs')).toMatchObject({
      canHold: 'yes',
      keptFor: ['for ever'],
      key: ['a key of AWS'],
    });
    expect(of('777777777777', 'eu-central-1', 'invocation logging')).toMatchObject({
      canHold: 'no',
      seen: ['it is metadata-only'],
    });
    expect(of('888888888888', 'us-east-1', 'log groups')).toMatchObject({ canHold: 'unknown' });
    expect(of('444444444444', 'eu-west-1', 'bedrock-mantle retention')).toMatchObject({
      canHold: 'not-offered',
    });
    expect(of('131313131313', 'us-east-1', 'sessions')).toMatchObject({ canHold: 'unknown' });
  });

  it('says what it does not know: Regions that an account can use and nobody asked, and lists that were not seen', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'proviso-test-'));
    try {
      await cp('examples/organization', dir, { recursive: true });
      const file = join(dir, 'accounts/444444444444/account.json');
      const json = JSON.parse(await readFile(file, 'utf8')) as { sections: object };
      const regions = {
        kind: 'observed',
        at: '2026-11-20T08:00:00Z',
        source: { call: 'account:ListRegions' },
        value: [
          { region: 'us-east-1', optStatus: 'ENABLED_BY_DEFAULT' },
          { region: 'ap-south-1', optStatus: 'ENABLED_BY_DEFAULT' },
          { region: 'af-south-1', optStatus: 'DISABLED' },
        ],
      };
      await writeFile(file, JSON.stringify({ ...json, sections: { ...json.sections, regions } }));
      const { stdout, stderr, exitCode } = await run(['inventory', '--snapshot', dir]);
      expect(exitCode).toBe(EXIT.undecided);
      expect(stdout).toContain(
        '444444444444 ap-south-1 (incident-response)\n  nothing could be seen: nobody asked\n',
      );
      expect(stdout).not.toContain('af-south-1');
      expect(stderr.replace(/\s+/g, ' ')).toContain(
        'which other Regions 9 accounts can use was not seen: content there is not in this inventory',
      );
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  it('fits a terminal', async () => {
    const { stdout } = await run(EXAMPLE);
    for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    expect(stdout).toContain('research-lab');
  });

  it('is a table for a spreadsheet, every row', async () => {
    const { stdout } = await run([...EXAMPLE, '--format', 'csv']);
    const lines = stdout.trimEnd().split('\r\n');
    expect(lines).toHaveLength(1 + PLACES * SURFACE_NAMES.length);
    expect(lines[0]).toBe(
      '"account","account_name","region","surface","can_hold_content","seen","writer","kept_for","key","covered_by"',
    );
  });
});
