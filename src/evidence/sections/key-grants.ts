import * as z from 'zod';
import { name, observationOf } from '../schema-parts.ts';
import type { Observation } from '../types.ts';
import { section } from './section.ts';

/** A grant of a key: it lets somebody use the key whatever the key policy and their own policies say. */
export interface KeyGrant {
  readonly id: string;
  /** ARN of a user, role or session, or the name of a service. */
  readonly grantee: string;
  /** As AWS spells them: `Decrypt`, `GenerateDataKey`. */
  readonly operations: readonly string[];
  /** Whether it holds for some encryption contexts or sources alone; which, is not kept. */
  readonly isConstrained: boolean;
}

export interface GrantsOfKey {
  readonly keyArn: string;
  readonly grants: Observation<readonly KeyGrant[]>;
  /** `CUSTOMER`, or `AWS` for a key that AWS made for one of its services (`aws/s3`). Absent in evidence from before it was asked. */
  readonly manager?: Observation<string> | undefined;
}

export const keyGrants = section<readonly GrantsOfKey[]>({
  level: 'account-region',
  value: z.array(
    z.strictObject({
      keyArn: name,
      grants: observationOf(
        z.array(
          z.strictObject({ id: name, grantee: name, operations: z.array(name), isConstrained: z.boolean() }),
        ),
      ),
      manager: observationOf(name).exactOptional(),
    }),
  ),
  actions: {
    'kms:ListGrants': 'who is let use the key under which content is by a grant, past every policy',
    'kms:DescribeKey': 'whether such a key is the customer’s or one that AWS made',
  },
  meaning: 'grants of the keys of `destinations`: who may do what with them; and who manages each key',
});
