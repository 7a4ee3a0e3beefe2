import { arnLike } from '../iam/index.ts';
import type { Control, Policy } from '../policy/index.ts';
import { evaluateControl } from '../rules/index.ts';
import { factSetOf } from './regions.ts';
import { approvalsSuffice, judgeExample } from './request-example.ts';
import type { Said, Witness } from './types.ts';

/**
 * Asks the evaluators again whether a witness is one: `evaluateControl` for facts, `judge` for a request, `quorum` for approvals,
 * the resolver for an account, the ARN patterns for a principal. A plain sentence has nothing to ask.
 */
export function replays(witness: Witness, old: Policy, next: Policy): boolean {
  switch (witness.kind) {
    case 'facts':
      return (
        confirms(witness.saidByOld, old.controls, witness) &&
        confirms(witness.saidByNew, next.controls, witness)
      );
    case 'request':
      return (
        judgeExample(witness.example, old).outcome === witness.judgedByOld &&
        judgeExample(witness.example, next).outcome === witness.judgedByNew &&
        witness.judgedByOld !== witness.judgedByNew
      );
    case 'approvals':
      return (
        approvalsSuffice(witness.approvedBy, old) === witness.sufficesForOld &&
        approvalsSuffice(witness.approvedBy, next) === witness.sufficesForNew &&
        witness.sufficesForOld !== witness.sufficesForNew
      );
    case 'principal':
      return (
        isAdministrator(witness.arn, old) === witness.isAdministratorInOld &&
        isAdministrator(witness.arn, next) === witness.isAdministratorInNew &&
        witness.isAdministratorInOld !== witness.isAdministratorInNew
      );
    case 'account':
    case 'plain':
      return witness.old !== witness.new;
  }
}

const isAdministrator = (arn: string, policy: Policy): boolean =>
  policy.storage.administrators.some(({ principal }) => arnLike(principal, arn));

function confirms(said: Said, controls: readonly Control[], witness: Witness & { kind: 'facts' }): boolean {
  if (said.outcome === 'not-checked') return said.controlId === undefined;
  const control = controls.find(({ id }) => id === said.controlId);
  return (
    control !== undefined &&
    control.severity === said.severity &&
    control.coverableByException === said.isCoverable &&
    evaluateControl(control, factSetOf(witness.facts)).outcome === said.outcome
  );
}
