import { ok, type Result } from '../core/index.ts';
import type { IamProblem } from './errors.ts';
import { actionMatches } from './glob.ts';
import { type PolicyDocument, parsePolicyDocument, type Statement } from './policy-document.ts';

/** How a session of a role tells which person is behind it. */
export type SessionAttribution =
  /** Made by IAM Identity Center, which sets the session name to its user name. */
  | 'identity-center'
  /** The trust policy ties `sts:RoleSessionName` to something the caller cannot choose. */
  | 'session-name-bound'
  /** Only AWS services can assume it (or nobody). */
  | 'service-only'
  /** The caller chooses the session name. */
  | 'caller-asserted';

export interface AssumableRole {
  readonly name: string;
  readonly path: string;
  readonly assumeRolePolicyDocument: string;
}

const ASSUME_ACTIONS = ['sts:AssumeRole', 'sts:AssumeRoleWithSAML', 'sts:AssumeRoleWithWebIdentity'] as const;
const IDENTITY_CENTER_PATH = '/aws-reserved/sso.amazonaws.com/';
const IDENTITY_CENTER_NAME = 'AWSReservedSSO_';

/**
 * Decides how sessions of a role are attributed, from its trust policy.
 * Conservative where in doubt: `caller-asserted`. A Deny in the trust policy is not taken into account, since it can only
 * narrow who assumes the role; `NotPrincipal` in an Allow counts as anybody.
 *
 * @returns a problem if the trust policy cannot be read; what it says is then unknown
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_rolesessionname
 */
export function sessionAttribution(role: AssumableRole): Result<SessionAttribution, IamProblem> {
  const parsed = parsePolicyDocument(role.assumeRolePolicyDocument);
  if (!parsed.ok) return parsed;
  const document = parsed.value;
  const allows = document.statements.filter(letsAssume);
  if (allows.length > 0 && isIdentityCenterRole(role) && allows.every(isSamlOnly))
    return ok('identity-center');
  const forCallers = allows.filter((statement) => !isServiceOnly(statement));
  if (forCallers.length === 0) return ok('service-only');
  return ok(
    forCallers.every((statement) => bindsSessionName(statement, document))
      ? 'session-name-bound'
      : 'caller-asserted',
  );
}

/** `sts:TagSession` and `sts:SetSourceIdentity` alone let nobody in. */
function letsAssume({ effect, actions: { kind, patterns } }: Statement): boolean {
  if (effect !== 'Allow') return false;
  return ASSUME_ACTIONS.some(
    (action) => patterns.some((pattern) => actionMatches(pattern, action)) === (kind === 'Action'),
  );
}

const isServiceOnly = ({ principals }: Statement): boolean =>
  principals?.kind === 'Principal' && principals.entries.every(({ type }) => type === 'Service');

/**
 * The permission set that a role of IAM Identity Center was made from, by its name; undefined for any other role.
 * @see https://docs.aws.amazon.com/singlesignon/latest/userguide/using-service-linked-roles.html
 */
export function permissionSetOf(role: Pick<AssumableRole, 'name' | 'path'>): string | undefined {
  return isIdentityCenterRole(role) ? /^AWSReservedSSO_(.+)_[0-9a-f]{16}$/.exec(role.name)?.[1] : undefined;
}

/** AWS reserves the path: nobody but IAM Identity Center can make a role there. */
const isIdentityCenterRole = ({ path, name }: Pick<AssumableRole, 'name' | 'path'>): boolean =>
  path.startsWith(IDENTITY_CENTER_PATH) && name.startsWith(IDENTITY_CENTER_NAME);

const isSamlOnly = ({ principals }: Statement): boolean =>
  principals?.kind === 'Principal' &&
  principals.entries.every(
    ({ type, value }) => type === 'Federated' && /^arn:[^:]+:iam::[0-9]{12}:saml-provider\/.+$/.test(value),
  );

/** Conditions hold together, so one that binds is enough; its values are alternatives, so each must bind. */
function bindsSessionName({ conditions }: Statement, { version }: PolicyDocument): boolean {
  // The old version of the language takes `${...}` literally.
  if (version !== '2012-10-17') return false;
  return conditions.some(
    ({ operator, key, values }) =>
      (operator === 'StringEquals' || operator === 'StringLike') &&
      key.toLowerCase() === 'sts:rolesessionname' &&
      values.length > 0 &&
      values.every((value) => isBound(value, operator)),
  );
}

/**
 * Variables that name one caller and that the caller does not set: its IAM user, a tag that administrators put on it, the
 * subject or address its identity provider vouches for. `aws:RequestTag/...` and `sts:SourceIdentity` come from the caller, and
 * claims such as `saml:aud` are the same for everybody, so they are not among them.
 */
const CALLER_VARIABLES = [
  /^aws:(username|userid)$/i,
  /^aws:PrincipalTag\/[^,]+$/i,
  /^saml:(sub|uid|mail|edupersonprincipalname|x500uniqueidentifier)$/i,
  // An OIDC provider is named by its host, perhaps with a path.
  /^[a-z0-9-]+(\.[a-z0-9-]+)+(\/[^:,]+)?:(sub|email)$/i,
] as const;

/** One caller variable, with fixed text around it at most; a wildcard or a default (`${a, 'b'}`) would leave room to choose. */
function isBound(value: string, operator: 'StringEquals' | 'StringLike'): boolean {
  const match = /^([^$]*)\$\{([^}]*)\}([^$]*)$/.exec(value);
  if (match === null) return false;
  const [, before = '', variable = '', after = ''] = match;
  if (operator === 'StringLike' && /[*?]/.test(before + after)) return false;
  return CALLER_VARIABLES.some((known) => known.test(variable));
}
