import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEstate } from '../../src/cli/estate.ts';
import { epochMs } from '../../src/core/index.ts';
import type { Finding } from '../../src/rules/index.ts';
import { testContext } from './harness.ts';
import { renderHtml } from './rendered.ts';

/** Where a system's Chromium is; the package for it brings none. */
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

let browser: Browser;
let dir: string;
let address: string;
/** The same page with one finding of every control and standing: every kind of element, and a tenth of them to look at. */
let oneOfEach: string;

async function openPage(options: {
  readonly width: number;
  readonly colorScheme: 'light' | 'dark';
  readonly at?: string;
}): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: options.width, height: 900 },
    colorScheme: options.colorScheme,
    // A page that asked for anything from elsewhere would hang a reader without a network.
    offline: true,
    // The page's own policy allows no script but its own; the checker must add its.
    bypassCSP: true,
  });
  const page = await context.newPage();
  await page.goto(options.at ?? address);
  return page;
}

describe.skipIf(CHROMIUM === undefined)(
  `the page in Chromium${CHROMIUM === undefined ? ' (skipped: there is no Chromium on this machine)' : ''}`,
  { timeout: 60_000 },
  () => {
    beforeAll(async () => {
      const { report } = await readEstate(
        { policy: 'policies/', snapshot: 'examples/organization' },
        testContext(),
      );
      dir = await mkdtemp(join(tmpdir(), 'proviso-test-'));
      const file = join(dir, 'report.html');
      const timeline = [
        {
          at: epochMs(Date.UTC(2026, 10, 19)),
          title: 'exception requested',
          detail: 'ex-0001',
          actor: 'anna',
        },
      ];
      await writeFile(file, renderHtml({ report, title: 'AI Prompt Storage', timeline }));
      address = `file://${file}`;
      const seen = new Set<string>();
      const isFirst = ({ controlId, outcome, coveredBy }: Finding) => {
        const kind = `${controlId} ${outcome} ${coveredBy?.kind}`;
        return !seen.has(kind) && seen.add(kind) !== undefined;
      };
      const few = join(dir, 'one-of-each.html');
      const shown = new Set(report.findings.filter(isFirst));
      await writeFile(
        few,
        renderHtml({ report, title: 'AI Prompt Storage', timeline, isShown: (each) => shown.has(each) }),
      );
      oneOfEach = `file://${few}`;
      browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] });
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      await rm(dir, { recursive: true, force: true });
    });

    test.each([
      ['light', 360],
      ['light', 1440],
      ['dark', 360],
      ['dark', 1440],
    ] as const)('has no axe violation, %s, %i pixels, everything unfolded', async (colorScheme, width) => {
      const page = await openPage({ width, colorScheme, at: oneOfEach });
      await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })");
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`)).toEqual([]);
      await page.context().close();
    });

    test.each([360, 1440])('is never wider than the window of %i pixels', async (width) => {
      const page = await openPage({ width, colorScheme: 'light' });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      await page.context().close();
    });

    test('shows every count of the summary at 360 pixels without scrolling sideways', async () => {
      const page = await openPage({ width: 360, colorScheme: 'light' });
      const cells = page.locator('.counts td.number');
      expect(await cells.count()).toBeGreaterThan(10);
      const right = await page.evaluate(
        "Math.max(...[...document.querySelectorAll('.counts td.number')].map((cell) => cell.getBoundingClientRect().right))",
      );
      expect(right).toBeLessThanOrEqual(360);
      expect(
        await page.evaluate(
          "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('.scroll'))",
        ),
      ).toBeLessThanOrEqual(0);
      await page.context().close();
    });

    test('shows the findings before the timeline', async () => {
      const page = await openPage({ width: 1440, colorScheme: 'light' });
      expect(await page.locator('h2').allTextContents()).toEqual(['Summary', 'Findings', 'Timeline']);
      await page.context().close();
    });

    test('is used by keyboard alone: skip, filter, choose, search', async () => {
      const page = await openPage({ width: 1440, colorScheme: 'light' });
      const focused = () =>
        page.evaluate<string>(
          'document.activeElement.id || document.activeElement.className || document.activeElement.value',
        );
      const shown = () => page.locator('.finding:visible').count();
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('skip');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('non-compliant');
      const all = await shown();
      await page.keyboard.press('Space');
      const unknown = await page.locator('.finding[data-standing=indeterminate]').count();
      expect([all > unknown, await shown()]).toEqual([true, unknown]);
      await page.keyboard.press('Space');
      for (let tabs = 0; tabs < 3; tabs += 1) await page.keyboard.press('Tab');
      expect(await focused()).toBe('control');
      await page.keyboard.press('ArrowDown');
      expect(await page.locator('#control').inputValue()).not.toBe('');
      expect(await shown()).toBeLessThan(all);
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('search');
      await page.keyboard.type('PRODUCT-assistant eu-central-1');
      expect(await shown()).toBeGreaterThan(0);
      expect(await page.locator('#shown').textContent()).toBe(`${await shown()} of ${all} shown`);
      for (const text of await page.locator('.finding:visible').allTextContents())
        expect(text).toContain('product-assistant');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      expect(await page.locator('.finding:visible details[open]').count()).toBe(1);
      await page.context().close();
    });

    test('opens the finding that its address names', async () => {
      const page = await openPage({ width: 1440, colorScheme: 'dark' });
      const id = (await page.locator('.finding').nth(3).getAttribute('id')) ?? '';
      await page.goto(`${address}#${id}`);
      expect(await page.locator(`#${id} details[open]`).count()).toBe(1);
      await page.context().close();
    });
  },
);
