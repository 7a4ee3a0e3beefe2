import { type AccountId, err, isAccountId, isRegion, ok, type Region, type Result } from '../core/index.ts';
import { type AccountPart, inMemory, type SnapshotHead } from './account-part.ts';
import type { SnapshotProblem } from './errors.ts';
import { sectionOf, usableRegions } from './sections/index.ts';
import {
  encodeIam,
  encodeObservation,
  encodeOptional,
  encodeOrganization,
  encodeResourcePolicies,
  encodeSections,
  toJsonText,
} from './snapshot-encode.ts';
import { decodeFile, type SnapshotFile } from './snapshot-parse.ts';
import {
  accountFileSchema,
  organizationFileSchema,
  regionFileSchema,
  SNAPSHOT_KIND,
} from './snapshot-schema.ts';
import { treeProblems } from './snapshot-tree.ts';
import type { AccountEvidence, Observation, RegionEvidence, Snapshot } from './types.ts';

/** Text by path below the snapshot's folder, with `/` between names. */
export type SnapshotFiles = ReadonlyMap<string, string>;

export const ORGANIZATION_FILE = 'organization.json';
export const LEASES_FILE = 'leases.json';
const ACCOUNT_FILE = 'account.json';
const ACCOUNTS_FOLDER = 'accounts';

/** Whether a path belongs to the layout; anything else in a folder is somebody else's. */
export function isSnapshotPath(path: string): boolean {
  if (path === ORGANIZATION_FILE || path === LEASES_FILE) return true;
  const [folder, account = '', file = '', ...rest] = path.split('/');
  return (
    folder === ACCOUNTS_FOLDER &&
    rest.length === 0 &&
    isAccountId(account) &&
    (file === ACCOUNT_FILE || (file.endsWith('.json') && isRegion(file.slice(0, -'.json'.length))))
  );
}

/** Whether the text of an `organization.json` says that its folder is a snapshot, of whatever version. */
export function isSnapshotMarker(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'kind' in value && value.kind === SNAPSHOT_KIND;
  } catch {
    return false;
  }
}

/**
 * The files of a snapshot: `organization.json`, `accounts/<id>/account.json`, `accounts/<id>/<region>.json`, and `leases.json` when the
 * snapshot came with leases. Pretty JSON, instants as UTC text, policy documents as JSON objects where that loses nothing.
 */
export function encodeSnapshot(snapshot: Snapshot): SnapshotFiles {
  const { schemaVersion, accounts, accountRegions } = snapshot;
  const regions = Map.groupBy(accountRegions, ({ accountId }) => accountId);
  return new Map([
    ...encodeHead(snapshot),
    ...accounts.flatMap((evidence) => [
      ...encodeAccount(schemaVersion, { evidence, regions: regions.get(evidence.accountId) ?? [] }),
    ]),
  ]);
}

/** The files of a snapshot that belong to no account. */
export function encodeHead(head: SnapshotHead): SnapshotFiles {
  const files = new Map([[ORGANIZATION_FILE, toJsonText(encodeOrganization(head))]]);
  if (head.leases !== undefined) files.set(LEASES_FILE, toJsonText(head.leases));
  return files;
}

/** The files of one account. */
export function encodeAccount(
  schemaVersion: SnapshotHead['schemaVersion'],
  { evidence, regions }: AccountPart,
): SnapshotFiles {
  const { accountId } = evidence;
  const folder = `${ACCOUNTS_FOLDER}/${accountId}`;
  return new Map([
    [
      `${folder}/${ACCOUNT_FILE}`,
      toJsonText({
        schemaVersion,
        accountId,
        iam: encodeObservation(evidence.iam, encodeIam),
        resourcePolicies: encodeOptional(evidence.resourcePolicies, encodeResourcePolicies),
        sections: encodeSections('account', evidence.sections),
      }),
    ],
    ...regions.map((pair): [string, string] => [
      `${folder}/${pair.region}.json`,
      toJsonText({
        schemaVersion,
        accountId,
        region: pair.region,
        invocationLogging: encodeObservation(pair.invocationLogging, (value) => value),
        dataRetention: encodeObservation(pair.dataRetention, (value) => value),
        sections: encodeSections('account-region', pair.sections),
      }),
    ]),
  ]);
}

/**
 * Reads the files of a snapshot, `encodeSnapshot` backwards.
 *
 * A fault of the envelope refuses the snapshot, with every fault found and not only the first. A value of AWS that cannot be read only
 * makes its own observation `unobservable: malformed`. An account without any file was `not-collected`; an account with some of its
 * files is a damaged snapshot.
 */
