import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readEstate } from '../../src/cli/estate.ts';
import { escapeHtml, html, prose } from '../../src/cli/report/escape.ts';
import type { TimelineEvent } from '../../src/cli/report/html.ts';
import { SCRIPT } from '../../src/cli/report/html-script.ts';
import { DARK, LIGHT, STYLE } from '../../src/cli/report/html-style.ts';
import { epochMs } from '../../src/core/index.ts';
import { testContext } from './harness.ts';
import { renderHtml } from './rendered.ts';

const estate = () => readEstate({ policy: 'policies/', snapshot: 'examples/organization' }, testContext());
const HOSTILE = `</script><img src=x onerror=alert(1)>"'&\u202e\u001b[2J`;

describe('escaping', () => {
  test.each([
    ['markup', '<b>&"\'', '&lt;b&gt;&amp;&quot;&#39;'],
    ['what a reader cannot see', 'a\u202eb', 'a\\u202eb'],
  ])('%s', (_name, text, expected) => {
    expect(escapeHtml(text)).toBe(expected);
  });

  test('a template escapes what is put into it, and takes markup as it is', () => {
    const inner = html`<b>${'<'}</b>`;
    expect(html`<p title="${'"'}">${inner}${[inner, inner]}${3}</p>`.text).toBe(
      '<p title="&quot;"><b>&lt;</b><b>&lt;</b><b>&lt;</b>3</p>',
    );
  });

  test.each([
    ['a pair becomes code', 'bucket `a<b`', 'bucket <code>a&lt;b</code>'],
    ['one without a partner stays', 'a ` b', 'a ` b'],
    ['the last of three stays', '`a` b ` c', '<code>a</code> b ` c'],
  ])('of backticks, %s', (_name, text, expected) => {
    expect(prose(text).text).toBe(expected);
  });
});

