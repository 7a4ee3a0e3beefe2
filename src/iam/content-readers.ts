import type { Access, KnownPrincipal } from './access.ts';
import {
  type AskSide,
  accountsLeftTo,
  decideAnyWay,
  notListed,
  speaksOfAccessPoints,
} from './access-points.ts';
import { ACTION_SETS } from './actions.ts';
import { withKeys, withValues } from './context.ts';
import { strongestOf } from './decide.ts';
import { type Destination, type DestinationKind, destinationWords } from './destinations.ts';
import type { PermissionDecision, PolicyLayer, ResourceLayer } from './evaluate.ts';
import { EVERYTHING } from './layers.ts';
import { type AccessPath, type Certainty, pathFinder, weaker } from './paths.ts';
import { decideOutsider, type NamedOutsider, outsidersNamed } from './resource-outsiders.ts';

/** Who may do at least one of some actions, or of which that is not decided. */
export interface Capability {
  readonly certainty: Certainty;
  /** The actions it may do, without those it is denied. */
  readonly decisions: readonly PermissionDecision[];
}

export interface CapablePrincipal extends Capability {
  readonly principal: KnownPrincipal;
}

/** Somebody who is no principal of the organization, let in by the destination itself. */
export interface CapableOutsider extends Capability {
  readonly words: string;
}

/** Who may read what lies in one place, or use the key that it lies under. */
export interface DestinationReaders {
  readonly destination: Destination;
  readonly actions: readonly string[];
  /** Users, groups and roles. Of a bucket under a key: those who may read it and decrypt with the key, by the weaker of the two. */
  readonly principals: readonly CapablePrincipal[];
  readonly roots: readonly CapablePrincipal[];
  readonly paths: readonly AccessPath[];
  readonly others: readonly CapableOutsider[];
  /**
   * Of a bucket under a key: who may read it and is denied the key. What lies under this key stays closed to them; what lies there under another, or
   * from before the bucket had it, does not.
   */
  readonly withoutKey: readonly CapablePrincipal[];
  /**
   * What could not be read of the destination, in words. Without its policy or grants nobody is denied but by a Deny, nobody is allowed for certain,
   * and those listed are those for whom something that was seen speaks.
   */
  readonly notSeen: readonly string[];
}

const SERVICES = {
  bucket: 's3:',
  'log-group': 'logs:',
  key: 'kms:',
} as const satisfies Record<DestinationKind, string>;

/**
 * Who may read stored content, for each place of it that the evidence names: over identity policies, boundaries, control policies, the
 * policy that the place holds itself, and the grants of its key.
 *
 * Only principals whom the place could let in are asked: those of its account, and those of the accounts that its policy names.
 *
 * @param isAsked - which principals of the organization are reported
 */
export function contentReaders(
  access: Access,
  isAsked: (principal: KnownPrincipal) => boolean = () => true,
): readonly DestinationReaders[] {
  const byAccount = Map.groupBy(access.principals, ({ accountId }) => String(accountId));
  const pathsTo = pathFinder(access);
  const keys = new Map<string | undefined, Destination>(
    access.destinations.flatMap((each) => (each.kind === 'key' ? [[each.resourceArn, each]] : [])),
  );
  return access.destinations.map((destination) => {
    const actions = ACTION_SETS['read-content'].actions.filter((action) =>
      action.startsWith(SERVICES[destination.kind]),
    );
    const key = keys.get(destination.keyArn);
    const partition = destination.resourceArn.split(':')[1] ?? '';
    const capable: CapablePrincipal[] = [];
    const withoutKey: CapablePrincipal[] = [];
    for (const principal of candidates(access, destination, layerWithPoints(destination), byAccount)) {
      const capability = capabilityOf(
        actions.flatMap((action) => decideReading(access, principal, action, destination)),
      );
      if (capability === undefined || !isShown(principal, capability, destination)) continue;
      const opened = key === undefined ? capability : withKey(capability, decideKey(access, principal, key));
      if (opened === undefined) withoutKey.push({ principal, ...capability });
      else capable.push({ principal, ...opened });
    }
    const targets = new Map(
      capable.flatMap(({ principal, certainty }) =>
        principal.type === 'role' ? [[principal, certainty] as const] : [],
      ),
    );
    const asked = capable.filter(({ principal }) => isAsked(principal));
    return {
      destination,
      actions,
      principals: asked.filter(({ principal }) => principal.type !== 'root'),
      roots: asked.filter(({ principal }) => principal.type === 'root'),
      paths: pathsTo(targets).filter(({ from }) => isAsked(from)),
      others: outsidersNamed(layerWithPoints(destination), access, partition).flatMap((outsider) => {
        const capability = capabilityOf(
          actions.flatMap((action) => decideOutsiderReading(access, outsider, action, destination)),
        );
        if (capability === undefined) return [];
        // Whom the key does not name may be let in by what nobody here sees: their own account, their own grants.
        const opened =
          key === undefined
            ? capability
            : (withKey(capability, decideOutsider(outsider, DECRYPT, key, access)) ??
              undecided(capability, key));
        return [{ words: outsider.words, ...opened }];
      }),
      withoutKey: withoutKey.filter(({ principal }) => isAsked(principal)),
      notSeen: notSeenOf(destination, access),
    };
  });
}

