import type { Texts } from '../core/index.ts';
import type { MetadataSink } from '../enforcement/index.ts';

/** Beside the evidence, one text for each batch, one line for each call: a batch that comes twice is written twice, alike. */
export const metadataTexts = (texts: Texts): MetadataSink => ({
  pass: (name, metadata) =>
    texts.put(`metadata/${name}.jsonl`, metadata.map((each) => `${JSON.stringify(each)}\n`).join('')),
});
