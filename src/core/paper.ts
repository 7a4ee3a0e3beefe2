/*
 * What people read and sign (a review's dossier, a decision sheet, a certificate) as a document without a form: what is said and in which
 * order. Two renderers give it one, Markdown in markdown.ts and HTML in the command line; both escape everything, because names of
 * accounts, reasons and references were chosen by somebody.
 */

/** A sentence in which `names` may stand in backticks. */
export type Prose = string;

export type Block =
  | { readonly kind: 'text'; readonly text: Prose }
  | { readonly kind: 'list'; readonly items: readonly Prose[] }
  | {
      readonly kind: 'table';
      /** Said to those who do not see it. */
      readonly caption: string;
      readonly columns: readonly string[];
      readonly rows: readonly (readonly Prose[])[];
    }
  | {
      /** Plain sentences and the lines of the file that say them, side by side; line breaks are kept. */
      readonly kind: 'beside';
      readonly title: string;
      readonly sentences: readonly string[];
      readonly source: readonly string[];
      readonly firstLine: number;
    };

export interface Section {
  /** For links: lower-case words and hyphens. */
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export interface Paper {
  readonly title: string;
  /** What identifies it, as name and value. */
  readonly facts: readonly (readonly [string, Prose])[];
  readonly sections: readonly Section[];
}