/** Of a bucket: directly or through an access point. */
function decideReading(
  access: Access,
  principal: KnownPrincipal,
  action: string,
  destination: Destination,
): readonly PermissionDecision[] {
  const { accessPoints, layer, resources } = destination;
  if (accessPoints === undefined)
    return resources.map((resource) => access.decide(principal, action, { resource, resourcePolicy: layer }));
  const own = access.contextOf(principal, action);
  const { identity, boundary } = principal.policies;
  const boundless = { ...principal, policies: { ...principal.policies, identity: EVERYTHING } };
  const ask: AskSide = (side, keys, permission) =>
    side.resources.map((resource) =>
      access.decide(permission === 'any' ? boundless : principal, action, {
        resource,
        resourcePolicy: side.layer,
        context: withValues(own, keys),
      }),
    );
  return decideAnyWay(ask, destination, accessPoints, [identity, boundary]);
}

function decideOutsiderReading(
  access: Access,
  outsider: NamedOutsider,
  action: string,
  destination: Destination,
): readonly PermissionDecision[] {
  if (destination.accessPoints === undefined) return decideOutsider(outsider, action, destination, access);
  // What it may do by itself is not known, or everything: asking with any permission could change nothing.
  const ask: AskSide = (side, keys) =>
    decideOutsider({ ...outsider, context: withValues(outsider.context, keys) }, action, side, access);
  return decideAnyWay(ask, destination, destination.accessPoints, []);
}

/** Of a bucket, with whom its access points name. */
const layerWithPoints = ({ layer, accessPoints }: Destination): ResourceLayer =>
  accessPoints === undefined
    ? layer
    : {
        ...layer,
        policies: [...layer.policies, ...accessPoints.known.flatMap((point) => point.layer.policies)],
      };

const DECRYPT = 'kms:Decrypt';

/**
 * Whether the principal may decrypt with the key of a bucket. S3 asks KMS on behalf of whoever reads an object, so both must let them.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
 */
function decideKey(
  access: Access,
  principal: KnownPrincipal,
  { resources, layer, resourceArn }: Destination,
): readonly PermissionDecision[] {
  const region = resourceArn.split(':')[3];
  const context = withKeys(access.contextOf(principal, DECRYPT), {
    'kms:CallerAccount': principal.accountId,
    ...(region === undefined ? {} : { 'kms:ViaService': `s3.${region}.amazonaws.com` }),
  });
  return resources.map((resource) =>
    access.decide(principal, DECRYPT, { resource, resourcePolicy: layer, context }),
  );
}

/** Undefined: the key is denied for certain. */
function withKey(
  { certainty, decisions }: Capability,
  ofKey: readonly PermissionDecision[],
): Capability | undefined {
  const key = capabilityOf(ofKey);
  if (key === undefined) return undefined;
  return { certainty: weaker(certainty, key.certainty), decisions: [...decisions, ...key.decisions] };
}

const undecided = ({ decisions }: Capability, { name }: Destination): Capability => ({
  certainty: 'cannot-decide',
  decisions: [
    ...decisions,
    {
      kind: 'cannot-decide',
      action: DECRYPT,
      statements: [],
      reason: 'missing-document',
      detail: `whether key \`${name}\` lets it decrypt does not follow from what was seen`,
    },
  ],
});

/** What is not known of a destination, in words; empty: its policy and grants were read. */
function notSeenOf(destination: Destination, access: Access): readonly string[] {
  const { layer, grantsNotSeen, keyNotSeen, accessLists, accountId } = destination;
  return [
    ...layer.unreadable.map(({ detail }) => `${detail}; whom it lets in and keeps out is not known`),
    ...(grantsNotSeen === undefined ? [] : [`${grantsNotSeen}; whom they let in is not known`]),
    ...(keyNotSeen === undefined ? [] : [`${keyNotSeen}; who reads its objects may need a key too`]),
    ...(accessLists === undefined ? [] : [`${accessLists}; they may let others in`]),
    ...accessPointsNotSeen(destination, access),
    ...(accountId === undefined || access.isSeen(accountId)
      ? []
      : [`the users, groups and roles of its account (${accountId}) were not seen`]),
  ];
}

