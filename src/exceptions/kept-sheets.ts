import { type ExceptionId, type Sha256Hex, sha256Hex } from '../core/index.ts';
import type { ConditionalWrite, RecordStore } from './ports.ts';
import { encode, readRecord } from './records.ts';
import type { ExceptionRecord } from './types.ts';

/*
 * Decision sheets as they were signed, each under its own hash: a later version of Proviso words a sheet otherwise, and what was signed stays what it was.
 */

const sheetKey = (id: ExceptionId, hash: Sha256Hex): string => `sheet/${id}/${hash}`;

/** Markdown by its hash. */
export type KeptSheets = ReadonlyMap<Sha256Hex, string>;

/** For the commit that makes the admission. */
export const sheetWrite = (id: ExceptionId, markdown: string): ConditionalWrite => ({
  key: sheetKey(id, sha256Hex(markdown)),
  expectedVersion: 0,
  value: encode({ markdown }),
});

/** Before the admission that names it is written: a sheet that nothing names in the end is in nobody's way. */
export async function keepSheet(store: RecordStore, id: ExceptionId, markdown: string): Promise<void> {
  // A conflict: the same bytes are there.
  await store.commit([sheetWrite(id, markdown)]);
}

/** Every sheet that the admissions name and that was kept. */
export async function readSheets(
  store: RecordStore,
  { id, admissions }: Pick<ExceptionRecord, 'id' | 'admissions'>,
): Promise<KeptSheets> {
  const sheets = new Map<Sha256Hex, string>();
  for (const { sheetHash, sheetFormat } of admissions) {
    if (sheetFormat === undefined || sheets.has(sheetHash)) continue;
    const kept = await readRecord<{ readonly markdown: string }>(store, sheetKey(id, sheetHash));
    if (kept !== undefined) sheets.set(sheetHash, kept.value.markdown);
  }
  return sheets;
}
