import type { DecidingStatement, PermissionDecision } from '../iam/index.ts';
import { quoted } from './derived-fact.ts';

/**
 * The statements behind a permission, one line each, with the actions they concern: a person can find every one of them
 * in the account. A denial needs no list of what does not allow.
 *
 * @param toDo - the permission in words, after "may": `change prompt storage`
 */
export function describeDecision(
  kind: PermissionDecision['kind'],
  decisions: readonly PermissionDecision[],
  toDo: string,
): readonly string[] {
  if (kind === 'denied') return [`it may not ${toDo}: ${reasonsOf(decisions).join('; ')}`];
  const undecided = decisions.flatMap((decision) =>
    decision.kind === 'cannot-decide' ? [decision.detail] : [],
  );
  const headline =
    kind === 'cannot-decide'
      ? `whether it may ${toDo} cannot be decided: ${[...new Set(undecided)].join('; ')}`
      : `it may ${toDo}${kind === 'allowed' ? '' : ', under the conditions below'}`;
  return [headline, ...statementLines(decisions)];
}

/** Why each action is denied; many actions are mostly denied for one reason. */
const reasonsOf = (decisions: readonly PermissionDecision[]): readonly string[] => [
  ...new Set(
    decisions.flatMap((decision) =>
      decision.kind === 'denied' ? [[decision.because, ...decision.statements.map(placeOf)].join(', ')] : [],
    ),
  ),
];

const placeOf = ({ policy, index }: DecidingStatement): string => `${policy} Statement[${index}]`;

/** A document may hold thousands of matching statements; a person reads a few. */
const MAX_STATEMENTS = 20;

function statementLines(decisions: readonly PermissionDecision[]): readonly string[] {
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

function describeStatement({ policy, index, sid, effect, actions, onlyIf }: DecidingStatement): string {
  const name = sid === undefined ? '' : ` (${quoted(sid)})`;
  const verb = effect === 'Allow' ? 'allows' : 'denies';
  const condition = onlyIf.length === 0 ? '' : ` only if ${onlyIf.map(quoted).join(' and ')}`;
  return `${policy}, Statement[${index}]${name}, ${verb} by ${quoted(actions)}${condition}`;
}
