import { createHash } from 'node:crypto';
import type { Block, Paper, Section } from '../../core/index.ts';
import { type Html, html, prose, unsafeVerbatim } from './escape.ts';
import { STYLE } from './html-style.ts';

/** Wide enough for 80 columns beside 80 columns; where the window is not, one stands below the other. */
const PAPER_STYLE = `${STYLE}
main,header,footer{max-width:88rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem 0}
dt{color:var(--muted)}
dd{margin:0}
nav ul{columns:2;padding-left:1.2rem}
main li{max-width:46rem}
td p{margin:0}
.scroll+p,p+.scroll{margin-top:.75rem}
td code{overflow-wrap:anywhere}
.beside{display:grid;grid-template-columns:1fr 1fr;gap:1rem;margin:.5rem 0 1.5rem}
.beside>div{min-width:0}
.beside pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;padding:.75rem .9rem;border-radius:.5rem;background:var(--card);font:.72rem/1.5 ui-monospace,monospace}
.beside h4{color:var(--muted);font-weight:400;margin:.5rem 0 .25rem}
@media (max-width:76rem){.beside{grid-template-columns:1fr}.beside pre{font-size:.85rem}}
/* On a telephone each row is a block of its own: what must be scrolled to sideways is signed unread. */
@media (max-width:40rem){.scroll table:not(.counts){min-width:0}
.scroll thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.scroll tbody,.scroll tr,.scroll th,.scroll td{display:block;min-width:0;overflow-wrap:anywhere}
.scroll tr{padding:.5rem 0;border-bottom:1px solid var(--line)}
.scroll tbody th,.scroll td{border:0;padding:.1rem 0}
.scroll td::before{content:attr(data-label) ': ';color:var(--muted)}}
@media (max-width:60rem){dl{grid-template-columns:1fr}dt{margin-top:.4rem}nav ul{columns:1}}
@media print{.beside{grid-template-columns:1fr 1fr}.beside pre{border:1px solid currentColor}}
`;

export interface PaperFrame {
  /** Of the link that a keyboard meets first: `Skip to the review`. */
  readonly skip: string;
  readonly footer: string;
  /** What a reader must know before reading on, such as the hash that is signed. */
  readonly notice?: string;
}

export const renderDossierHtml = (dossier: Paper): string =>
  renderPaperHtml(dossier, {
    skip: 'Skip to the review',
    footer:
      'Read it before you sign. A signature is over the bytes of this page and of its Markdown form; whoever cannot sign objects, with a reason.',
  });

/**
 * A paper as one HTML file that needs nothing else: no network, no script, no other files; light and dark, on paper and on a
 * telephone. Everything that is said is escaped, and a content security policy allows only this page's own style, by its hash.
 */
export function renderPaperHtml({ title, facts, sections }: Paper, frame: PaperFrame): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${unsafeVerbatim(PAPER_STYLE)}</style>
</head>
<body>
<a class="skip" href="#${sections[0]?.id ?? 'top'}">${frame.skip}</a>
<header>
<h1>${title}</h1>
${frame.notice === undefined ? '' : html`<p class="notice">${prose(frame.notice)}</p>`}
<dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${prose(value)}</dd>`)}</dl>
<nav aria-label="Contents"><ul>${sections.map(({ id, title: name }) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
</header>
<main>
${sections.map(sectionHtml)}
</main>
<footer><p>${frame.footer}</p></footer>
</body>
</html>
`.text;
}

const contentSecurityPolicy = (): string =>
  [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(PAPER_STYLE).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

const sectionHtml = ({ id, title, blocks }: Section): Html => html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${withHeadings(blocks)}
</section>
`;

/** Parts under one title get one heading. */
const withHeadings = (blocks: readonly Block[]): readonly Html[] =>
  blocks.map((block, index) => {
    const before = blocks[index - 1];
    const isNew = block.kind === 'beside' && !(before?.kind === 'beside' && before.title === block.title);
    return html`${isNew ? html`<h3>${block.title}</h3>` : ''}${blockHtml(block)}`;
  });

function blockHtml(block: Block): Html {
  switch (block.kind) {
    case 'text':
      return html`<p>${prose(block.text)}</p>`;
    case 'list':
      return html`<ul>${block.items.map((item) => html`<li>${prose(item)}</li>`)}</ul>`;
    case 'table':
      return html`<div class="scroll" tabindex="0" role="region" aria-label="${block.caption}"><table>
<thead><tr>${block.columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>
${block.rows.map(
  ([first = '', ...cells]) =>
    html`<tr><th scope="row">${prose(first)}</th>${cells.map((cell, index) => html`<td data-label="${block.columns[index + 1] ?? ''}">${prose(cell)}</td>`)}</tr>
`,
)}</tbody></table></div>`;
    case 'beside':
      return html`<div class="beside"><div><h4>In plain sentences</h4><pre>${lines(block.sentences)}</pre></div><div><h4>Lines ${block.firstLine} to ${block.firstLine + block.source.length - 1} of the file</h4><pre>${lines(block.source)}</pre></div></div>`;
  }
}

/** Each line is escaped on its own: its break is ours, and no other may come from inside. */
const lines = (all: readonly string[]): readonly Html[] =>
  all.map((line) => html`${line}${unsafeVerbatim('\n')}`);
