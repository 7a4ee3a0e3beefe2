/*
 * What only a real account can show, with how to try it: how it is printed. The list is in live-check-list.ts.
 */

export interface LiveCheck {
  /** Kebab-case. */
  readonly id: string;
  /** Where in docs/ it stands: in a table “Unverified”, word for word, or as a remark `[unverified: id]`. */
  readonly page: string;
  /** Begins with what is not known: “that …”, “whether …”. */
  readonly claim: string;
  /** What the other answer would change. */
  readonly otherwise: string;
  /** Commands of the AWS CLI that only read. */
  readonly read: readonly string[];
  /** Steps that change something, for a test account; the script has them as comments. */
  readonly write: readonly string[];
}

/** For a person. */
export const liveChecksMarkdown = (checks: readonly LiveCheck[]): string =>
  [
    '# What only a real account can show',
    '',
    ...checks.flatMap(({ id, page, claim, otherwise, read, write }) => [
      `## ${id}`,
      '',
      `Not known: ${claim} (docs/${page}). If it is otherwise: ${otherwise}.`,
      '',
      '```sh',
      ...read,
      ...write.map((step) => `# changes something: ${step}`),
      '```',
      '',
    ]),
  ].join('\n');

/** It only reads; what changes something is a comment. It goes on after a refused call, which is an answer too. */
export const liveChecksScript = (checks: readonly LiveCheck[]): string => {
  const variables = [
    ...new Set(
      checks.flatMap(({ read }) =>
        read.flatMap((command) => [...command.matchAll(/\$([A-Z_]+)/g)].map((match) => match[1] ?? '')),
      ),
    ),
  ].sort();
  return [
    '#!/bin/sh',
    '# What only a real account can show. This only reads; lines that begin with `# write:` change something: uncomment them in a test account.',
    'set -u',
    ...variables.map((name) => `: "\${${name}:?set ${name}, or delete the checks that use it}"`),
    ...checks.flatMap(({ id, page, claim, otherwise, read, write }) => [
      '',
      `# ${id} (docs/${page})`,
      `# Not known: ${claim}`,
      `# If it is otherwise: ${otherwise}`,
      `echo '== ${id}'`,
      ...read,
      ...write.map((step) => `# write: ${step}`),
    ]),
    '',
  ].join('\n');
};
