import type { z } from 'zod';
import type { Result } from '../core/index.ts';
import type { Failure } from './failures.ts';
import type { OperationCall } from './ports.ts';

/** Whoever may adopt a policy through the API holds this role in the directory. */
export const POLICY_OWNER = 'policy-owner';

/**
 * Who may call. `person`: every active person of the directory; where more is needed, the domain refuses. `role`: who holds any role.
 * `role-or-requester`: besides, whoever asked, for what they asked for; others learn no more than that nothing is there.
 */
export type Who = 'person' | 'role' | 'role-or-requester' | typeof POLICY_OWNER;

/** A route: the only description of it. Server, client, command line and the OpenAPI document are made from this. */
export interface Operation<Params, Body, Answer> {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly who: Who;
  /** Not counted against the caller's limit: nothing holds up switching off (OFF_NEEDS_NOTHING). */
  readonly isUnlimited?: true;
  /** Those that the path names, and those of the query, which are all optional. */
  readonly params: z.ZodType<Params>;
  /** Absent where there is nothing to send: then nothing changes either. */
  readonly body?: z.ZodType<Body>;
  /** It has a body and changes nothing all the same: it is asked again as often as somebody likes, without an idempotency key. */
  readonly isReading?: true;
  readonly answer: z.ZodType;
  readonly status: 200 | 201;
  /** Input has passed the schemas. */
  readonly run: (
    call: OperationCall,
    input: { readonly params: Params; readonly body: Body },
  ) => Promise<Result<Answer, Failure>>;
}

export const operation = <Params, Body, Answer>(
  described: Operation<Params, Body, Answer>,
): Operation<Params, Body, Answer> => described;

/** The names of the parameters in the path, in order. */
export const pathNames = (path: string): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);

/** Whoever holds a role reads what concerns others too. */
export const mayReadAll = ({ caller }: OperationCall): boolean => caller.roles.length > 0;
