/** What the tests use of commonmark.js, which comes without types. */
declare module 'commonmark' {
  export interface Node {
    readonly type: string;
  }
  export class Parser {
    parse(text: string): { walker(): { next(): { readonly node: Node } | null } };
  }
}
