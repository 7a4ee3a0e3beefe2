import type { Finding } from '../../rules/index.ts';
import { type FindingView, seen } from './view.ts';

/**
 * The findings for formats that fill somebody's inbox (SARIF, OCSF, ASFF): what is not known to be fine, and, against an earlier run, what
 * is fine again, so that it can be closed there.
 */
export const needsSomebody = (finding: Finding, view: FindingView): boolean =>
  seen(view, finding) !== undefined;
