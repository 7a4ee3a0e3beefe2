import { type AccountId, partitionOfRegion, type Region } from '../core/index.ts';
import {
  type AccessRequest,
  contextOf,
  contextOfOutsider,
  contextOfPrincipal,
  EVERYTHING,
  evaluateRequest,
  known,
  layerOf,
  type PermissionDecision,
  type PrincipalEntry,
  type RequestPrincipal,
  type ResourceLayer,
  readPolicy,
  STRANGER,
  unnamedRoleOf,
} from '../iam/index.ts';

/** A bucket of the account, with the policy that it holds itself and the keys that content gets there. */
export interface GuardedBucket {
  readonly accountId: AccountId;
  readonly region: Region;
  readonly bucketArn: string;
  /** Keys of objects, one for each place in the bucket; at least one. */
  readonly keys: readonly string[];
  /** Undefined: it holds none. */
  readonly policy: string | undefined;
}

const BEDROCK = 'bedrock.amazonaws.com';
/** What can be done with content: of objects, and of the bucket that holds them. */
const OBJECT_ACTIONS = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'] as const;
const BUCKET_ACTIONS = ['s3:ListBucket', 's3:PutBucketPolicy', 's3:PutLifecycleConfiguration'] as const;

/** What a look at a bucket’s policy gives; `undecided`: it cannot be read, in words. */
export type GuardAnswer =
  | { readonly kind: 'found'; readonly who: readonly string[] }
  | { readonly kind: 'undecided'; readonly why: string };

/**
 * Whom the policy of a bucket lets in besides `bedrock.amazonaws.com` on behalf of this account, and besides principals of this account, in
 * words; a permission under a condition is a permission.
 *
 * Bedrock is asked once more in the name of another account: where it may write there too, its Allow is not bound to `aws:SourceAccount` or
 * `aws:SourceArn`, and anybody who has an account can make it write (the confused deputy).
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
 */
export function openToOthers(bucket: GuardedBucket): GuardAnswer {
  if (bucket.policy === undefined) return { kind: 'found', who: [] };
  const layer = layerOfBucket(bucket, bucket.policy);
  const [obstacle] = layer.unreadable;
  if (obstacle !== undefined) return { kind: 'undecided', why: obstacle.detail };
  const who: string[] = [];
  const may = (request: Omit<AccessRequest, 'action' | 'resource'>): boolean =>
    requests(bucket).some(({ action, resource }) => {
      const isWithOwnPolicies = request.principal.kind === 'role' || request.principal.kind === 'user';
      const decision = evaluateRequest(
        { action, resource, ...request },
        {
          // Somebody of another account brings whatever permission of his own he likes.
          ...(isWithOwnPolicies ? { identity: EVERYTHING } : {}),
          resource: layer,
          serviceControl: [],
          resourceControl: [],
        },
      );
      return decision.kind !== 'denied';
    });
  const bedrock: RequestPrincipal = { kind: 'service', name: BEDROCK };
  const forOthers = contextOf({
    'aws:SecureTransport': known('true'),
    'aws:PrincipalIsAWSService': known('true'),
    'aws:PrincipalServiceName': known(BEDROCK),
    'aws:SourceAccount': known(STRANGER),
    'aws:SourceArn': known(`arn:${partitionOf(bucket)}:bedrock:${bucket.region}:${STRANGER}:*`),
  });
  if (may({ principal: bedrock, context: forOthers }))
    who.push(
      `\`${BEDROCK}\` on behalf of other accounts (nothing binds \`aws:SourceAccount\` or \`aws:SourceArn\`)`,
    );
  const inside = { isInside: (accountId: string) => accountId === bucket.accountId };
  for (const [words, principal] of othersNamed(layer, bucket))
    if (may({ principal, context: contextOfOutsider(principal, layer, inside) })) who.push(words);
  return { kind: 'found', who };
}

/**
 * Who gets at content although no list of readers names them: somebody of the account whose own policies allow everything, whoever that
 * is, as a role and as a user. Empty: the bucket’s policy denies reading to all but those it names.
 */
