import { createHash } from 'node:crypto';
import type { ListedAttestation } from '../../attestations/index.ts';
import { type EpochMs, formatInstant } from '../../core/index.ts';
import type { CheckSummary, Finding } from '../../rules/index.ts';
import { type Html, html, unsafeVerbatim } from './escape.ts';
import type { Changes } from './history.ts';
import { FindingsSection } from './html-findings.ts';
import { SCRIPT } from './html-script.ts';
import { STYLE } from './html-style.ts';
import { describeScan } from './scan.ts';
import type { FindingView, ReportStream, ReportView, Texts } from './view.ts';
import { STANDINGS, type Standing } from './words.ts';

/** Something that happened, for the report's timeline. */
export interface TimelineEvent {
  readonly at: EpochMs;
  /** What happened, in a few words. */
  readonly title: string;
  readonly detail?: string;
  /** Who or what caused it. */
  readonly actor?: string;
}

export interface HtmlOptions {
  readonly title: string;
  /** In the order in which they happened. */
  readonly timeline?: readonly TimelineEvent[];
  /** Which findings to list; the numbers are always of the whole check. Default: all. */
  readonly isShown?: (finding: Finding) => boolean;
}

/**
 * A check as one HTML file that needs nothing else: no network, no fonts, no other files; it works without script, in light and dark, on
 * paper and on a telephone. Everything that comes from AWS or from a policy is escaped, and a content security policy allows only this
 * page's own style and script, by their hashes. The same input gives the same bytes.
 */
export class HtmlReport implements ReportStream {
  readonly #findings: FindingsSection;
  readonly #options: HtmlOptions;
  #hidden = 0;

  constructor(texts: Texts, view: Pick<FindingView, 'report' | 'earlier'>, options: HtmlOptions) {
    this.#findings = new FindingsSection(texts, view);
    this.#options = options;
  }

