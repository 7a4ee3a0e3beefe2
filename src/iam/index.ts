export { MODEL_INVOCATIONS, PROMPT_STORAGE_CHANGES } from './actions.ts';
export * from './decide.ts';
export * from './errors.ts';
export { actionMatches, arnLike, globMatches } from './glob.ts';
export {
  type AccountPolicies,
  accountPolicies,
  type IdentityPolicies,
  type NamedPolicy,
} from './identity.ts';
export * from './policy-document.ts';
export { type Guardrails, guardrailsOf, SERVICE_LINKED_PATH, unitPath } from './service-control.ts';
export { type SessionAttribution, sessionAttribution } from './trust.ts';