export function decodeSnapshot(files: SnapshotFiles): Result<Snapshot, readonly SnapshotProblem[]> {
  const decoded = decodeHead(files);
  if (!decoded.ok) return decoded;
  const head = decoded.value;
  const problems: SnapshotProblem[] = [];
  const folders = new Map<string, Map<string, string>>();
  for (const [path, text] of files) {
    if (path === ORGANIZATION_FILE || path === LEASES_FILE) continue;
    const [top, folder = '', name = '', ...rest] = path.split('/');
    if (top !== ACCOUNTS_FOLDER || rest.length > 0 || name === '') problems.push(unexpected(path));
    else folders.set(folder, (folders.get(folder) ?? new Map()).set(name, text));
  }
  const decode = accountDecoder(head);
  const parts = new Map<AccountId, AccountPart>();
  for (const folder of new Set([...folders.keys(), ...head.organization.accounts.map(({ id }) => id)])) {
    const part = decode(folder, folders.get(folder) ?? NO_FILES);
    if (part.ok) parts.set(part.value.evidence.accountId, part.value);
    else problems.push(...part.error);
  }
  if (problems.length > 0) return err(problems);
  return ok(inMemory(head, parts));
}

/** `organization.json` and `leases.json`: what a snapshot says beside its accounts. */
export function decodeHead(files: SnapshotFiles): Result<SnapshotHead, readonly SnapshotProblem[]> {
  const text = files.get(ORGANIZATION_FILE);
  if (text === undefined) {
    return err([
      {
        code: 'snapshot-missing',
        file: ORGANIZATION_FILE,
        field: '',
        message: 'the file is not there, so this folder is not a snapshot',
        remedy: 'name the folder that `proviso collect` wrote',
      },
    ]);
  }
  const head = decodeFile({ path: ORGANIZATION_FILE, text }, organizationFileSchema);
  if (!head.ok) return head;
  const tree = treeProblems(head.value, ORGANIZATION_FILE);
  if (tree.length > 0) return err(tree);
  const { schemaVersion, takenAt, organization, regions } = head.value;
  const found = { schemaVersion, takenAt, organization, regions };
  const leasesText = files.get(LEASES_FILE);
  if (leasesText === undefined) return ok(found);
  const leases = decodeFile({ path: LEASES_FILE, text: leasesText });
  return leases.ok ? ok({ ...found, leases: leases.value }) : leases;
}

/** What was read of one folder below `accounts/`. */
export type AccountDecoder = (
  folder: string,
  /** Text by file name. Without any, the account was not collected. */
  files: ReadonlyMap<string, string>,
) => Result<AccountPart, readonly SnapshotProblem[]>;

const NO_FILES: ReadonlyMap<string, string> = new Map();

/** Reads the files of one account at a time; the same checks as {@link decodeSnapshot}. */
export function accountDecoder({ organization, regions }: SnapshotHead): AccountDecoder {
  const known = new Map<string, AccountId>(organization.accounts.map(({ id }) => [id, id]));
  const askedEverywhere = new Set<string>(regions);
  return (folder, files) => {
    const problems: SnapshotProblem[] = [];
    const accountId = known.get(folder);
    let own: AccountEvidence | undefined;
    const pairs = new Map<Region, RegionEvidence>();
    const further: { readonly path: string; readonly region: Region }[] = [];
    for (const [name, text] of files) {
      const path = `${ACCOUNTS_FOLDER}/${folder}/${name}`;
      const file: SnapshotFile = { path, text };
      const place = placeOf(path);
      if (place === undefined) problems.push(unexpected(path));
      else if (accountId === undefined) problems.push(unknownAccount(path, place.accountId));
      else if (place.region === undefined) {
        const read = decodeFile(file, accountFileSchema);
        if (!read.ok) problems.push(...read.error);
        else {
          const { schemaVersion: _, ...evidence } = read.value;
          const { accountId: said, sections, ...observations } = evidence;
          problems.push(
            ...mismatches(path, place, { accountId: said }, { ...observations, ...below(sections) }),
          );
          own = evidence;
        }
      } else {
        const { region } = place;
        if (!askedEverywhere.has(region)) further.push({ path, region });
        const read = decodeFile(file, regionFileSchema);
        if (!read.ok) problems.push(...read.error);
        else {
          const { schemaVersion: _, ...evidence } = read.value;
          const { accountId: said, region: saidRegion, sections, ...observations } = evidence;
          const seen = { ...observations, ...below(sections) };
          problems.push(...mismatches(path, place, { accountId: said, region: saidRegion }, seen));
          pairs.set(region, evidence);
        }
      }
    }
    if (accountId === undefined) return problems.length > 0 ? err(problems) : err([]);
    const usable = new Set(usableRegions(sectionOf(own?.sections, 'regions')));
    problems.push(
      ...further.flatMap(({ path, region }) => (usable.has(region) ? [] : [unknownRegion(path, region)])),
      ...missingFiles(accountId, regions, files),
    );
    if (problems.length > 0) return err(problems);
    return ok({
      evidence: own ?? { accountId, iam: notInSnapshot },
      regions: [...new Set([...regions, ...further.map(({ region }) => region).sort()])].map(
        (region) =>
          pairs.get(region) ?? {
            accountId,
            region,
            invocationLogging: notInSnapshot,
            dataRetention: notInSnapshot,
          },
      ),
    });
  };
}

