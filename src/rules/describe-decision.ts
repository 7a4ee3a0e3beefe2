import { describeDenials, describeStatements, type PermissionDecision } from '../iam/index.ts';

/**
 * What a permission came to, and the statements behind it.
 * @param toDo - the permission in words, after "may": `change prompt storage`
 */
export function describeDecision(
  kind: PermissionDecision['kind'],
  decisions: readonly PermissionDecision[],
  toDo: string,
): readonly string[] {
  if (kind === 'denied') return [`it may not ${toDo}: ${describeDenials(decisions).join('; ')}`];
  const undecided = decisions.flatMap((decision) =>
    decision.kind === 'cannot-decide' ? [decision.detail] : [],
  );
  const headline =
    kind === 'cannot-decide'
      ? `whether it may ${toDo} cannot be decided: ${[...new Set(undecided)].join('; ')}`
      : `it may ${toDo}${kind === 'allowed' ? '' : ', under the conditions below'}`;
  return [headline, ...describeStatements(decisions)];
}
