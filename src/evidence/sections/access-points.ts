import * as z from 'zod';
import { name, observationOf, policyDocument } from '../schema-parts.ts';
import type { Observation } from '../types.ts';
import { section } from './section.ts';

/** An access point of the account: a second name of a bucket, with a policy of its own. */
export interface AccessPoint {
  readonly arn: string;
  readonly name: string;
  readonly bucketName: string;
  /** Whose the bucket is; absent where AWS does not say. */
  readonly bucketAccountId?: string | undefined;
  /** `Internet` or `VPC`, as AWS spells it. */
  readonly networkOrigin: string;
  /** Of the origin `VPC`: the only VPC that requests may come from. */
  readonly vpcId?: string | undefined;
  /** The document as AWS gave it, parsed by `src/iam`; `absent`: it holds none. */
  readonly policy: Observation<string>;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListAccessPoints.html */
export const accessPoints = section<readonly AccessPoint[]>({
  level: 'account-region',
  value: z.array(
    z.strictObject({
      arn: name,
      name,
      bucketName: name,
      bucketAccountId: name.exactOptional(),
      networkOrigin: name,
      vpcId: name.exactOptional(),
      policy: observationOf(policyDocument),
    }),
  ),
  actions: {
    's3:ListAccessPoints': 'through which access points a bucket that content goes to can be read',
    's3:GetAccessPointPolicy': 'whom such an access point lets in',
  },
  meaning:
    'access points of the account and the buckets behind them, with their policies where a bucket is in `destinations` or of another account',
});

/** A Multi-Region Access Point: one name for buckets of several Regions, with one policy. */
export interface MultiRegionAccessPoint {
  readonly arn: string;
  readonly name: string;
  readonly bucketNames: readonly string[];
  readonly policy: Observation<string>;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListMultiRegionAccessPoints.html */
export const multiRegionAccessPoints = section<readonly MultiRegionAccessPoint[]>({
  level: 'account',
  value: z.array(
    z.strictObject({ arn: name, name, bucketNames: z.array(name), policy: observationOf(policyDocument) }),
  ),
  actions: {
    's3:ListMultiRegionAccessPoints':
      'through which access points of several Regions a bucket that content goes to can be read',
    's3:GetMultiRegionAccessPointPolicy': 'whom such an access point lets in',
  },
  meaning: 'Multi-Region Access Points of the account, the buckets behind them, and their policies in force',
});
