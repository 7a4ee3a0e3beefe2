import { createHash, createPublicKey, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { canonicalJson, epochMs, formatInstant } from '../../src/core/index.ts';
import { closeWithCertificate } from '../../src/enforcement/index.ts';
import type { SignedCertificate } from '../../src/exceptions/index.ts';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  LONG_AFTER,
  type Simulation,
  SOMEBODYS,
  simulate,
} from '../simulation/harness.ts';

function savedCertificates(s: Simulation): SignedCertificate[] {
  const directory = join(s.directory, 'certificates');
  return readdirSync(directory).map(
    (name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as SignedCertificate,
  );
}

describe('the certificate of an exception', () => {
  test('states settings, times, counts and both listings, and what it does not prove', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(LONG_AFTER);
      const [certificate] = savedCertificates(s);
      const record = await s.record(id);
      expect(certificate?.statementHash).toBe(record.certificate?.hash);
      expect(certificate?.statement).toMatchObject({
        kind: 'CertificateOfClosure',
        exceptionId: id,
        outcome: 'closed',
        requestHash: record.requestHash,
        approvals: [
          { principalId: 'lena', role: 'legal' },
          { principalId: 'priya', role: 'security' },
          { principalId: 'omar', role: 'executive' },
        ],
        settings: { before: 'not configured', after: 'not configured', baseline: { kind: 'none' } },
        times: {
          startsAt: formatInstant(BEGINS),
          enabledAt: formatInstant(BEGINS),
          expiresAt: formatInstant(ENDS),
          offReadBackAt: formatInstant(ENDS),
          revokedAt: null,
          drainedUntil: formatInstant(epochMs(ENDS + HOUR_MS)),
          purgedAt: formatInstant(epochMs(ENDS + HOUR_MS)),
        },
        minutesOverdue: 0,
        purgeWithinRetention: true,
        purged: { versions: 1, uploads: 0 },
      });
      const listings = certificate?.statement['listings'] as readonly { at: string; locations: string[] }[];
      expect(Date.parse(listings[1]?.at ?? '') - Date.parse(listings[0]?.at ?? '')).toBeGreaterThanOrEqual(
        DAY_MS,
      );
      expect(listings[0]?.locations).toEqual([expect.stringContaining(id)]);
      expect(certificate?.statement['notProven']).toHaveLength(3);
    }));

  test('can be verified by anybody from the file alone, and not after a changed digit', () =>
    simulate(async (s) => {
      await s.active();
      await s.advanceTo(LONG_AFTER);
      const [certificate] = savedCertificates(s);
      if (certificate === undefined) throw new Error('no certificate');
      const { statement, statementHash, signature } = certificate;
      const bytes = Buffer.from(canonicalJson(statement));
      const key = createPublicKey(signature.publicKey);
      const signed = Buffer.from(signature.signature, 'base64');
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(statementHash);
      expect(verify(null, bytes, key, signed)).toBe(true);
      const changed = Buffer.from(canonicalJson({ ...statement, minutesOverdue: 1 }));
      expect(verify(null, changed, key, signed)).toBe(false);
    }));

  test('of a revoked one counts the minutes from the revocation', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.fault({ operation: 'bedrock:DeleteModelInvocationLoggingConfiguration', kind: 'throttle', times: 5 });
      const revokedAt = s.now();
      await s.revoke(id);
      await s.advanceTo(LONG_AFTER);
      const [certificate] = savedCertificates(s);
      const lease = await s.lease(id);
      const minutes = Math.ceil(((lease.offAt ?? 0) - revokedAt) / 60_000);
      expect(minutes).toBeGreaterThan(0);
      expect(certificate?.statement).toMatchObject({
        minutesOverdue: minutes,
        times: { revokedAt: formatInstant(revokedAt) },
      });
    }));

  test('of one that was closed without proof names the person, the reason and the other setting', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.somebodyPuts(SOMEBODYS);
      await s.advance(HOUR_MS);
      const actor = { id: 'lena', kind: 'person-unauthenticated' } as const;
      expect(
        await closeWithCertificate(s.state.services, id, 'close-unproven', actor, 'their bucket was emptied'),
      ).toBe('closed');
      const [certificate] = savedCertificates(s);
      expect(certificate?.statement).toMatchObject({
        outcome: 'closed-unproven',
        finding: 'not proven',
        closedBy: 'lena',
      });
      expect(String(certificate?.statement['notProven'])).toMatch(
        /somebodys-bucket.*their bucket was emptied/,
      );
    }));

  test('is refused while content storage is on', () =>
    simulate(async (s) => {
      const id = await s.active();
      const actor = { id: 'lena', kind: 'person-unauthenticated' } as const;
      s.fault({ operation: 'bedrock:DeleteModelInvocationLoggingConfiguration', kind: 'deny', times: 1000 });
      await s.revoke(id);
      expect((await s.record(id)).state).toBe('ending');
      expect(await closeWithCertificate(s.state.services, id, 'close-unproven', actor, 'hurry')).toBe(
        'refused',
      );
      expect(s.events('exception.closed-unproven')).toEqual([]);
    }));
});

test('nothing that was said in a prompt stays in the state directory after the proof', () =>
  simulate(async (s) => {
    await s.active();
    await s.invoke(`CANARY-large ${'x'.repeat(200_000)}`);
    const found = () =>
      readdirSync(s.directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .filter((entry) => readFileSync(join(entry.parentPath, entry.name)).includes('CANARY'))
        .map(({ name }) => name);
    expect(found()).toEqual(['aws.sqlite']);
    await s.advanceTo(LONG_AFTER);
    s.shut();
    expect(found()).toEqual([]);
  }));
