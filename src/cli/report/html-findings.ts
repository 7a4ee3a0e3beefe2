import { formatInstant } from '../../core/index.ts';
import type { CheckSummary, ControlSummary, Finding } from '../../rules/index.ts';
import { sourcesOf } from '../../rules/index.ts';
import { type Html, html, prose } from './escape.ts';
import { type ExplanationLine, explanationLines } from './explanation.ts';
import { type Seen, seenOf } from './history.ts';
import { describeEvidenceSource } from './sources.ts';
import type { FindingView, Texts } from './view.ts';
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

/** The section of the findings, made as they come. */
export class FindingsSection {
  readonly #texts: Texts;
  readonly #view: Pick<FindingView, 'report' | 'earlier'>;
  readonly #counts: Record<Standing, number> = {
    compliant: 0,
    'non-compliant': 0,
    covered: 0,
    'not-applicable': 0,
    indeterminate: 0,
  };
  /** Of the first finding of each control that has a card: what a violation means, and the remedy. */
  readonly #first = new Map<string, Pick<Finding, 'message' | 'remedy'>>();

  constructor(texts: Texts, view: Pick<FindingView, 'report' | 'earlier'>) {
    this.#texts = texts;
    this.#view = view;
  }

  see(finding: Finding): void {
    const standing = standingOf(finding);
    const { controlId, message, remedy } = finding;
    this.#counts[standing] += 1;
    const { report, earlier } = this.#view;
    const made = isDetailed(standing)
      ? findingCard(finding, seenOf(finding, report, earlier))
      : rowOf(finding);
    if (isDetailed(standing) && !this.#first.has(controlId)) this.#first.set(controlId, { message, remedy });
    this.#texts.add(listOf(controlId, standing), made.text);
  }

  *pieces({ byControl }: Pick<CheckSummary, 'byControl'>): Generator<string> {
    yield html`<section aria-labelledby="findings"><h2 id="findings">Findings</h2>
`.text;
    const detailed = byControl.filter(({ controlId }) => this.#first.has(controlId));
    if (detailed.length === 0)
      yield html`<p>There is nothing to show here: no violation, and nothing unknown.</p>`.text;
    else yield filterForm(detailed, this.#counts).text;
    for (const { controlId, title, severity } of detailed) {
      const heading = `control-${controlId}`;
      const { message = '', remedy = '' } = this.#first.get(controlId) ?? {};
      yield html`<section class="control" aria-labelledby="${heading}">
<h3 id="${heading}">${controlId} ${title} <span class="muted">(${severity})</span></h3>
<p>A violation means: ${prose(message)}</p>
<p><strong>Remedy:</strong> ${prose(remedy)}</p>
`.text;
      for (const standing of DETAILED) yield* this.#texts.pieces(listOf(controlId, standing));
      yield '\n</section>';
    }
    yield '\n';
    const others = STANDINGS.filter((standing) => !isDetailed(standing) && this.#counts[standing] > 0);
    if (others.length > 0) yield '<h3>Compliant and not applicable</h3>\n';
    for (const standing of others) {
      yield html`<details><summary>${this.#counts[standing]} ${standing}</summary><div class="scroll" tabindex="0" role="region" aria-label="${standing} findings"><table><thead><tr><th scope="col">Control</th><th scope="col">Account</th><th scope="col">Subject</th><th scope="col">Decided by</th></tr></thead><tbody>
`.text;
      for (const { controlId } of byControl) yield* this.#texts.pieces(listOf(controlId, standing));
      yield '</tbody></table></div></details>';
    }
    yield '\n</section>';
  }
}

const listOf = (controlId: string, standing: Standing): string => `${controlId} ${standing}`;

function filterForm(detailed: readonly ControlSummary[], counts: Readonly<Record<Standing, number>>): Html {
  const boxes = DETAILED.map(
    (standing) =>
      html`<label><input type="checkbox" name="standing" value="${standing}" checked> ${standing} (${counts[standing]})</label>`,
  );
  const controls = detailed.map(
    ({ controlId, title }) => html`<option value="${controlId}">${controlId} ${title}</option>`,
  );
  return html`<form id="filter" hidden>
<fieldset><legend>Show</legend>${boxes}</fieldset>
<div class="field"><label for="control">Control</label><select id="control" name="control"><option value="">all</option>${controls}</select></div>
<div class="field"><label for="search">Search</label><input id="search" name="search" type="search" autocomplete="off" placeholder="account, bucket, role"></div>
<p id="shown" class="muted" aria-live="polite"></p>
</form>`;
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

const rowOf = (finding: Finding): Html =>
  html`<tr><th scope="row">${finding.controlId}</th><td>${finding.accountName}</td><td>${describeSubject(finding.subject)}</td><td><code>${finding.decidingClause}</code></td></tr>
`;
