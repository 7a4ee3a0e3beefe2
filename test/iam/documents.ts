import {
  type DocumentUse,
  type Guardrails,
  type IdentityPolicies,
  layerOf,
  type PolicyLayer,
  type RequestPrincipal,
  readPolicy,
} from '../../src/iam/index.ts';

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

export const ROLE: RequestPrincipal = {
  kind: 'role',
  arn: 'arn:aws:iam::222222222222:role/team/Runner',
  accountId: '222222222222',
};

export const layer = (
  name: string,
  documents: readonly string[],
  missing: readonly string[] = [],
  use: DocumentUse = 'identity',
): PolicyLayer =>
  layerOf(
    name,
    documents.map((document, index) => readPolicy(`inline policy \`p${index}\``, document, use)),
    missing,
  );

/** One inline policy per text. */
export const holding = (...documents: readonly string[]): IdentityPolicies => ({
  principal: ROLE,
  identity: layer('its identity policies', documents),
});

export const bounded = (
  of: IdentityPolicies,
  boundary: string,
  missing: readonly string[] = [],
): IdentityPolicies => ({
  ...of,
  boundary: layer('its permissions boundary `b`', missing.length === 0 ? [boundary] : [], missing),
});

export const missing = (of: IdentityPolicies, what: string): IdentityPolicies => ({
  ...of,
  identity: { ...of.identity, unreadable: [...of.identity.unreadable, ...layer('', [], [what]).unreadable] },
});

/** One level of service control policies per text. */
export const levels = (...documents: readonly string[]): Guardrails => ({
  kind: 'levels',
  levels: documents.map((document, index) =>
    layer(`the service control policies of level ${index}`, [document], [], 'control'),
  ),
});
