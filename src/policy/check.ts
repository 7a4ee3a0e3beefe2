import type { DocumentPath, Problem, SourceDocument } from '../core/index.ts';
import { checkCondition, checkDepth, isSubject } from './check-conditions.ts';
import { checkLimits } from './check-limits.ts';
import { nearest } from './nearest.ts';
import { quote } from './problems.ts';
import { Report } from './report.ts';
import { STRICTNESS } from './resolve.ts';
import { CONTROL_ID, policySchema } from './schema.ts';
import { lookupOf } from './schema-lookup.ts';

/** Legal and Security can never be left out (invariant DISTINCT_QUORUM). */
export const INDISPENSABLE_ROLES = ['legal', 'security'] as const;

/** What may carry a statement beside a control or a field of the policy. */
export const CARRIERS_OUTSIDE = {
  attestation: 'a person vouches for it',
  planned: 'a later release of Proviso carries it',
  position: 'it is a position or a reason, nothing to check',
} as const;

const TREES = ['when', 'require'] as const;

/** Whether every condition tree is shallow enough to be looked at; the problems are in the report. */
export function checkConditionDepths(report: Report): boolean {
  return report
    .mappings(['controls'])
    .flatMap((control) => TREES.map((tree) => checkDepth(report, [...control, tree])))
    .every((isShallow) => isShallow);
}

/**
 * What a schema cannot say. It looks at the raw document, so that it can be asked beside the schema and all faults of a file
 * are told at once; whatever is not well-formed is left to the schema.
 */
export function checkPolicy(document: SourceDocument): readonly Problem[] {
  const report = new Report(document);
  checkMetadata(report);
  checkSourceReferences(report);
  checkDuplicates(report);
  checkCarriers(report);
  checkStorage(report);
  checkControls(report);
  checkRoles(report);
  checkLimits(report);
  return report.problems;
}

function checkMetadata(report: Report): void {
  if (
    report.value(['metadata', 'status']) === 'in-force' &&
    report.value(['metadata', 'effectiveFrom']) === undefined
  )
    report.add(
      ['metadata', 'status'],
      'effective-from-missing',
      'a policy in force says since when',
      'add `effectiveFrom:` with an instant, or write `status: draft`',
    );
}

function checkSourceReferences(report: Report): void {
  const known = report.mappings(['sources']).flatMap((path) => report.text([...path, 'id']) ?? []);
  const references = [
    ...report.mappings(['statements']).map((path): DocumentPath => [...path, 'source']),
    ...[
      ...report.mappings(['controls']).map((path): DocumentPath => [...path, 'source']),
      ...report
        .mappings(['exceptions', 'approvals', 'roles'])
        .map((path): DocumentPath => [...path, 'source']),
      ['exceptions', 'source'],
      ['review', 'source'],
    ].flatMap((path) => report.mappings(path)),
  ];
  for (const reference of references) {
    const path = [...reference, 'document'];
    const id = report.text(path);
    if (id === undefined || known.includes(id)) continue;
    const meant = nearest(id, known);
    report.add(
      path,
      'unknown-source',
      `\`sources\` has no document ${quote(id)}`,
      meant === undefined
        ? `add it to \`sources\`, or use one of ${list(known)}`
        : `did you mean \`${meant}\`?`,
    );
  }
}

/** Lists in which a name may stand once: where, which key holds the name (none: the entry itself), what it is. */
const UNIQUE: readonly (readonly [path: DocumentPath, key: string | undefined, what: string])[] = [
  [['sources'], 'id', 'source'],
  [['statements'], 'id', 'statement'],
  [['controls'], 'id', 'control'],
  [['storage', 'scope', 'regions'], undefined, 'Region'],
  [['storage', 'administrators'], 'principal', 'administrator'],
  [['storage', 'denied'], undefined, 'way to a model'],
  [['storage', 'overrides'], 'organizationalUnit', 'override of the unit'],
  [['exceptions', 'approvals', 'roles'], 'role', 'role'],
  [['exceptions', 'approvals', 'escalateTo'], undefined, 'role'],
  [['exceptions', 'notice', 'withheldBy'], undefined, 'role'],
  [['exceptions', 'scope', 'topologies'], undefined, 'topology'],
  [['exceptions', 'scope', 'modalities'], undefined, 'modality'],
  [['exceptions', 'destination', 'kinds'], undefined, 'kind of destination'],
  [['review', 'reviewers'], 'body', 'reviewer'],
];

function checkDuplicates(report: Report): void {
  for (const [path, key, what] of UNIQUE) {
    const entries = report.value(path);
    if (!Array.isArray(entries)) continue;
    const seen = new Map<string, number>();
    for (const index of entries.keys()) {
      const at = key === undefined ? [...path, index] : [...path, index, key];
      const name = report.text(at);
      if (name === undefined) continue;
      const first = seen.get(name);
      if (first === undefined) seen.set(name, index);
      else
        report.add(
          at,
          'duplicate-entry',
          `the ${what} ${quote(name)} stands twice`,
          `keep one of the two; the first is entry ${first + 1} of the list`,
        );
    }
  }
}

