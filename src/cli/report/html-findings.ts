import { formatInstant } from '../../core/index.ts';
import type { CheckReport, ControlSummary, Finding } from '../../rules/index.ts';
import { sourcesOf } from '../../rules/index.ts';
import { type Html, html, prose } from './escape.ts';
import { type ExplanationLine, explanationLines } from './explanation.ts';
import { type EarlierReport, type Seen, seenOf } from './history.ts';
import { describeEvidenceSource } from './sources.ts';
import {
  describeCoverage,
  describeSubject,
  STANDINGS,
  type Standing,
  standingOf,
  TRUTH_WORDS,
} from './words.ts';

/** Those with a card of their own; compliant and not-applicable ones stand in a list, because there are many. */
const DETAILED = ['non-compliant', 'indeterminate', 'covered'] as const satisfies readonly Standing[];
const isDetailed = (standing: Standing): boolean => (DETAILED as readonly Standing[]).includes(standing);

export function findingsSection(
  report: CheckReport,
  findings: readonly Finding[],
  earlier?: EarlierReport,
): Html {
  const card = (finding: Finding): Html => findingCard(finding, seenOf(finding, report, earlier));
  const detailed = findings.filter((finding) => isDetailed(standingOf(finding)));
  const rest = findings.filter((finding) => !isDetailed(standingOf(finding)));
  const nothing = html`<p>There is nothing to show here: no violation, and nothing unknown.</p>`;
  return html`<section aria-labelledby="findings"><h2 id="findings">Findings</h2>
${detailed.length === 0 ? nothing : [filterForm(report, detailed), ...report.byControl.map((control) => controlSection(control, detailed, card))]}
${rest.length === 0 ? '' : othersSection(rest)}
</section>`;
}

function filterForm(report: CheckReport, detailed: readonly Finding[]): Html {
  const boxes = DETAILED.map(
    (standing) =>
      html`<label><input type="checkbox" name="standing" value="${standing}" checked> ${standing} (${detailed.filter((finding) => standingOf(finding) === standing).length})</label>`,
  );
  const controls = report.byControl
    .filter(({ controlId }) => detailed.some((finding) => finding.controlId === controlId))
    .map(({ controlId, title }) => html`<option value="${controlId}">${controlId} ${title}</option>`);
  return html`<form id="filter" hidden>
<fieldset><legend>Show</legend>${boxes}</fieldset>
<div class="field"><label for="control">Control</label><select id="control" name="control"><option value="">all</option>${controls}</select></div>
<div class="field"><label for="search">Search</label><input id="search" name="search" type="search" autocomplete="off" placeholder="account, bucket, role"></div>
<p id="shown" class="muted" aria-live="polite"></p>
</form>`;
}

function controlSection(
  control: ControlSummary,
  detailed: readonly Finding[],
  card: (finding: Finding) => Html,
): Html {
  const own = detailed.filter(({ controlId }) => controlId === control.controlId);
  const [first] = own;
  if (first === undefined) return html``;
  const ordered = DETAILED.flatMap((standing) => own.filter((finding) => standingOf(finding) === standing));
  const heading = `control-${control.controlId}`;
  return html`<section class="control" aria-labelledby="${heading}">
<h3 id="${heading}">${control.controlId} ${control.title} <span class="muted">(${control.severity})</span></h3>
<p>A violation means: ${prose(first.message)}</p>
<p><strong>Remedy:</strong> ${prose(first.remedy)}</p>
${ordered.map(card)}
</section>`;
}

function findingCard(finding: Finding, when: Seen | undefined): Html {
  const standing = standingOf(finding);
  const { coveredBy } = finding;
  const covered =
    coveredBy === undefined
      ? ''
      : html`<p>Covered by <strong>${describeCoverage(coveredBy)}</strong> until <time>${formatInstant(coveredBy.until)}</time>. It is non-compliant all the same, and counts again when the ${coveredBy.kind} ends.</p>`;
  return html`<article class="finding" id="f-${finding.id}" data-standing="${standing}" data-control="${finding.controlId}">
<h4>${badge(standing)}${finding.accountName}: ${describeSubject(finding.subject)}</h4>
${covered}
<ul>${finding.evidence.map((line) => html`<li>${prose(line)}</li>`)}</ul>
<p class="muted">Calls: ${sourcesOf(finding).map(describeEvidenceSource).join('; ') || 'nothing was asked'}</p>
<details><summary>Every condition; decided by <code>${finding.decidingClause}</code></summary>${explanation(finding)}</details>
<p class="muted">finding <code>${finding.id}</code>${firstSeen(when)}</p>
</article>
`;
}

const firstSeen = (when: Seen | undefined): Html =>
  when === undefined
    ? html``
    : html`, first seen <time>${formatInstant(when.first)}</time>${when.change === undefined ? '' : html` (${when.change})`}`;

export const badge = (standing: Standing): Html => html`<span class="badge ${standing}">${standing}</span>`;

function explanation({ explanation: { when, require }, decidingClause }: Finding): Html {
  const tree = (says: string, node: typeof when): Html =>
    node === undefined
      ? html``
      : html`<p>${says}</p><ul class="tree">${explanationLines(node, decidingClause).map(condition)}</ul>`;
  return html`${tree('The control applies only when', when)}${tree('It is compliant exactly when', require)}`;
}

const TRUTH_STANDINGS = {
  true: 'compliant',
  false: 'non-compliant',
  unknown: 'indeterminate',
} as const satisfies Record<ExplanationLine['truth'], Standing>;

function condition(line: ExplanationLine): Html {
  const { seen, source = '' } = line;
  const evidence =
    seen === undefined
      ? ''
      : html`<br><span class="muted">${seen}${source === '' ? '' : html`, from ${source}`}</span>`;
  const deciding = line.isDeciding ? html` <strong>This clause decided.</strong>` : '';
  return html`<li class="d${Math.min(4, line.depth)}${line.isDeciding ? ' deciding' : ''}"><span class="badge ${TRUTH_STANDINGS[line.truth]}">${TRUTH_WORDS[line.truth]}</span>${prose(line.asks)}${deciding}<br><code>${line.path}</code>${evidence}</li>`;
}

function othersSection(rest: readonly Finding[]): Html {
  return html`<h3>Compliant and not applicable</h3>
${STANDINGS.filter((standing) => !isDetailed(standing)).map((standing) => {
  const own = rest.filter((finding) => standingOf(finding) === standing);
  return own.length === 0
    ? html``
    : html`<details><summary>${own.length} ${standing}</summary><div class="scroll" tabindex="0" role="region" aria-label="${standing} findings"><table><thead><tr><th scope="col">Control</th><th scope="col">Account</th><th scope="col">Subject</th><th scope="col">Decided by</th></tr></thead><tbody>
${own.map(
  (
    finding,
  ) => html`<tr><th scope="row">${finding.controlId}</th><td>${finding.accountName}</td><td>${describeSubject(finding.subject)}</td><td><code>${finding.decidingClause}</code></td></tr>
`,
)}</tbody></table></div></details>`;
})}`;
}
