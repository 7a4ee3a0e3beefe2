import { gunzipSync } from 'node:zlib';

/** Most bytes of a batch once it is unzipped. A gzip bomb stops there: the rest is never written to memory. */
export const MOST_UNZIPPED_BYTES = 100 * 1024 * 1024;
/** Most records of one batch. */
export const MOST_RECORDS = 10_000;

const GZIP = [0x1f, 0x8b] as const;
const NEWLINE = 0x0a;

/**
 * The records of a batch as text, one for each line; blank lines are none. Bedrock writes gzipped JSON, one record a line [known from
 * readers of it, not documented]; text that is not gzipped is read as it is.
 */
export function recordsOf(
  bytes: Uint8Array,
):
  | { readonly lines: readonly string[] }
  | { readonly dropped: 'too-large' | 'too-many-records' | 'damaged' } {
  const unzipped = unzip(bytes);
  if (typeof unzipped === 'string') return { dropped: unzipped };
  // Counted before anything is cut: ten million empty objects must not become ten million texts.
  let count = 1;
  for (let at = unzipped.indexOf(NEWLINE); at !== -1; at = unzipped.indexOf(NEWLINE, at + 1))
    if (++count > MOST_LINES) return { dropped: 'too-many-records' };
  const lines = unzipped
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.length > MOST_RECORDS ? { dropped: 'too-many-records' } : { lines };
}

/** Blank lines count here too. */
const MOST_LINES = 2 * MOST_RECORDS;

function unzip(bytes: Uint8Array): Buffer | 'too-large' | 'damaged' {
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1])
    return bytes.length > MOST_UNZIPPED_BYTES ? 'too-large' : Buffer.from(bytes);
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_UNZIPPED_BYTES });
  } catch (error) {
    return (error as { readonly code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'damaged';
  }
}
