import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  ABSENT,
  type AccessRequest,
  ANY_RESOURCE,
  type ApplicablePolicies,
  type ContextValue,
  contextOf,
  type DocumentUse,
  evaluateRequest,
  known,
  layerOf,
  type PermissionDecision,
  type PolicyLayer,
  type RequestPrincipal,
  readPolicy,
} from '../../src/iam/index.ts';

/** Data files: documents in, answer and deciding statements out. Unknown keys are refused, so a slip cannot pass as a case. */
const FOLDER = join(import.meta.dirname, 'corpus');

const text = z.string().min(1);
const contextValues = z.record(text, z.union([z.string(), z.array(z.string()), z.null()]));
const statement = z.record(text, z.unknown());
/** The statements of one document, the document itself, or its text where it is damaged. */
const documentShape = z.union([
  z.array(statement),
  z.strictObject({ Version: text, Statement: z.array(statement) }),
  text,
]);
type DocumentShape = z.infer<typeof documentShape>;

const conditionFile = z.strictObject({
  rule: text,
  see: z.url(),
  cases: z.array(
    z.strictObject({
      name: text,
      rule: text.optional(),
      condition: z.record(text, z.unknown()),
      context: contextValues,
      holds: z.enum(['yes', 'no', 'unknown']),
    }),
  ),
});

const principalShape = z.strictObject({
  kind: z.enum(['user', 'role', 'root', 'group', 'service', 'federated']),
  arn: text.optional(),
  session: text.optional(),
  name: text.optional(),
});

const requestFile = z.strictObject({
  rule: text,
  see: z.url(),
  cases: z.array(
    z.strictObject({
      name: text,
      rule: text.optional(),
      action: text.default('bedrock:InvokeModel'),
      /** Left out: any. */
      resource: text.optional(),
      principal: principalShape.optional(),
      context: contextValues.default({}),
      identity: documentShape.optional(),
      boundary: documentShape.optional(),
      session: documentShape.optional(),
      /** One document for each level, the root first. */
      scp: z.array(documentShape).default([]),
      rcp: z.array(documentShape).default([]),
      resourcePolicy: z
        .strictObject({
          account: text.default('222222222222'),
          mustAllow: z.boolean().default(false),
          trust: z.boolean().default(false),
          document: documentShape,
        })
        .optional(),
      answer: z.enum(['allowed', 'denied', 'conditionally-allowed', 'cannot-decide']),
      /** The deciding statements, `identity 0`, in their order; left out: not looked at. */
      by: z.array(text).optional(),
      /** Part of the reason of a denial, or of what could not be decided. */
      because: text.optional(),
      /** What must hold, in words. */
      onlyIf: z.array(text).optional(),
    }),
  ),
});

export type ConditionCase = z.infer<typeof conditionFile>['cases'][number];
export type RequestCase = z.infer<typeof requestFile>['cases'][number];
export interface CorpusFile<Case> {
  readonly file: string;
  readonly rule: string;
  readonly cases: readonly Case[];
}

const filesNamed = (isMeant: (name: string) => boolean): readonly string[] =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml') && isMeant(name))
    .sort();
const isConditionFile = (name: string): boolean => name.startsWith('condition-');
const read = (file: string): unknown => parse(readFileSync(join(FOLDER, file), 'utf8'));

export const conditionFiles = (): readonly CorpusFile<ConditionCase>[] =>
  filesNamed(isConditionFile).map((file) => ({ file, ...conditionFile.parse(read(file)) }));
export const requestFiles = (): readonly CorpusFile<RequestCase>[] =>
  filesNamed((name) => !isConditionFile(name)).map((file) => ({ file, ...requestFile.parse(read(file)) }));

const contextFrom = (values: z.infer<typeof contextValues>) =>
  contextOf(
    Object.fromEntries(
      Object.entries(values).map(([key, value]): [string, ContextValue] => [
        key,
        value === null ? ABSENT : typeof value === 'string' ? known(value) : known(...value),
      ]),
    ),
  );

export const ROLE_ARN = 'arn:aws:iam::222222222222:role/team/Runner';

function principalFrom(shape: z.infer<typeof principalShape> = { kind: 'role' }): RequestPrincipal {
  const arn = shape.arn ?? ROLE_ARN;
  const accountId = arn.split(':')[4] ?? '';
  switch (shape.kind) {
    case 'service':
      return { kind: 'service', name: shape.name ?? '' };
    case 'federated':
      return { kind: 'federated', provider: shape.name ?? '', accountId };
    case 'group':
      return { kind: 'group', arn, accountId };
    case 'user':
    case 'role':
    case 'root':
      return {
        kind: shape.kind,
        arn,
        accountId,
        ...(shape.session === undefined ? {} : { sessionArn: shape.session }),
      };
  }
}

const textOf = (shape: DocumentShape): string =>
  typeof shape === 'string'
    ? shape
    : JSON.stringify(Array.isArray(shape) ? { Version: '2012-10-17', Statement: shape } : shape);
const layer = (name: string, shape: DocumentShape, use: DocumentUse): PolicyLayer =>
  layerOf(`the ${name} policy`, [readPolicy(name, textOf(shape), use)]);

/** A condition as the only thing that an Allow, or a Deny beside a blanket Allow, depends on. */
export function decideCondition({ condition, context }: ConditionCase, effect: 'Allow' | 'Deny'): string {
  const one = { Effect: effect, Action: '*', Resource: '*', Condition: condition };
  const all = { Effect: 'Allow', Action: '*', Resource: '*' };
  return evaluateRequest(
    {
      action: 'bedrock:InvokeModel',
      resource: ANY_RESOURCE,
      principal: principalFrom(),
      context: contextFrom(context),
    },
    {
      identity: layer('identity', effect === 'Allow' ? [one] : [all, one], 'identity'),
      serviceControl: [],
      resourceControl: [],
    },
  ).kind;
}

export function decideCase(each: RequestCase): PermissionDecision {
  const request: AccessRequest = {
    action: each.action,
    resource: each.resource ?? ANY_RESOURCE,
    principal: principalFrom(each.principal),
    context: contextFrom(each.context),
  };
  const policies: ApplicablePolicies = {
    ...(request.principal.kind === 'service' || request.principal.kind === 'federated'
      ? {}
      : { identity: layer('identity', each.identity ?? [], 'identity') }),
    ...(each.boundary === undefined ? {} : { boundary: layer('boundary', each.boundary, 'identity') }),
    ...(each.session === undefined ? {} : { session: layer('session', each.session, 'identity') }),
    serviceControl: each.scp.map((shape, level) => layer(`scp ${level}`, shape, 'control')),
    resourceControl: each.rcp.map((shape, level) => layer(`rcp ${level}`, shape, 'control')),
    ...(each.resourcePolicy === undefined
      ? {}
      : {
          resource: {
            ...layer(
              'resource',
              each.resourcePolicy.document,
              each.resourcePolicy.trust ? 'trust' : 'resource',
            ),
            accountId: each.resourcePolicy.account,
            mustAllow: each.resourcePolicy.mustAllow,
          },
        }),
  };
  return evaluateRequest(request, policies);
}