export function readersWithoutList(bucket: GuardedBucket): GuardAnswer {
  if (bucket.policy === undefined) return { kind: 'found', who: ['anybody whose own policies allow it'] };
  const layer = layerOfBucket(bucket, bucket.policy);
  const [obstacle] = layer.unreadable;
  const partition = partitionOf(bucket);
  const decisions = bucket.keys.flatMap((key) =>
    (['role', 'user'] as const).map((kind): PermissionDecision => {
      const arn = `arn:${partition}:iam::${bucket.accountId}:${kind}/${NOBODY}`;
      const principal: RequestPrincipal = { kind, arn, accountId: bucket.accountId };
      const own = contextOfPrincipal(principal);
      return evaluateRequest(
        {
          action: 's3:GetObject',
          resource: `${bucket.bucketArn}/${key}`,
          principal,
          context: {
            // An id that no list can hold, as no list can hold the name.
            lookup: (name) =>
              name.toLowerCase() === 'aws:userid' ? known(`AIDA${NOBODY}:${NOBODY}`) : own.lookup(name),
          },
        },
        { identity: EVERYTHING, resource: layer, serviceControl: [], resourceControl: [] },
      );
    }),
  );
  if (decisions.every(({ kind }) => kind === 'denied')) return { kind: 'found', who: [] };
  if (obstacle !== undefined) return { kind: 'undecided', why: obstacle.detail };
  const isOpen = decisions.some(({ kind }) => kind === 'allowed');
  return {
    kind: 'found',
    who: [
      isOpen
        ? 'anybody whose own policies allow it'
        : 'anybody whose own policies allow it, under conditions',
    ],
  };
}

const NOBODY = 'nobody-that-a-list-names';
const partitionOf = ({ region }: GuardedBucket): string => partitionOfRegion(region);

function requests({ bucketArn, keys }: GuardedBucket) {
  return [
    ...keys.flatMap((key) => OBJECT_ACTIONS.map((action) => ({ action, resource: `${bucketArn}/${key}` }))),
    ...BUCKET_ACTIONS.map((action) => ({ action, resource: bucketArn })),
  ];
}

function layerOfBucket({ bucketArn, accountId }: GuardedBucket, policy: string): ResourceLayer {
  const name = `the policy of \`${bucketArn}\``;
  return { ...layerOf(name, [readPolicy(name, policy, 'resource')]), accountId, mustAllow: false };
}

/** Everybody else whom an Allow names, each once, and a stranger for whom no Allow should speak. */
function othersNamed(
  { policies }: ResourceLayer,
  bucket: GuardedBucket,
): ReadonlyMap<string, RequestPrincipal> {
  const found = new Map<string, RequestPrincipal>([
    ['everybody, also outside the account', unnamedRoleOf(STRANGER, partitionOf(bucket))],
  ]);
  for (const { document } of policies)
    for (const { effect, principals } of document.statements) {
      if (effect !== 'Allow' || principals?.kind !== 'Principal') continue;
      for (const entry of principals.entries) {
        const other = otherOf(entry, bucket);
        if (other !== undefined) found.set(...other);
      }
    }
  return found;
}

function otherOf(
  { type, value }: PrincipalEntry,
  bucket: GuardedBucket,
): readonly [string, RequestPrincipal] | undefined {
  if (type === 'Service')
    return value === BEDROCK ? undefined : [`the service \`${value}\``, { kind: 'service', name: value }];
  if (type === 'Federated')
    return [`whomever \`${value}\` vouches for`, { kind: 'federated', provider: value }];
  // A canonical id tells no account; the stranger may be it.
  if (type === 'CanonicalUser' || value === '*') return undefined;
  const account = /^[0-9]{12}$/.test(value) ? value : value.split(':')[4];
  if (account === bucket.accountId) return undefined;
  if (account === undefined || account === '')
    return [`the principal with the id \`${value}\``, { kind: 'user', arn: value, accountId: STRANGER }];
  const isRole = /:(role|assumed-role)\//.test(value);
  const isUser = value.includes(':user/');
  return [
    `\`${value}\`, of another account`,
    isRole || isUser
      ? { kind: isUser ? 'user' : 'role', arn: value, accountId: account }
      : unnamedRoleOf(account, partitionOf(bucket)),
  ];
}
