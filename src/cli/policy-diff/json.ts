import { formatInstant } from '../../core/index.ts';
import { isLoosening, type Place, type RequestImpact, type Witness } from '../../diff/index.ts';
import type { GateAnswer } from './approvals.ts';
import type { PolicyDiffJson } from './json-schema.ts';
import type { DiffReport, PlacedChange } from './report.ts';

/** The whole report, nothing left out, in the form of json-schema.ts. */
export function diffJson(report: DiffReport): PolicyDiffJson {
  return {
    kind: 'PolicyDiff',
    schemaVersion: 1,
    isLoosened: report.results.some(({ diff }) => diff.changes.some(isLoosening)),
    policies: report.results.map(({ diff, title, changes, gate }) => ({
      policyId: diff.policyId,
      title,
      old: { ...diff.old },
      new: { ...diff.new },
      counts: { ...diff.counts },
      reviewers: diff.reviewers.map((reviewer) => ({ ...reviewer })),
      renamedControls: { ...diff.renamedControls },
      changes: changes.map(changeJson),
      ...(gate === undefined ? {} : { gate: gateJson(gate) }),
    })),
    impact: {
      snapshots: report.snapshots.map((impact) => ({
        ...impact,
        takenAt: formatInstant(impact.takenAt),
        changes: impact.changes.map(({ finding, subject, ...change }) => ({
          ...change,
          subject: { ...subject },
          controlId: finding.controlId,
          decidingClause: finding.decidingClause,
          evidence: [...finding.evidence],
        })),
      })),
      ...(report.requests === undefined
        ? {}
        : {
            requests: {
              requests: report.requests.requests,
              changes: report.requests.changes.map(requestJson),
            },
          }),
    },
  };
}

type GateJson = NonNullable<PolicyDiffJson['policies'][number]['gate']>;

function gateJson(gate: GateAnswer): GateJson {
  if (gate.kind === 'not-needed') return { kind: gate.kind };
  const { approved, missing, ignored, ofOtherChanges } = gate.verdict;
  return {
    kind: gate.kind,
    because: gate.because,
    approved: approved.map((each) => ({ ...each })),
    missing: missing.map(({ body, title }) => ({ body, title })),
    ignored: [...ignored],
    ofOtherChanges,
  };
}

type ChangeJson = PolicyDiffJson['policies'][number]['changes'][number];
type WitnessJson = NonNullable<ChangeJson['loosens']>;

function changeJson({ change, new: place, old }: PlacedChange): ChangeJson {
  const { area, direction, isDecided, path, says, remark, loosens, tightens } = change;
  return {
    area,
    direction,
    isDecided,
    path,
    says,
    ...(remark === undefined ? {} : { remark }),
    ...(loosens === undefined ? {} : { loosens: witnessJson(loosens) }),
    ...(tightens === undefined ? {} : { tightens: witnessJson(tightens) }),
    place: { new: placeJson(place), ...(old === undefined ? {} : { old: placeJson(old) }) },
  };
}

/** A witness is plain data already; only its lists are readonly. */
const witnessJson = (witness: Witness): WitnessJson => structuredClone(witness) as WitnessJson;

const placeJson = ({ file, line, column }: Place) => ({ file, line, column });

function requestJson({ file, reference, direction, old, new: next }: RequestImpact) {
  const unmet = ({ conditions }: RequestImpact['old']): string[] =>
    conditions.filter(({ holds }) => holds !== 'met').map(({ clause, says }) => `${clause}: ${says}`);
  return {
    file,
    reference,
    direction,
    old: old.outcome,
    new: next.outcome,
    unmetByOld: unmet(old),
    unmetByNew: unmet(next),
  };
}