/**
 * Whom the owner's own policies let in through an access point is not known without its list; those of other accounts, and the policies of all of
 * them, only count where the bucket policy leaves it to them.
 */
function accessPointsNotSeen({ layer, accessPoints }: Destination, access: Access): readonly string[] {
  if (accessPoints === undefined) return [];
  const leftTo = accountsLeftTo(layer);
  const unread = speaksOfAccessPoints([layer])
    ? accessPoints.known.flatMap((point) => point.layer.unreadable.map(({ detail }) => detail))
    : [];
  const unlisted = [...new Set([...accessPoints.owners, ...leftTo])].flatMap((account) =>
    account === undefined || !access.isOfOrganization(account) || accessPoints.isListed(account)
      ? []
      : [notListed(account, accessPoints.whyNot(account))],
  );
  return [...unread, ...unlisted].map((text) => `${text}; whom they let in is not known`);
}

/** The strongest decision for each action; undefined: all are denied. */
function capabilityOf(decisions: readonly PermissionDecision[]): Capability | undefined {
  const certainty = strongestOf(decisions);
  if (certainty === 'denied') return undefined;
  const strongest = Map.groupBy(
    decisions.filter(({ kind }) => kind !== 'denied'),
    ({ action }) => action,
  );
  return {
    certainty,
    decisions: [...strongest.values()].flatMap((of) => {
      const kind = strongestOf(of);
      const ofKind = of.filter((decision) => decision.kind === kind);
      // One that something speaks for says more than one that only could not be read.
      return ofKind.find(({ statements }) => statements.length > 0) ?? ofKind[0] ?? [];
    }),
  };
}

/**
 * Where the policy or the grants were not read, everybody may be let in: those are listed for whom an Allow speaks, and root users of the
 * account. A group is nobody that a resource can name: it is listed for what its own policies allow.
 */
function isShown(
  principal: KnownPrincipal,
  { decisions }: Capability,
  { layer, grantsNotSeen }: Destination,
): boolean {
  if (principal.type === 'root') return true;
  const isBlind = layer.unreadable.length > 0 || grantsNotSeen !== undefined;
  if (!isBlind && principal.type !== 'group') return true;
  const held = new Set(layer.policies.map(({ name }) => name));
  return decisions.some(({ statements }) =>
    statements.some(
      ({ effect, policy }) => effect === 'Allow' && (principal.type !== 'group' || !held.has(policy)),
    ),
  );
}

/**
 * The principals whom the destination could let in.
 *
 * @param layer - what it and its access points say
 */
function candidates(
  access: Access,
  { accountId, namedIn }: Destination,
  layer: PolicyLayer,
  byAccount: ReadonlyMap<string, readonly KnownPrincipal[]>,
): readonly KnownPrincipal[] {
  const accounts = new Set<string>(
    accountId === undefined ? namedIn.map((place) => place.accountId) : [accountId],
  );
  for (const { document } of layer.policies)
    for (const { effect, principals } of document.statements) {
      if (effect !== 'Allow' || principals === undefined) continue;
      if (principals.kind === 'NotPrincipal') return access.principals;
      for (const { type, value } of principals.entries) {
        if (type === 'Service' || type === 'Federated') continue;
        const account = /^[0-9]{12}$/.test(value) ? value : value.split(':')[4];
        if (type === 'CanonicalUser' || account === undefined || !/^[0-9]{12}$/.test(account))
          return access.principals;
        accounts.add(account);
      }
    }
  return [...accounts].flatMap((account) => byAccount.get(account) ?? []);
}

/** ``bucket `prompts` of shop (222222222222)``. */
export function whereWords(destination: Destination, nameOf: (accountId: string) => string): string {
  const { accountId, namedIn } = destination;
  const regions = [...new Set(namedIn.map(({ region }) => region))].join(', ');
  const whose =
    accountId === undefined
      ? `, named by ${[...new Set(namedIn.map((place) => nameOf(place.accountId)))].join(', ')}; whose it is is not known`
      : ` of ${nameOf(accountId)}`;
  return `${destinationWords(destination)}${whose} (${regions})`;
}
