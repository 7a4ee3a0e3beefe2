import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ALL_OFF, BUCKET, ENDS, HOUR_MS, MINUTE_MS, policyText, simulate } from '../simulation/harness.ts';

/* The cases D34 to D42 that concern exceptions and are not tested elsewhere (docs/failure-cases.md), each under its number. */

const OURS = [
  'bedrock:GetModelInvocationLoggingConfiguration',
  'bedrock:DeleteModelInvocationLoggingConfiguration',
] as const;

test('D34: an account suspended in mid-lease, where nothing can be called any more: overdue is said, and it never counts as ended', () =>
  simulate(async (s) => {
    const id = await s.active();
    s.changeAccount({ state: 'SUSPENDED' });
    for (const operation of OURS) s.fault({ operation, kind: 'deny', times: 10_000 });
    await s.advanceTo(ENDS + 6 * HOUR_MS);
    expect((await s.record(id)).state).toBe('ending');
    expect((await s.lease(id)).offAt).toBeUndefined();
    expect(s.events('exception.overdue').length).toBeGreaterThan(0);
    s.changeAccount({ state: 'ACTIVE' });
    s.clearFaults();
    await s.advance(HOUR_MS);
    expect(s.isOn()).toBe(false);
  }));

const METADATA = { ...ALL_OFF, s3Config: { bucketName: BUCKET, keyPrefix: 'metadata/' } };

test.each([
  ['stricter: its lease returns to nothing', 'r-ex01', 'ou-ex01-product01'],
  ['looser: its lease returns to what it carried', 'ou-ex01-product01', 'r-ex01'],
] as const)('D35: an account moved in mid-lease to a unit whose baseline is %s', (_, from, to) =>
  simulate(
    async (s) => {
      s.changeAccount({ parentId: from });
      // Metadata-only where the policy's own baseline is that, nothing where the unit says so.
      if (from === 'r-ex01') s.somebodyPuts(METADATA);
      const id = await s.active();
      expect((await s.lease(id)).baseline.kind).toBe(from === 'r-ex01' ? 'metadata-only' : 'none');
      s.changeAccount({ parentId: to });
      await s.advance(20 * MINUTE_MS);
      expect(s.isOn()).toBe(true);
      expect(s.events('exception.moved').map(({ data }) => data['effect'])).toEqual(['stands']);
      expect((await s.lease(id)).baseline.kind).toBe('none');
      await s.advanceTo(ENDS + HOUR_MS);
      expect(s.setting()).toBeUndefined();
      expect((await s.lease(id)).expiresAt).toBe(ENDS);
    },
    {
      policy: policyText(
        ['  baseline: none\n', '  baseline: metadata-only\n'],
        [
          '  overrides: []\n',
          '  overrides: [{ organizationalUnit: ou-ex01-product01, baseline: none, reason: stricter }]\n',
        ],
      ),
    },
  ),
);

test('D35: an account that leaves the organization in mid-lease is not under the policy any more: switched off at once', () =>
  simulate(async (s) => {
    const id = await s.active();
    s.removeAccount();
    await s.advance(20 * MINUTE_MS);
    expect(s.isOn()).toBe(false);
    expect(s.events('exception.moved').map(({ data }) => data['effect'])).toEqual(['switched-off']);
    expect((await s.lease(id)).revoked).toBeDefined();
  }));

test('D42: neither events nor the workflows’ histories hold what was said in a prompt, nor a token', () =>
  simulate(async (s) => {
    await s.active();
    await s.advanceTo(ENDS + HOUR_MS);
    const told = JSON.stringify(s.events());
    const histories: unknown[] = [];
    for (const { machine, name } of await s.state.runtime.list())
      histories.push(await s.state.runtime.history(machine, name));
    const text = told + JSON.stringify(histories);
    expect(text.length).toBeGreaterThan(1000);
    expect(text).not.toContain('CANARY');
    // A token is 64 characters of [0-9a-z]; hashes are as long, and hexadecimal.
    const long = text.match(/\b[0-9a-z]{64}\b/g) ?? [];
    expect(long.filter((word) => !/^[0-9a-f]{64}$/.test(word))).toEqual([]);
  }));

test('D42: as deployed, Step Functions logs no execution data, and what is traced is AWS’s own: names, times and faults', () => {
  const read = (file: string) => readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
  expect(read('serverless.yml') + read('scripts/deployment.ts')).not.toMatch(/includeExecutionData: *true/i);
  // Only the X-Ray SDK could put words of ours, or of a caller, into a segment.
  expect(read('package-lock.json')).not.toMatch(/xray|powertools\/tracer/);
});
