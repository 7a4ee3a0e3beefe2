/**
 * Policy documents in snapshot files: a JSON object where that loses nothing but white space, else the text itself.
 *
 * A text with duplicate keys, escapes written in another way or keys that JavaScript would reorder is not the same document after
 * `JSON.parse`; whoever wrote it may count on the difference, so such a text stays as it is.
 */
export type DocumentJson = string | Readonly<Record<string, unknown>>;

export function documentToJson(text: string): DocumentJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (isJsonObject(value) && JSON.stringify(value) === withoutWhiteSpace(text)) return value;
  } catch {
    // Not JSON, or nested too deeply to print: the text is the evidence.
  }
  return text;
}

/** @returns the text of the document; an object gives its JSON without white space. @throws RangeError when it is nested too deeply */
export const documentFromJson = (json: DocumentJson): string =>
  typeof json === 'string' ? json : JSON.stringify(json);

/** The same JSON text without the white space between its tokens. */
function withoutWhiteSpace(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/g, (_all, quoted: string | undefined) => quoted ?? '');
}

export const isJsonObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
