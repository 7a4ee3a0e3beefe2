import type { DecidingStatement, PermissionDecision } from './evaluate.ts';

/** A document may hold thousands of matching statements; a person reads a few. */
const MAX_STATEMENTS = 20;

/**
 * The statements behind decisions, one line each, with the actions they concern: a person can find every one of them in the account.
 * A denial needs no list of what does not allow.
 */
export function describeStatements(decisions: readonly PermissionDecision[]): readonly string[] {
  const actionsByLine = new Map<string, Set<string>>();
  for (const decision of decisions) {
    if (decision.kind === 'denied') continue;
    for (const statement of decision.statements) {
      const line = describeStatement(statement);
      const actions = actionsByLine.get(line) ?? new Set();
      actionsByLine.set(line, actions.add(decision.action));
    }
  }
  const lines = [...actionsByLine].map(([line, actions]) => `${line}: ${[...actions].join(', ')}`);
  return lines.length <= MAX_STATEMENTS
    ? lines
    : [...lines.slice(0, MAX_STATEMENTS), `and ${lines.length - MAX_STATEMENTS} more statements`];
}

/** ``inline policy `Build`, Statement[0] (`Sid`), allows by `bedrock:*` only if `aws:MultiFactorAuthPresent is true` ``. */
export function describeStatement({
  policy,
  index,
  sid,
  effect,
  actions,
  onlyIf,
}: DecidingStatement): string {
  const name = sid === undefined ? '' : ` (\`${sid}\`)`;
  const verb = effect === 'Allow' ? 'allows' : 'denies';
  const condition =
    onlyIf.length === 0 ? '' : ` only if ${onlyIf.map((words) => `\`${words}\``).join(' and ')}`;
  return `${policy}, Statement[${index}]${name}, ${verb} by \`${actions}\`${condition}`;
}

/** Why each action is denied; many actions are mostly denied for one reason. */
export const describeDenials = (decisions: readonly PermissionDecision[]): readonly string[] => [
  ...new Set(
    decisions.flatMap((decision) =>
      decision.kind === 'denied' ? [[decision.because, ...decision.statements.map(placeOf)].join(', ')] : [],
    ),
  ),
];

const placeOf = ({ policy, index }: DecidingStatement): string => `${policy} Statement[${index}]`;

/** How certain it is that somebody may do something, after their name. */
export const CERTAINTY_WORDS = {
  allowed: 'may',
  'conditionally-allowed': 'may, under conditions',
  'cannot-decide': 'cannot be decided',
  denied: 'may not',
} as const satisfies Record<PermissionDecision['kind'], string>;
