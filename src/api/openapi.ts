import * as z from 'zod';
import { LARGEST_BODY } from './app.ts';
import { FAILURES, type FailureCode } from './failures.ts';
import { type Operation, pathNames } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { problemSchema } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

/** Failures that any call can meet. */
const ALWAYS: readonly FailureCode[] = [
  'NOT_AUTHENTICATED',
  'CALLER_UNKNOWN',
  'TOO_MANY',
  'FAULT',
  'ANSWER_TOO_LARGE',
  'UNAVAILABLE',
];
const WITH_BODY: readonly FailureCode[] = ['MALFORMED', 'TOO_LARGE', 'WRONG_TYPE'];
const WITH_KEY: readonly FailureCode[] = ['KEY_REUSED', 'IN_PROGRESS'];

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io });
  return rest;
};

/** The OpenAPI 3.1 document, from the same table as the routes. docs/openapi.json is its text; a test compares them. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [operationId, described] of Object.entries(OPERATIONS)) {
    const operation = described as unknown as Operation<unknown, unknown, unknown>;
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: operationOf(operationId, operation),
    };
  }
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Proviso',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Exceptions to the rule that prompts are not stored. Whoever calls is who acts: in AWS the signed caller, resolved to exactly one user of the Identity Store; on one machine the owner of the token.',
    },
    servers: [{ url: '/', description: 'the API of a deployment, or `proviso serve`' }],
    security: [{ sigv4: [] }, { bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'AWS Signature Version 4, service `execute-api`',
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
        bearer: { type: 'http', scheme: 'bearer', description: 'the token of one person, on loopback alone' },
      },
      schemas: { Problem: schemaOf(problemSchema, 'output') },
    },
  };
}

export const openApiText = (version: string): string =>
  `${JSON.stringify(openApiDocument(version), undefined, 2)}\n`;

function operationOf(operationId: string, operation: Operation<unknown, unknown, unknown>): Json {
  const { body, params } = operation;
  const inPath = pathNames(operation.path);
  const properties =
    (schemaOf(params, 'input') as { readonly properties?: Readonly<Record<string, Json>> }).properties ?? {};
  const codes = [
    ...ALWAYS,
    ...(inPath.length > 0 ? (['UNKNOWN_EXCEPTION'] as const) : []),
    ...(operation.who === 'person' || operation.who === 'role-or-requester'
      ? []
      : (['NOT_ENTITLED'] as const)),
    ...(body === undefined ? (['MALFORMED'] as const) : WITH_BODY),
    ...(body === undefined || operation.isReading === true ? [] : WITH_KEY),
    ...OWN[operationId as keyof typeof OPERATIONS],
  ];
  const statuses = new Map<number, FailureCode[]>();
  for (const code of codes) {
    const { status } = FAILURES[code];
    statuses.set(status, [...(statuses.get(status) ?? []), code]);
  }
  return {
    operationId,
    summary: operation.summary,
    description: operation.description,
    parameters: [
      ...inPath.map((name) => ({
        name,
        in: 'path',
        required: true,
        schema: properties[name] ?? { type: 'string' },
      })),
      ...Object.entries(properties)
        .filter(([name]) => !inPath.includes(name))
        .map(([name, schema]) => ({ name, in: 'query', required: false, schema })),
      {
        name: 'X-Correlation-Id',
        in: 'header',
        required: false,
        schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{8,64}$' },
        description:
          'made when it is left out; comes back in the answer and stands in every event and log line',
      },
      ...(body === undefined || operation.isReading === true
        ? []
        : [
            {
              name: 'Idempotency-Key',
              in: 'header',
              required: false,
              schema: { type: 'string', pattern: '^[!-~]{8,128}$' },
              description: 'the same key and body get the same answer; another body is refused',
            },
          ]),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            description: `at most ${LARGEST_BODY} bytes`,
            content: { 'application/json': { schema: schemaOf(body, 'input') } },
          },
        }),
    responses: {
      [operation.status]: {
        description: operation.summary,
        content: { 'application/json': { schema: schemaOf(operation.answer, 'output') } },
      },
      ...Object.fromEntries(
        [...statuses]
          .sort(([a], [b]) => a - b)
          .map(([status, all]) => [
            status,
            {
              description: [...new Set(all)].map((code) => `\`${code}\`: ${FAILURES[code].title}`).join('; '),
              content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
            },
          ]),
      ),
    },
  };
}

/** What an operation can be refused for beside what every one can. */
const OWN = {
  getHealth: [],
  getPolicy: ['NO_POLICY_IN_FORCE'],
  adoptPolicy: ['OTHER_ACTOR', 'POLICY_REFUSES', 'PLAN_NOT_CONFIRMED', 'CHANGE_NOT_APPROVED', 'BUSY'],
  planEnforcement: ['OTHER_ACTOR'],
  getFindings: ['NO_REPORT'],
  listExceptions: [],
  listStandings: [],
  getReport: [],
  listPlannedChanges: ['NO_POLICY_IN_FORCE'],
  publishPlannedChanges: ['OTHER_ACTOR', 'NO_POLICY_IN_FORCE'],
  listForeignSettings: [],
  adoptForeignSetting: [
    'OTHER_ACTOR',
    'UNKNOWN_PERSON',
    'NOT_ENTITLED',
    'POLICY_UNDECIDED',
    'STATE_REFUSES',
    'BUSY',
  ],
  previewException: ['OTHER_ACTOR', 'NO_POLICY_IN_FORCE'],
  requestException: [
    'OTHER_ACTOR',
    'UNKNOWN_PERSON',
    'NO_POLICY_IN_FORCE',
    'POLICY_REFUSES',
    'POLICY_UNDECIDED',
    'POLICY_NOT_IN_FORCE',
    'BUSY',
  ],
  getException: ['NO_POLICY_IN_FORCE'],
  getSheet: ['HASH_MISMATCH', 'NO_POLICY_IN_FORCE'],
  takeBackApproval: ['OTHER_ACTOR', 'NOT_ENTITLED', 'STATE_REFUSES', 'NO_POLICY_IN_FORCE', 'BUSY'],
  listEvents: ['NO_POLICY_IN_FORCE'],
  getCertificate: ['NO_CERTIFICATE', 'NO_POLICY_IN_FORCE'],
  decideException: [
    'OTHER_ACTOR',
    'NO_POLICY_IN_FORCE',
    'UNKNOWN_PERSON',
    'REQUESTER_DECIDES',
    'ROLE_NOT_HELD',
    'ROLE_NOT_NAMED',
    'ALREADY_DECIDED',
    'HASH_MISMATCH',
    'APPROVALS_EXPIRED',
    'STATE_REFUSES',
    'BUSY',
  ],
  withdrawException: ['OTHER_ACTOR', 'NOT_ENTITLED', 'STATE_REFUSES', 'NO_POLICY_IN_FORCE', 'BUSY'],
  revokeException: ['OTHER_ACTOR', 'STATE_REFUSES', 'NO_POLICY_IN_FORCE', 'BUSY'],
  holdException: ['OTHER_ACTOR', 'NOT_ENTITLED', 'STATE_REFUSES', 'NO_POLICY_IN_FORCE', 'BUSY'],
  releaseException: ['OTHER_ACTOR', 'NOT_ENTITLED', 'STATE_REFUSES', 'NO_POLICY_IN_FORCE', 'BUSY'],
  closeUnproven: ['OTHER_ACTOR', 'NOT_ENTITLED', 'STATE_REFUSES', 'NO_POLICY_IN_FORCE', 'BUSY'],
} as const satisfies Record<keyof typeof OPERATIONS, readonly FailureCode[]>;
