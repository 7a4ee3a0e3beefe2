import { stringify } from 'yaml';
import { type AccountId, err, ok, type Region, type Result } from '../core/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { RESOURCE_TYPES } from './resources.ts';

/**
 * AWS Config's limits (AWS Config Developer Guide, "Service Limits"; API reference of PutOrganizationConfigRule and
 * PutOrganizationConformancePack). What is above one is refused, with the numbers: AWS would refuse it half-way through a deployment.
 */
export const CONFIG_LIMITS = {
  templateBytes: 51_200,
  rulesPerPack: 130,
  ruleName: 64,
  description: 256,
  inputParameters: 1_024,
  functionArn: 256,
  excludedAccounts: 1_000,
  resourceTypes: 100,
} as const;

export interface ConfigOptions {
  readonly governanceAccount: AccountId;
  /** First part of the functions' names there, service and stage. */
  readonly functionPrefix: string;
  readonly partition: string;
  /** Accounts that cannot be called, and whatever else is left out, each with its reason. */
  readonly excluded: readonly { readonly accountId: AccountId; readonly reason: string }[];
}

export interface GeneratedConfig {
  /** For each governed Region, the input of two PutOrganizationConfigRule calls. */
  readonly regions: readonly { readonly region: Region; readonly rules: readonly OrganizationRule[] }[];
  /** The same rules as a template for PutOrganizationConformancePack, or for one account's CloudFormation. */
  readonly conformancePack: string;
  readonly excluded: ConfigOptions['excluded'];
}

export interface OrganizationRule {
  readonly OrganizationConfigRuleName: string;
  readonly OrganizationCustomRuleMetadata: {
    readonly Description: string;
    readonly LambdaFunctionArn: string;
    readonly OrganizationConfigRuleTriggerTypes: readonly string[];
    readonly InputParameters: string;
    readonly MaximumExecutionFrequency?: 'One_Hour';
    readonly ResourceTypesScope?: readonly string[];
  };
  readonly ExcludedAccounts?: readonly AccountId[];
}

const TRIGGERS = [
  'ConfigurationItemChangeNotification',
  'OversizedConfigurationItemChangeNotification',
] as const;

const RULES = [
  {
    name: 'proviso-settings',
    functionName: 'configSettings',
    what: 'Invocation logging and the data-retention mode of the account, every hour. An approved, live exception is COMPLIANT and named.',
  },
  {
    name: 'proviso-resources',
    functionName: 'configResources',
    what: 'Principals, buckets and keys as they change: who may change the storage of prompts, and where prompts are delivered.',
  },
] as const;

/**
 * The two rules of a policy for AWS Config, as organization rules and as a conformance pack. Deterministic.
 * Organization rules are made Region by Region: the call acts in its own Region alone.
 */
export function generateConfig(
  { policy, hash }: LoadedPolicy,
  options: ConfigOptions,
): Result<GeneratedConfig, readonly string[]> {
  const { id, version } = policy.metadata;
  // Only names the policy, so that a person sees in AWS Config which one reports. What decides is the policy in force.
  const parameters = JSON.stringify({ policy: id, version, hash: hash.slice(0, 16) });
  const types = Object.keys(RESOURCE_TYPES).sort();
  const regions = policy.storage.scope.regions.toSorted().map((name) => ({
    region: name as Region,
    rules: RULES.map(
      (rule): OrganizationRule => ({
        OrganizationConfigRuleName: rule.name,
        OrganizationCustomRuleMetadata: {
          Description: rule.what,
          LambdaFunctionArn: functionArn(rule.functionName, name, options),
          InputParameters: parameters,
          ...(rule.functionName === 'configSettings'
            ? {
                OrganizationConfigRuleTriggerTypes: ['ScheduledNotification'],
                MaximumExecutionFrequency: 'One_Hour' as const,
              }
            : { OrganizationConfigRuleTriggerTypes: TRIGGERS, ResourceTypesScope: types }),
        },
        ...(options.excluded.length === 0
          ? {}
          : { ExcludedAccounts: options.excluded.map(({ accountId }) => accountId).toSorted() }),
      }),
    ),
  }));
  const conformancePack = packOf(parameters, types, options);
  const problems = [
    ...new Set(regions.flatMap(({ rules }) => rules.flatMap(overLimits))),
    ...over('the conformance pack', Buffer.byteLength(conformancePack), CONFIG_LIMITS.templateBytes, 'bytes'),
    ...over('the conformance pack', RULES.length, CONFIG_LIMITS.rulesPerPack, 'rules'),
  ];
  return problems.length > 0 ? err(problems) : ok({ regions, conformancePack, excluded: options.excluded });
}

const functionArn = (
  name: string,
  region: string,
  { governanceAccount, functionPrefix, partition }: ConfigOptions,
) => `arn:${partition}:lambda:${region}:${governanceAccount}:function:${functionPrefix}-${name}`;

function overLimits(rule: OrganizationRule): readonly string[] {
  const {
    OrganizationConfigRuleName: name,
    OrganizationCustomRuleMetadata: metadata,
    ExcludedAccounts,
  } = rule;
  const of = (what: string) => `${what} of rule \`${name}\``;
  return [
    ...over(of('the name'), name.length, CONFIG_LIMITS.ruleName, 'characters'),
    ...over(of('the description'), metadata.Description.length, CONFIG_LIMITS.description, 'characters'),
    ...over(
      of('the function’s ARN'),
      metadata.LambdaFunctionArn.length,
      CONFIG_LIMITS.functionArn,
      'characters',
    ),
    ...over(
      of('the parameters'),
      metadata.InputParameters.length,
      CONFIG_LIMITS.inputParameters,
      'characters',
    ),
    ...over(
      of('the resource types'),
      metadata.ResourceTypesScope?.length ?? 0,
      CONFIG_LIMITS.resourceTypes,
      'types',
    ),
    ...over(of('the exclusions'), ExcludedAccounts?.length ?? 0, CONFIG_LIMITS.excludedAccounts, 'accounts'),
  ];
}

const over = (what: string, is: number, limit: number, unit: string): readonly string[] =>
  is > limit ? [`${what} has ${is} ${unit}; AWS Config takes ${limit}`] : [];

/** A rule of a pack runs where the pack is deployed, so its function's Region is CloudFormation's to fill in. */
function packOf(parameters: string, types: readonly string[], options: ConfigOptions): string {
  const { governanceAccount, functionPrefix } = options;
  const resources = Object.fromEntries(
    RULES.map((rule) => [
      rule.functionName === 'configSettings' ? 'SettingsRule' : 'ResourcesRule',
      {
        Type: 'AWS::Config::ConfigRule',
        Properties: {
          ConfigRuleName: rule.name,
          Description: rule.what,
          InputParameters: JSON.parse(parameters) as unknown,
          ...(rule.functionName === 'configSettings' ? {} : { Scope: { ComplianceResourceTypes: types } }),
          Source: {
            Owner: 'CUSTOM_LAMBDA',
            SourceIdentifier: {
              'Fn::Sub': `arn:\${AWS::Partition}:lambda:\${AWS::Region}:${governanceAccount}:function:${functionPrefix}-${rule.functionName}`,
            },
            SourceDetails: (rule.functionName === 'configSettings'
              ? ['ScheduledNotification']
              : TRIGGERS
            ).map((MessageType) => ({
              EventSource: 'aws.config',
              MessageType,
              ...(MessageType === 'ScheduledNotification' ? { MaximumExecutionFrequency: 'One_Hour' } : {}),
            })),
          },
        },
      },
    ]),
  );
  return stringify({ Resources: resources }, { lineWidth: 0, aliasDuplicateObjects: false });
}