  see(finding: Finding): void {
    if (this.#options.isShown?.(finding) === false) this.#hidden += 1;
    else this.#findings.see(finding);
  }

  *pieces({
    report,
    changes,
    attestations,
    notice,
    scan,
  }: Pick<ReportView, 'report' | 'changes' | 'attestations' | 'notice' | 'scan'>): Generator<string> {
    const { title, timeline = [] } = this.#options;
    const hidden = this.#hidden;
    yield html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}: ${verdictWords(report).headline}</title>
<style>${unsafeVerbatim(STYLE)}</style>
</head>
<body>
<a class="skip" href="#findings">Skip to the findings</a>
${heading(report, title, notice)}
<main>
${summary(report)}${scan === undefined ? '' : describeScan(scan).map((line) => html`\n<p>${line}</p>`)}
${changes === undefined ? '' : sinceParagraph(changes)}
${hidden === 0 ? '' : html`<p class="muted">${hidden} findings are left out of this file by the filters it was made with; the numbers above count them.</p>`}
${report.notAsked.length === 0 ? '' : html`<p class="muted">Not asked: ${report.notAsked.join(', ')}, about the organization’s own records, which a snapshot does not hold.</p>`}
`.text;
    yield* this.#findings.pieces(report);
    yield html`
${attestations.length === 0 ? '' : attestationsSection(attestations)}
${timeline.length === 0 ? '' : timelineSection(timeline)}
</main>
<footer><p>Unknown is never compliant: what could not be read is indeterminate. Only model invocation logging, data retention and the principals that can change them are judged, as far as the controls above say.</p></footer>
<script>${unsafeVerbatim(SCRIPT)}</script>
</body>
</html>
`.text;
  }
}

const hashSource = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const contentSecurityPolicy = (): string =>
  [
    "default-src 'none'",
    `style-src ${hashSource(STYLE)}`,
    `script-src ${hashSource(SCRIPT)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

function heading(report: CheckSummary, title: string, notice: string | undefined): Html {
  const { id, version, hash } = report.policy;
  return html`<header>
<h1>${title}</h1>
${notice === undefined ? '' : html`<p class="notice">This is ${notice}.</p>`}
<p class="muted">Policy <code>${id}</code> ${version}, hash <code>${hash}</code></p>
<p class="muted">${report.accounts} accounts, ${report.regions} governed Regions, as seen at <time>${formatInstant(report.snapshotTakenAt)}</time>${report.now === report.snapshotTakenAt ? '' : html`; exceptions judged as of <time>${formatInstant(report.now)}</time>`}</p>
</header>`;
}

function verdictWords({ counts }: CheckSummary): { readonly headline: string; readonly standing: Standing } {
  const open = counts['non-compliant'];
  if (open > 0)
    return {
      headline: `${open} non-compliant, ${counts.indeterminate} indeterminate`,
      standing: 'non-compliant',
    };
  if (counts.indeterminate > 0)
    return {
      headline: `nothing is known to be wrong, but ${counts.indeterminate} could not be decided`,
      standing: 'indeterminate',
    };
  if (counts.covered > 0)
    return {
      headline: 'everything is compliant or covered by a live exception or an attestation',
      standing: 'covered',
    };
  return { headline: 'everything that was asked is compliant', standing: 'compliant' };
}

function summary(report: CheckSummary): Html {
  const { headline, standing } = verdictWords(report);
  return html`<section aria-labelledby="summary"><h2 id="summary">Summary</h2>
<p class="verdict ${standing}">${headline}</p>
<ul class="numbers">${STANDINGS.map((each) => html`<li class="${each}"><strong>${report.counts[each]}</strong> ${each}</li>`)}</ul>
<div class="scroll" tabindex="0" role="region" aria-label="Numbers by control"><table class="counts">
<thead><tr><th scope="col">Control</th><th scope="col">Severity</th>${STANDINGS.map((each) => html`<th scope="col" class="number">${each}</th>`)}</tr></thead>
<tbody>
${report.byControl.map(
  ({ controlId, title, severity, counts }) =>
    html`<tr><th scope="row">${controlId} ${title}</th><td data-label="severity">${severity}</td>${STANDINGS.map((each) => html`<td class="number" data-label="${each}">${counts[each]}</td>`)}</tr>
`,
)}</tbody></table></div>
</section>`;
}

function sinceParagraph(since: Changes): Html {
  return html`<p>Since the run of <time>${formatInstant(since.since)}</time>: ${since.new} new, ${since.unchanged} unchanged, ${since.resolved} resolved, ${since.gone.length} whose subject is gone.</p>`;
}

const attestationsSection = (
  listed: readonly ListedAttestation[],
): Html => html`<section aria-labelledby="attestations"><h2 id="attestations">Attestations</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Attestations"><table>
<thead><tr><th scope="col">Attestation</th><th scope="col">Control</th><th scope="col">Signed by</th><th scope="col">Until</th><th scope="col">Standing</th></tr></thead>
<tbody>
${listed.map(
  ({ attestation, standing }) =>
    html`<tr><th scope="row">${attestation.id}: ${attestation.document.title}</th><td>${attestation.control}</td><td>${attestation.signer.id}, ${attestation.signer.title}</td><td><time>${formatInstant(attestation.validUntil)}</time></td><td>${standing}</td></tr>
`,
)}</tbody></table></div>
</section>`;

/** Most events say in words who acted; saying it again helps nobody. */
const namesActor = (title: string, actor: string): boolean => title.split(/[\s,;:()`]+/).includes(actor);

const timelineSection = (
  events: readonly TimelineEvent[],
): Html => html`<section aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>
<ol class="timeline">
${events.map(
  ({ at, title, detail, actor }) =>
    html`<li><time>${formatInstant(at)}</time><div><p><strong>${title}</strong>${actor === undefined || namesActor(title, actor) ? '' : html` <span class="muted">by ${actor}</span>`}</p>${detail === undefined ? '' : html`<p class="muted">${detail}</p>`}</div></li>
`,
)}</ol></section>`;
