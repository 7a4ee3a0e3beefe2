import type { Texts } from '../core/index.ts';
import { decodeHead, encodeAccount, encodeHead, ORGANIZATION_FILE } from '../evidence/index.ts';
import type { AccountResult, ScanArchive } from './ports.ts';
import { ScanError } from './scan.ts';

/** The report that `GET /findings` gives. */
export const LATEST_REPORT = 'reports/latest.json';

/** @returns the report of the scan that was finished last, undefined when none ever was; throws ScanError when it cannot be read */
export async function latestReport({ get }: Pick<Texts, 'get'>): Promise<unknown> {
  const text = await get(LATEST_REPORT);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ScanError(`\`${LATEST_REPORT}\` of the evidence bucket is damaged`);
  }
}

/** `scans/<id>/snapshot/` is a snapshot folder; beside it stand `results/<account>.json` and `report.json`. */
export function scanArchive({ put, get }: Texts): ScanArchive {
  const key = (scanId: string, path: string): string => `scans/${scanId}/${path}`;
  return {
    async putHead(scanId, head) {
      for (const [path, text] of encodeHead(head)) await put(key(scanId, `snapshot/${path}`), text);
    },
    async head(scanId) {
      const text = await get(key(scanId, `snapshot/${ORGANIZATION_FILE}`));
      if (text === undefined) return undefined;
      const head = decodeHead(new Map([[ORGANIZATION_FILE, text]]));
      if (!head.ok) throw new ScanError(`the scan \`${scanId}\` is damaged: ${head.error[0]?.message}`);
      return head.value;
    },
    async putAccount(scanId, head, part, result) {
      for (const [path, text] of encodeAccount(head.schemaVersion, part))
        await put(key(scanId, `snapshot/${path}`), text);
      await put(key(scanId, `results/${result.accountId}.json`), JSON.stringify(result));
    },
    async result(scanId, accountId) {
      const text = await get(key(scanId, `results/${accountId}.json`));
      return text === undefined ? undefined : (JSON.parse(text) as AccountResult);
    },
    async putReport(scanId, report) {
      const text = `${JSON.stringify(report)}\n`;
      await put(key(scanId, 'report.json'), text);
      await put(LATEST_REPORT, text);
    },
  };
}
