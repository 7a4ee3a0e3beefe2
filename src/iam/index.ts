export * from './access.ts';
export * from './actions.ts';
export { type Holder, personWords, SHOWN_PEOPLE } from './assignments.ts';
export { ANY_RESOURCE, type CompiledPolicy, compilePolicy, type RequestResource } from './compile.ts';
export * from './content-readers.ts';
export * from './context.ts';
export * from './decide.ts';
export * from './describe.ts';
export {
  type Destination,
  type DestinationKind,
  destinationWords,
} from './destinations.ts';
export * from './errors.ts';
export * from './evaluate.ts';
export { actionMatches, arnLike, globMatches } from './glob.ts';
export { type AccountPolicies, accountPolicies, type IdentityPolicies, rootPolicies } from './identity.ts';
export * from './invokers.ts';
export {
  type DocumentUse,
  EVERYTHING,
  layerOf,
  type PolicyReader,
  type ReadPolicy,
  readPolicy,
  rememberingReader,
} from './layers.ts';
export * from './moments.ts';
export * from './paths.ts';
export * from './policy-document.ts';
export type { PrincipalMatch, RequestPrincipal } from './principals.ts';
export { contextOfOutsider, STRANGER, unnamedRoleOf } from './resource-outsiders.ts';
export {
  type Guardrails,
  guardrailsOf,
  NO_GUARDRAILS,
  resourceControlOf,
  SERVICE_LINKED_PATH,
  serviceControlOf,
  unitPath,
} from './service-control.ts';
export { permissionSetOf, type SessionAttribution, sessionAttribution } from './trust.ts';
export * from './who-can.ts';