function checkCarriers(report: Report): void {
  const controls = report.mappings(['controls']).flatMap((path) => report.text([...path, 'id']) ?? []);
  // With an id misspelt or used twice, every mention of the right one would be an echo of that fault.
  const areIdsSound =
    new Set(controls.filter((id) => CONTROL_ID.test(id))).size === report.mappings(['controls']).length;
  for (const statement of report.mappings(['statements'])) {
    const carriers = report.value([...statement, 'carriedBy']);
    if (!Array.isArray(carriers)) continue;
    for (const [index, carrier] of carriers.entries()) {
      if (typeof carrier !== 'string' || carrier.trim() === '') continue;
      const isKnown =
        controls.includes(carrier) ||
        (!areIdsSound && CONTROL_ID.test(carrier)) ||
        Object.hasOwn(CARRIERS_OUTSIDE, carrier) ||
        isField(carrier);
      if (isKnown) continue;
      const meant = nearest(carrier, [
        ...controls,
        ...Object.keys(CARRIERS_OUTSIDE),
        'storage',
        'exceptions',
        'review',
      ]);
      report.add(
        [...statement, 'carriedBy', index],
        'unknown-carrier',
        `${quote(carrier)} is neither a control nor a field of this policy`,
        meant === undefined
          ? 'name a control, a field below `storage`, `exceptions` or `review`, or one of `attestation`, `planned`, `position`'
          : `did you mean \`${meant}\`?`,
      );
    }
  }
}

/** `exceptions.limits.retention`: a path to something the language has. Whether it is there, the schema tells. */
function isField(carrier: string): boolean {
  const path = carrier.split('.');
  if (!['storage', 'exceptions', 'review'].includes(path[0] ?? '')) return false;
  const lookup = lookupOf(policySchema);
  return path.every((step, index) => lookup(path.slice(0, index)).keys.includes(step));
}

function checkStorage(report: Report): void {
  for (const path of report.mappings(['storage', 'administrators'])) {
    const principal = report.text([...path, 'principal']);
    if (principal !== undefined && /:(role|user)\/[*?/]+$/.test(principal))
      report.add(
        [...path, 'principal'],
        'administrator-too-wide',
        `${quote(principal)} makes everybody a storage administrator`,
        'name the roles, for example by their path: `arn:*:iam::*:role/proviso/*`',
      );
  }
  for (const path of report.mappings(['storage', 'overrides'])) {
    const fields = (['baseline', 'enforcement'] as const).filter(
      (field) => report.value([...path, field]) !== undefined,
    );
    if (fields.length === 0)
      report.add(
        path,
        'override-empty',
        'this override changes nothing',
        'set `baseline` or `enforcement`, or remove the override',
      );
    for (const field of fields) checkOverride(report, path, field);
  }
}

function checkOverride(report: Report, path: DocumentPath, field: 'baseline' | 'enforcement'): void {
  const strictness: Readonly<Record<string, number>> = STRICTNESS[field];
  const general = report.text(['storage', field]) ?? '';
  const own = report.text([...path, field]) ?? '';
  const [from, to] = [strictness[general], strictness[own]];
  if (from === undefined || to === undefined || to > from) return;
  if (to < from)
    report.add(
      [...path, field],
      'override-looser',
      `\`${own}\` is looser than \`${general}\`, which holds everywhere`,
      'an override may only be stricter: remove it, or change what holds everywhere',
    );
  else
    report.add(
      [...path, field],
      'override-empty',
      `\`${own}\` holds everywhere already`,
      'remove the line, or the override',
    );
}

function checkControls(report: Report): void {
  for (const path of report.mappings(['controls'])) {
    const subject = report.value([...path, 'subject']);
    for (const tree of TREES)
      checkCondition(report, [...path, tree], isSubject(subject) ? subject : undefined);
    // An exception is a lease on an account and Region; it says nothing about who somebody is.
    if (subject === 'principal' && report.value([...path, 'coverableByException']) === true)
      report.add(
        [...path, 'coverableByException'],
        'not-coverable',
        'an exception covers an account and Region, never a principal',
        'set it to `false`, or remove the line',
      );
  }
}

function checkRoles(report: Report): void {
  const path = ['exceptions', 'approvals', 'roles'];
  if (!Array.isArray(report.value(path))) return;
  const roles = report.mappings(path).flatMap((role) => report.text([...role, 'role']) ?? []);
  for (const role of INDISPENSABLE_ROLES) {
    if (!roles.includes(role))
      report.add(
        path,
        'missing-role',
        `no exception may be approved without \`${role}\``,
        `add a role \`${role}\`; Legal and Security can never be left out`,
      );
  }
}

const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
