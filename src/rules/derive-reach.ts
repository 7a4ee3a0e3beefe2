import { partitionOfRegion, type Region } from '../core/index.ts';
import type { FactSource } from '../evidence/index.ts';
import { describeStatements, type PermissionDecision } from '../iam/index.ts';
import type { FactName } from '../policy/index.ts';
import type { Reached, ReachQuestion } from './account-reach.ts';
import {
  type AccountInput,
  type AccountSubjectInput,
  type DerivedFact,
  observedFact,
  quoted,
  unobservableFact,
} from './derived-fact.ts';
import { FORCED_RETENTION } from './retaining-models.ts';

type ReachInput = AccountInput & Pick<AccountSubjectInput, 'reach'>;

/** What changes the retention mode of an account or of a project, with the condition key that carries the mode asked for. */
const MODE_CHANGES = [
  ['bedrock:PutAccountDataRetention', 'bedrock:DataRetentionMode'],
  ['bedrock-mantle:PutAccountDataRetention', 'bedrock-mantle:DataRetentionMode'],
  ['bedrock-mantle:CreateProject', 'bedrock-mantle:DataRetentionMode'],
  ['bedrock-mantle:UpdateProject', 'bedrock-mantle:DataRetentionMode'],
] as const;

/** Every mode but `none`, and one that AWS has not invented yet: a list of forbidden modes would let that one through. */
const OTHER_MODES = [
  'default',
  'aws_review',
  'provider_data_share',
  'inherit',
  'a-mode-of-tomorrow',
] as const;

const SOURCE: FactSource = { call: 'organizations:ListTargetsForPolicy + organizations:DescribePolicy' };
const ANYONE: FactSource = { call: `${SOURCE.call} + iam:GetAccountAuthorizationDetails` };

/** Facts about what can be done from an account, over the control policies above it and everybody in it. */
export const REACH_FACTS = {
  'dataRetention.lock': (input: ReachInput): DerivedFact => {
    const open: string[] = [];
    const conditional: PermissionDecision[] = [];
    for (const region of regionsOf(input))
      for (const [action, key] of MODE_CHANGES)
        for (const mode of OTHER_MODES) {
          const { kind, decisions } = input.reach.underControlPolicies({
            actions: [action],
            region,
            keys: { [key]: mode },
          });
          if (kind === 'denied') continue;
          if (kind === 'cannot-decide') return undecided(input, decisions);
          if (kind === 'allowed') open.push(`\`${action}\` to mode \`${mode}\` in ${region}`);
          else conditional.push(...decisions);
          // One way through is enough to know of this action.
          break;
        }
    const seen = { at: input.takenAt, source: SOURCE };
    if (open.length > 0)
      return observedFact(
        'open',
        seen,
        `no service control policy denies ${listed(open)}`,
        ...(input.isManagementAccount ? ['no service control policy restricts the management account'] : []),
      );
    if (conditional.length > 0)
      return observedFact(
        'conditional',
        seen,
        'service control policies deny other retention modes only under conditions',
        ...describeStatements(conditional),
      );
    return observedFact('locked', seen, 'service control policies deny every retention mode but `none`');
  },

  'mantle.inference': (input: ReachInput): DerivedFact =>
    mostOf(input, 'use models of `bedrock-mantle`', (region) => ({
      actions: ['bedrock-mantle:CreateInference'],
      region,
    })),

  'forcedRetentionModels.invocation': (input: ReachInput): DerivedFact =>
    mostOf(
      input,
      `invoke a model that cannot be used without AWS keeping its traffic (${FORCED_RETENTION.map(({ name }) => name).join(', ')})`,
      ...FORCED_RETENTION.flatMap(({ ids }) => ids).map(
        (id) =>
          (region: Region): ReachQuestion => ({
            actions: ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'],
            region,
            resource: `arn:${partitionOfRegion(region)}:bedrock:${region}::foundation-model/${id}`,
          }),
      ),
    ),
} as const satisfies Partial<Record<FactName, (input: ReachInput) => DerivedFact>>;

const regionsOf = ({ policy }: ReachInput): readonly Region[] => policy.storage.scope.regions.toSorted();

/** The most that anybody can do in any governed Region. */
function mostOf(
  input: ReachInput,
  toDo: string,
  ...questions: readonly ((region: Region) => ReachQuestion)[]
): DerivedFact {
  const seen = { at: input.takenAt, source: ANYONE };
  let conditional: (Reached & { readonly region: Region }) | undefined;
  let unknown: DerivedFact | undefined;
  for (const region of regionsOf(input))
    for (const question of questions) {
      const answer = input.reach.byAnyone(question(region));
      if (answer.kind === 'unobservable') {
        unknown ??= unobservableFact(answer, 'the account’s users, groups and roles');
        continue;
      }
      if (answer.kind === 'cannot-decide') unknown ??= undecided(input, answer.decisions);
      else if (answer.kind === 'allowed')
        return observedFact(
          'allowed',
          seen,
          `${who(answer)} may ${toDo} in ${region}`,
          ...describeStatements(answer.decisions),
        );
      else if (answer.kind === 'conditionally-allowed') conditional ??= { ...answer, region };
    }
  // What nobody could see outweighs what hangs on conditions: it may be allowed outright.
  if (unknown !== undefined) return unknown;
  if (conditional !== undefined)
    return observedFact(
      'conditionally-allowed',
      seen,
      `${who(conditional)} may ${toDo} in ${conditional.region}, under the conditions below`,
      ...describeStatements(conditional.decisions),
    );
  return observedFact('denied', seen, `nobody in the account may ${toDo}`);
}

const who = ({ who: arn }: Reached): string => (arn === undefined ? 'somebody' : quoted(arn));

const MAX_LISTED = 4;
const listed = (items: readonly string[]): string =>
  items.length <= MAX_LISTED
    ? items.join(', ')
    : `${items.slice(0, MAX_LISTED).join(', ')} and ${items.length - MAX_LISTED} more`;

function undecided({ guardrails }: ReachInput, decisions: readonly PermissionDecision[]): DerivedFact {
  const found = decisions.find((decision) => decision.kind === 'cannot-decide');
  return unobservableFact(
    {
      kind: 'unobservable',
      reason:
        found?.reason === 'guardrails-unobservable' && guardrails.kind === 'unobservable'
          ? guardrails.reason
          : found?.reason === 'missing-document'
            ? 'not-collected'
            : 'malformed',
      ...(found === undefined ? {} : { detail: found.detail }),
      source: SOURCE,
    },
    'what is permitted',
  );
}
