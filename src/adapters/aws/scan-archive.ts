import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { decodeHead, encodeAccount, encodeHead, ORGANIZATION_FILE } from '../../evidence/index.ts';
import type { AccountResult, ScanArchive } from '../../scan/index.ts';
import { awsCall, isNamed } from './call.ts';
import { type HomeSettings, s3Addressing } from './home-settings.ts';
import { required } from './observe.ts';

/** The report that `GET /findings` gives. */
export const LATEST_REPORT = 'reports/latest.json';

/** `scans/<id>/`: a snapshot folder, with `results/<account>.json` and `report.json` beside it. */
export function s3ScanArchive(settings: HomeSettings, bucketName: string): ScanArchive {
  const client = new S3Client({ ...settings, ...s3Addressing() });
  const put = (Key: string, Body: string) =>
    awsCall('s3:PutObject', async () => {
      await client.send(
        new PutObjectCommand({ Bucket: bucketName, Key, Body, ContentType: 'application/json' }),
      );
    });
  const get = (Key: string) =>
    awsCall('s3:GetObject', async () => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucketName, Key }));
        return await required(Body, 'Body').transformToString();
      } catch (error) {
        if (isNamed(error, 'NoSuchKey')) return undefined;
        throw error;
      }
    });
  const folder = (scanId: string): string => `scans/${scanId}`;
  const resultKey = (scanId: string, accountId: string): string =>
    `${folder(scanId)}/results/${accountId}.json`;
  return {
    async putHead(scanId, head) {
      for (const [path, text] of encodeHead(head)) await put(`${folder(scanId)}/snapshot/${path}`, text);
    },
    async head(scanId) {
      const text = await get(`${folder(scanId)}/snapshot/${ORGANIZATION_FILE}`);
      if (text === undefined) return undefined;
      const head = decodeHead(new Map([[ORGANIZATION_FILE, text]]));
      if (!head.ok) throw new Error(`the scan \`${scanId}\` is damaged: ${head.error[0]?.message}`);
      return head.value;
    },
    async putAccount(scanId, head, part, result) {
      for (const [path, text] of encodeAccount(head.schemaVersion, part))
        await put(`${folder(scanId)}/snapshot/${path}`, text);
      await put(resultKey(scanId, result.accountId), JSON.stringify(result));
    },
    async result(scanId, accountId) {
      const text = await get(resultKey(scanId, accountId));
      return text === undefined ? undefined : (JSON.parse(text) as AccountResult);
    },
    async putReport(scanId, report) {
      const text = `${JSON.stringify(report)}\n`;
      await put(`${folder(scanId)}/report.json`, text);
      await put(LATEST_REPORT, text);
    },
  };
}
