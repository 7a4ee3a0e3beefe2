import type { Standing } from './words.ts';

/** Text and ground of everything with colour; a test computes that each pair keeps WCAG AA contrast (4.5 to 1). */
export interface Palette {
  readonly page: {
    readonly text: string;
    readonly muted: string;
    readonly link: string;
    readonly ground: string;
  };
  readonly card: { readonly ground: string; readonly line: string };
  readonly standings: Readonly<Record<Standing, { readonly text: string; readonly ground: string }>>;
}

export const LIGHT: Palette = {
  page: { text: '#1b1f24', muted: '#545c66', link: '#0b4f8a', ground: '#ffffff' },
  card: { ground: '#f6f7f9', line: '#8a929c' },
  standings: {
    'non-compliant': { text: '#8c1216', ground: '#fdeaea' },
    indeterminate: { text: '#6b4200', ground: '#fff1d2' },
    covered: { text: '#0b467a', ground: '#e2effb' },
    compliant: { text: '#14552a', ground: '#e3f4e8' },
    'not-applicable': { text: '#474d56', ground: '#eceef1' },
  },
};

export const DARK: Palette = {
  page: { text: '#e7e9ec', muted: '#aab2bd', link: '#8ec5ff', ground: '#14171b' },
  card: { ground: '#1c2026', line: '#6b7480' },
  standings: {
    'non-compliant': { text: '#ffb3b0', ground: '#431a1c' },
    indeterminate: { text: '#ffd58a', ground: '#3d2c0c' },
    covered: { text: '#a9d3ff', ground: '#12304d' },
    compliant: { text: '#a5e3b8', ground: '#12351f' },
    'not-applicable': { text: '#c3c9d1', ground: '#2a2f36' },
  },
};

const variables = ({ page, card, standings }: Palette): string =>
  [
    `--text:${page.text}`,
    `--muted:${page.muted}`,
    `--link:${page.link}`,
    `--ground:${page.ground}`,
    `--card:${card.ground}`,
    `--line:${card.line}`,
    ...Object.entries(standings).flatMap(([name, { text, ground }]) => [
      `--${name}:${text}`,
      `--${name}-ground:${ground}`,
    ]),
  ].join(';');

const standingRules = Object.keys(LIGHT.standings)
  .map((name) => `.${name}{color:var(--${name});background:var(--${name}-ground)}`)
  .join('\n');

export const STYLE = `
:root{color-scheme:light dark;${variables(LIGHT)}}
@media (prefers-color-scheme:dark){:root{${variables(DARK)}}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--ground);overflow-wrap:anywhere}
main,header,footer{max-width:72rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .5rem}
h2{font-size:1.25rem;margin:2.5rem 0 .75rem}
h3{font-size:1.05rem;margin:2rem 0 .25rem}
h4{font-size:1rem;margin:0 0 .25rem;font-weight:600}
p{margin:.25rem 0;max-width:46rem}
code,time{font-family:ui-monospace,monospace;font-size:.9em}
.muted{color:var(--muted)}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,input:focus-visible,select:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-100vw}
.skip:focus{left:1rem;top:1rem;background:var(--ground);padding:.5rem}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;padding:0;margin:1.25rem 0;list-style:none}
.numbers li{border-radius:.5rem;padding:.75rem 1rem}
.numbers strong{display:block;font-size:2rem;line-height:1.1;font-variant-numeric:tabular-nums}
${standingRules}
.verdict{border-left:.35rem solid currentColor;border-radius:.25rem;padding:.75rem 1rem;max-width:none;font-weight:600}
.notice{font-weight:600;border:2px solid var(--line);border-radius:.3rem;padding:.4rem .75rem;max-width:none}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;overflow-wrap:normal}
th,td{text-align:left;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th.number,td.number{text-align:right}
tbody th{font-weight:600;min-width:13rem}
form{display:flex;flex-wrap:wrap;gap:1rem;align-items:start;background:var(--card);border-radius:.5rem;padding:1rem}
form[hidden]{display:none}
fieldset{border:0;padding:0;margin:0;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
legend{padding:0}
label{display:inline-block}
.field{flex:1 1 14rem}
.field label{display:block}
input[type=search],select{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--line);border-radius:.3rem;padding:.35rem .5rem;width:100%;max-width:24rem}
input[type=checkbox]{width:1.1rem;height:1.1rem;vertical-align:-.15rem}
.finding{border:1px solid var(--line);border-radius:.5rem;padding:.9rem 1rem;margin:.75rem 0}
.finding[hidden],section[hidden]{display:none}
.badge{display:inline-block;border-radius:.3rem;padding:.05rem .5rem;font-size:.85rem;font-weight:600;margin-right:.4rem}
.finding ul{margin:.4rem 0;padding-left:1.2rem}
details{margin-top:.4rem}
summary{cursor:pointer;color:var(--link);padding:.2rem 0}
.tree{list-style:none;margin:.5rem 0;padding:0}
.tree li{border-left:2px solid var(--line);padding:.25rem 0 .25rem .75rem}
.tree .deciding{border-left:.35rem solid var(--link);background:var(--card)}
.d1{margin-left:1rem}.d2{margin-left:2rem}.d3{margin-left:3rem}.d4{margin-left:4rem}
.timeline{list-style:none;padding:0;margin:0}
.timeline li{display:grid;grid-template-columns:13rem 1fr;gap:.25rem 1rem;padding:.5rem 0;border-bottom:1px solid var(--line)}
.timeline p{margin:0}
footer{padding-top:2rem;padding-bottom:3rem;color:var(--muted)}
@media (max-width:40rem){.scroll table:not(.counts){min-width:46rem}
/* On a telephone each row of the counts is a block of its own: a count that must be scrolled to is a count that nobody sees. */
.counts thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.counts tr{display:grid;grid-template-columns:1fr 1fr;gap:0 1rem;padding:.5rem 0;border-bottom:1px solid var(--line)}
.counts th,.counts td,.counts td.number{border:0;padding:.1rem 0;text-align:left;min-width:0}
.counts th[scope=row]{grid-column:1/-1}
.counts td::before{content:attr(data-label) ' '}
.timeline li{grid-template-columns:1fr}.d1,.d2,.d3,.d4{margin-left:.6rem}.d2{margin-left:1.2rem}.d3,.d4{margin-left:1.8rem}.numbers{grid-template-columns:1fr 1fr}}
@media print{:root{${variables(LIGHT)}}body{font-size:11pt}form,.skip{display:none}.finding{break-inside:avoid}.numbers li,.badge,.verdict{border:1px solid currentColor}a{color:inherit}}
`;
