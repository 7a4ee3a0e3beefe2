import { beforeEach, expect } from 'vitest';
import { sha256Hex } from '../../src/core/index.ts';
import type { CertificateStore, SignedCertificate } from '../../src/exceptions/index.ts';
import { contractCases, type Gap } from './contract.ts';

export interface CertificatesSubject {
  readonly store: CertificateStore;
  /** The certificates that are kept, as JSON, of one exception. */
  read(exceptionId: string): Promise<readonly SignedCertificate[]>;
}

const certificate = (text: string, hashOf = text): SignedCertificate => ({
  statement: { text },
  statementHash: sha256Hex(hashOf),
  signature: { keyId: 'key', algorithm: 'Ed25519', signature: 'AA==', publicKey: 'PEM' },
});
let run = 0;

/** What every store of certificates does. */
export function certificatesContract(
  make: () => Promise<CertificatesSubject>,
  gaps: readonly Gap[] = [],
): void {
  const test = contractCases(gaps);
  let subject: CertificatesSubject;
  let id: string;
  beforeEach(async () => {
    subject = await make();
    id = `ex-${String(++run).padStart(12, '0')}`;
  });

  test('keeps what it was given', async () => {
    await subject.store.save(id, certificate('one'));
    expect(await subject.read(id)).toEqual([certificate('one')]);
  });

  test('never overwrites a certificate', async () => {
    await subject.store.save(id, certificate('one'));
    await subject.store.save(id, certificate('forged', 'one'));
    expect(await subject.read(id)).toEqual([certificate('one')]);
  });

  test('keeps two statements about one exception beside each other', async () => {
    await subject.store.save(id, certificate('one'));
    await subject.store.save(id, certificate('two'));
    expect(await subject.read(id)).toHaveLength(2);
  });
}
