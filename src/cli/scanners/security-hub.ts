import { type EpochMs, formatInstant, partitionOfRegion, type Region } from '../../core/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import { cut } from '../report/plain-text.ts';
import { safeJson } from '../report/safe-json.ts';
import { printable } from '../terminal/index.ts';
import type { Suppression, SuppressionSet } from './suppressions.ts';

/** A filter of an automation rule takes this many values (Security Hub API reference, `AutomationRulesFindingFilters`). */
export const MOST_VALUES = 20;
/** `Note.Text` and `Description` of a rule. */
const NOTE_LENGTH = 512;
const RULE_NAME_LENGTH = 256;

/**
 * Automation rules of Security Hub, an array of inputs for `CreateAutomationRule`, to be created in this order in the administrator account
 * of each aggregation Region. A rule has no expiry of its own: each matches only findings that were updated before its end, so a
 * suppression that nobody renews stops by itself.
 */
export function securityHubRules(set: SuppressionSet, { policy }: LoadedPolicy): string {
  const rules = merged(set.suppressions).map((each, index) =>
    ruleOf(each, index + 1, set, policy.metadata.id),
  );
  return `${safeJson(rules, 2)}\n`;
}

interface Rule {
  readonly check: string;
  readonly accounts: readonly string[];
  readonly regions: readonly Region[];
  readonly resource?: { readonly id: string; readonly comparison: 'EQUALS' | 'PREFIX' };
  readonly reason: string;
  readonly until: EpochMs;
}

/** Accounts with the same Regions share a rule, as many as a filter takes; each resource has one of its own. */
function merged(suppressions: readonly Suppression[]): readonly Rule[] {
  const byAccount = new Map<string, Suppression[]>();
  const rules: Rule[] = [];
  for (const each of suppressions) {
    const { check, accountId, region, reason, until } = each;
    const resource = resourceOf(each);
    if (resource !== undefined) {
      rules.push({ check, accounts: [accountId], regions: [region], resource, reason, until });
      continue;
    }
    const key = JSON.stringify([check, accountId]);
    byAccount.set(key, [...(byAccount.get(key) ?? []), each]);
  }
  const alike = new Map<string, Suppression[][]>();
  for (const own of byAccount.values()) {
    const key = JSON.stringify([own[0]?.check, own.map(({ region }) => region)]);
    alike.set(key, [...(alike.get(key) ?? []), own]);
  }
  for (const group of alike.values()) {
    const first = group[0]?.[0];
    if (first === undefined) continue;
    const { check, reason, until } = first;
    const regions = (group[0] ?? []).map(({ region }) => region);
    const accounts = group.flatMap(([one]) => one?.accountId ?? []);
    for (const some of chunks(accounts))
      for (const few of chunks(regions)) rules.push({ check, accounts: some, regions: few, reason, until });
  }
  return rules;
}

function resourceOf({ resource, accountId, region }: Suppression): Rule['resource'] {
  if (resource === undefined) return undefined;
  const partition = partitionOfRegion(region);
  return resource.kind === 'bucket'
    ? { id: `arn:${partition}:s3:::${resource.name}`, comparison: 'EQUALS' }
    : // Some findings write a log group's ARN with `:*` behind it. The name ends in the exception's own id, so nothing else begins so.
      { id: `arn:${partition}:logs:${region}:${accountId}:log-group:${resource.name}`, comparison: 'PREFIX' };
}

function ruleOf(rule: Rule, order: number, { asOf }: SuppressionSet, policyId: string) {
  const { check, accounts, regions, resource, reason, until } = rule;
  const says = cut(printable(`Until ${formatInstant(until)}: ${reason}`), NOTE_LENGTH);
  const equals = (values: readonly string[]) => values.map((Value) => ({ Value, Comparison: 'EQUALS' }));
  return {
    RuleName: cut(`proviso/${policyId}/${check}/${order}`, RULE_NAME_LENGTH),
    RuleOrder: order,
    RuleStatus: 'ENABLED',
    IsTerminal: false,
    Description: says,
    Criteria: {
      ComplianceSecurityControlId: equals([check]),
      AwsAccountId: equals(accounts),
      ResourceRegion: equals(regions),
      ...(resource === undefined
        ? {}
        : { ResourceId: [{ Value: resource.id, Comparison: resource.comparison }] }),
      RecordState: equals(['ACTIVE']),
      WorkflowStatus: equals(['NEW', 'NOTIFIED']),
      UpdatedAt: [{ Start: formatInstant(asOf), End: formatInstant(until) }],
    },
    Actions: [
      {
        Type: 'FINDING_FIELDS_UPDATE',
        FindingFieldsUpdate: {
          Workflow: { Status: 'SUPPRESSED' },
          Note: { Text: says, UpdatedBy: `proviso/${policyId}` },
        },
      },
    ],
  };
}

function chunks<T>(values: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(values.length / MOST_VALUES) }, (_, index) =>
    values.slice(index * MOST_VALUES, (index + 1) * MOST_VALUES),
  );
}
