import { type AccountPart, encodeAccount, encodeHead, type SnapshotHead } from '../../src/evidence/index.ts';
import type { AccountResult, ScanArchive } from '../../src/scan/index.ts';

export interface MemoryArchive extends ScanArchive {
  /** Every text by its path, as a bucket would hold it. */
  readonly texts: Map<string, string>;
  readonly reports: Map<string, unknown>;
}

export function memoryArchive(): MemoryArchive {
  const heads = new Map<string, SnapshotHead>();
  const results = new Map<string, AccountResult>();
  const texts = new Map<string, string>();
  const reports = new Map<string, unknown>();
  const put = (files: ReadonlyMap<string, string>): void => {
    for (const [path, text] of files) texts.set(path, text);
  };
  return {
    texts,
    reports,
    putHead: async (scanId, head) => {
      heads.set(scanId, head);
      put(encodeHead(head));
    },
    head: async (scanId) => heads.get(scanId),
    putAccount: async (scanId, head: SnapshotHead, part: AccountPart, result) => {
      put(encodeAccount(head.schemaVersion, part));
      results.set(`${scanId}/${result.accountId}`, JSON.parse(JSON.stringify(result)) as AccountResult);
    },
    result: async (scanId, accountId) => results.get(`${scanId}/${accountId}`),
    putReport: async (scanId, report) => {
      reports.set(scanId, report);
    },
  };
}