const notInSnapshot: Extract<Observation<never>, { kind: 'unobservable' }> = {
  kind: 'unobservable',
  reason: 'not-collected',
  detail: 'the snapshot has no files for this account',
};

interface Place {
  readonly accountId: AccountId;
  readonly region?: Region;
}

function placeOf(path: string): Place | undefined {
  if (!isSnapshotPath(path)) return undefined;
  const [, account = '', file = ''] = path.split('/');
  const regionName = file.slice(0, -'.json'.length);
  if (!isAccountId(account)) return undefined;
  return isRegion(regionName) ? { accountId: account, region: regionName } : { accountId: account };
}

/** Sections by their path in the file. */
const below = (
  sections: Readonly<Record<string, Observation<unknown> | undefined>> = {},
): Readonly<Record<string, Observation<unknown>>> =>
  Object.fromEntries(
    Object.entries(sections).flatMap(([name, seen]) =>
      seen === undefined ? [] : [[`sections.${name}`, seen]],
    ),
  );

/** Evidence filed under one account must not speak of another: a copied file would make an estate look clean. */
function mismatches(
  path: string,
  place: Place,
  said: Place,
  observations: Readonly<Record<string, Observation<unknown>>>,
): SnapshotProblem[] {
  const problems: SnapshotProblem[] = [];
  const compare = (field: string, where: Partial<Place> | undefined) => {
    for (const key of ['accountId', 'region'] as const) {
      const value = where?.[key];
      if (value === undefined || place[key] === undefined || value === place[key]) continue;
      problems.push({
        code: 'identity-mismatch',
        file: path,
        field: field === '' ? key : `${field}.${key}`,
        message: `says \`${value}\`, but the file stands under \`${place[key]}\``,
        remedy: 'put the file back where it was collected, or collect again',
      });
    }
  };
  compare('', said);
  for (const [name, observation] of Object.entries(observations)) {
    compare(`${name}.source`, observation.source);
  }
  return problems;
}

function missingFiles(
  id: AccountId,
  regions: readonly Region[],
  files: ReadonlyMap<string, string>,
): SnapshotProblem[] {
  const expected = [ACCOUNT_FILE, ...regions.map((region) => `${region}.json`)];
  const missing = expected.filter((name) => !files.has(name));
  if (missing.length === expected.length) return [];
  return missing.map(
    (name): SnapshotProblem => ({
      code: 'file-missing',
      file: `${ACCOUNTS_FOLDER}/${id}/${name}`,
      field: '',
      message: 'the file is not there, although other files of this account are',
      remedy: 'collect again; an account that was never collected has no folder at all',
    }),
  );
}

const unexpected = (path: string): SnapshotProblem => ({
  code: 'unexpected-file',
  file: path,
  field: '',
  message: 'the name is neither `account.json` nor a Region below an account id',
  remedy: 'remove the file or move it out of the snapshot',
});

const unknownAccount = (path: string, id: AccountId): SnapshotProblem => ({
  code: 'unknown-account',
  file: path,
  field: '',
  message: `account \`${id}\` is not in the organization`,
  remedy: 'remove the folder, or collect again so that the organization is current',
});

const unknownRegion = (path: string, name: Region): SnapshotProblem => ({
  code: 'unknown-region',
  file: path,
  field: '',
  message: `Region \`${name}\` is neither among the snapshot's Regions nor among those that the account can use`,
  remedy: `add \`${name}\` to \`regions\` in ${ORGANIZATION_FILE}, or remove the file`,
});
