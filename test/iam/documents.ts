import type { IdentityPolicies } from '../../src/iam/index.ts';
import { parsePolicyDocument } from '../../src/iam/index.ts';

export type StatementJson = Readonly<Record<string, unknown>>;

export const ALLOW_ALL: StatementJson = { Effect: 'Allow', Action: '*', Resource: '*' };
export const DENY_ALL: StatementJson = { Effect: 'Deny', Action: '*', Resource: '*' };
export const MFA = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } };

export const allow = (action: string | readonly string[], more: StatementJson = {}): StatementJson => ({
  Effect: 'Allow',
  Action: action,
  Resource: '*',
  ...more,
});
export const deny = (action: string | readonly string[], more: StatementJson = {}): StatementJson => ({
  ...allow(action, more),
  Effect: 'Deny',
});

export const documentOf = (statement: StatementJson | readonly StatementJson[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statement });

/** One inline policy per text. */
export const holding = (...documents: readonly string[]): IdentityPolicies => ({
  policies: documents.map((document, index) => ({
    name: `inline policy \`p${index}\``,
    document: parsePolicyDocument(document),
  })),
  missing: [],
});