describe('the page', () => {
  test('nothing that people chose becomes markup, wherever it stands', async () => {
    const { report } = await estate();
    const findings = report.findings.map((finding) => ({
      ...finding,
      title: HOSTILE,
      accountName: HOSTILE,
      message: HOSTILE,
      remedy: `\`${HOSTILE}\``,
      evidence: [HOSTILE],
    }));
    const hostile = {
      ...report,
      findings,
      policy: { ...report.policy, id: HOSTILE, version: HOSTILE },
      byControl: report.byControl.map((control) => ({ ...control, title: HOSTILE })),
    };
    const timeline: readonly TimelineEvent[] = [
      { at: epochMs(0), title: HOSTILE, detail: HOSTILE, actor: HOSTILE },
    ];
    const page = renderHtml({ report: hostile, title: HOSTILE, timeline });
    expect(page).not.toContain('<img');
    expect(page).not.toMatch(/[\u001b\u202e]/);
    expect(page.match(/<script>/g)).toHaveLength(1);
    expect(page.match(/<\/script>/g)).toHaveLength(1);
  });

  test('who acted is said once, and what the state is stands at the top', async () => {
    const { report } = await estate();
    const timeline: readonly TimelineEvent[] = [
      { at: epochMs(0), title: 'approved by ines.moreau, legal', actor: 'ines.moreau' },
      { at: epochMs(1), title: 'switched off', actor: 'sweeper' },
      { at: epochMs(2), title: 'approved by ines.moreau-two', actor: 'ines.moreau' },
    ];
    const page = renderHtml({ report, title: 'A report', timeline, notice: 'a <simulated> state' });
    expect(page.match(/by ines\.moreau</g)).toHaveLength(1);
    expect(page).toContain('>by sweeper<');
    expect(page.indexOf('This is a &lt;simulated&gt; state.')).toBeLessThan(page.indexOf('<main>'));
    expect(page.indexOf('id="findings"')).toBeLessThan(page.indexOf('id="timeline"'));
  });

  test('it needs nothing from elsewhere, and its policy allows nothing else', async () => {
    const { report } = await estate();
    const page = renderHtml({ report, title: 'A report' });
    expect(page).not.toMatch(
      /\b(?:src|srcset|action|xlink:href)=|@import|url\(|https?:\/\/|<link|<iframe| style="| on[a-z]+="/,
    );
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1] ?? '';
    const hash = (text: string) => `&#39;sha256-${createHash('sha256').update(text).digest('base64')}&#39;`;
    expect(policy.split('; ')).toEqual([
      'default-src &#39;none&#39;',
      `style-src ${hash(STYLE)}`,
      `script-src ${hash(SCRIPT)}`,
      'base-uri &#39;none&#39;',
      'form-action &#39;none&#39;',
    ]);
    // The hashes hold only if style and script stand in the page byte for byte.
    expect(page).toContain(`<style>${STYLE}</style>`);
    expect(page).toContain(`<script>${SCRIPT}</script>`);
  });

  test('its elements are closed in order, its ids are unique and what refers to them finds them', async () => {
    const { report } = await estate();
    const page = renderHtml({ report, title: 'A report', timeline: [{ at: epochMs(0), title: 'x' }] });
    const open: string[] = [];
    const markup = page.replace(SCRIPT, '').replace(STYLE, '');
    for (const [, slash, name = ''] of markup.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
      if (['meta', 'br', 'input'].includes(name)) continue;
      if (slash === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
    const ids = [...markup.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of markup.matchAll(/(?:aria-labelledby|for)="([^"]+)"|href="#/g))
      if (target !== undefined) expect(ids).toContain(target);
  });

  test('every finding that is wrong, unknown or covered has a card, without script too', async () => {
    const { report } = await estate();
    const page = renderHtml({ report, title: 'A report' });
    const wanted = report.findings.filter(
      ({ outcome }) => outcome === 'non-compliant' || outcome === 'indeterminate',
    );
    expect(page.match(/<article class="finding"/g)).toHaveLength(wanted.length);
    for (const { id } of wanted) expect(page).toContain(`id="f-${id}"`);
    expect(page).not.toMatch(/<article[^>]* hidden/);
    expect(page).toMatch(/<form id="filter" hidden>/);
  });

  test('what filters left out is said, and the numbers stay those of the whole check', async () => {
    const { report } = await estate();
    const page = renderHtml({ report, title: 'A report', isShown: ({ controlId }) => controlId === 'CP-03' });
    expect(page).toContain(`<strong>${report.counts['non-compliant']}</strong> non-compliant`);
    expect(page).toMatch(/\d+ findings are left out of this file/);
  });

  test('the same check gives the same bytes', async () => {
    const [one, two] = [await estate(), await estate()];
    expect(renderHtml({ report: one.report, title: 't' })).toBe(
      renderHtml({ report: two.report, title: 't' }),
    );
  });
});

describe('contrast is at least 4.5 to 1 (WCAG 2.2, 1.4.3):', () => {
  const channel = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (color: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) =>
      channel(Number.parseInt(color.slice(at, at + 2), 16) / 255),
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratio = (one: string, two: string) => {
    const [high = 0, low = 0] = [luminance(one), luminance(two)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const pairs = Object.entries({ light: LIGHT, dark: DARK }).flatMap(([mode, { page, card, standings }]) => [
    ...[page.ground, card.ground].flatMap((ground) =>
      (
        [
          ['text', page.text],
          ['muted', page.muted],
          ['link', page.link],
        ] as const
      ).map(([name, color]) => [`${mode}: ${name} on ${ground}`, color, ground] as const),
    ),
    ...Object.entries(standings).map(
      ([name, { text, ground }]) => [`${mode}: ${name}`, text, ground] as const,
    ),
  ]);
  test.each(pairs)('%s', (_name, text, ground) => {
    expect(ratio(text, ground)).toBeGreaterThanOrEqual(4.5);
  });

  test.each([
    ['light', LIGHT],
    ['dark', DARK],
  ] as const)('%s: lines of fields are at least 3 to 1 (1.4.11)', (_name, { page, card }) => {
    expect(ratio(card.line, page.ground)).toBeGreaterThanOrEqual(3);
  });
});
