import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificatePaper } from '../../src/cli/certificate-paper.ts';
import { renderPaperHtml } from '../../src/cli/report/paper-html.ts';
import { sha256Hex } from '../../src/core/index.ts';
import { decisionSheet } from '../../src/exceptions/index.ts';
import { LONG_AFTER, simulate } from '../simulation/harness.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

let browser: Browser;
let dir: string;
const FRAME = {
  skip: 'Skip to the question',
  footer: 'Read it before you sign.',
  notice: `signed: \`${'a'.repeat(64)}\``,
};

/** Both papers of an exception that was played to its end, with more subjects than a table holds. */
async function papers(): Promise<Readonly<Record<string, string>>> {
  return simulate(async (s) => {
    const arns = Array.from({ length: 12 }, (_, at) => `"arn:aws:iam::222222222222:role/Responder${at}"`);
    const id = await s.approved({ subjects: `[${arns.join(', ')}]` });
    await s.advanceTo(LONG_AFTER);
    const record = await s.record(id);
    const [admission] = record.admissions;
    const [statement] = s.certificates();
    if (admission === undefined || statement === undefined) throw new Error('not played to its end');
    const signature = { keyId: 'key', algorithm: 'Ed25519', signature: '', publicKey: '' } as const;
    const certificate = { statement, statementHash: sha256Hex('statement'), signature };
    return {
      sheet: renderPaperHtml(decisionSheet(record, admission), FRAME),
      certificate: renderPaperHtml(certificatePaper(certificate), FRAME),
    };
  });
}

async function openPage(name: string, width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    // A page that asked for anything from elsewhere would hang a reader without a network.
    offline: true,
    // The page's own policy allows no script at all; the checker must add its.
    bypassCSP: true,
  });
  const page = await context.newPage();
  await page.goto(`file://${join(dir, `${name}.html`)}`);
  return page;
}

describe.skipIf(CHROMIUM === undefined)(
  `papers in Chromium${CHROMIUM === undefined ? ' (skipped: there is no Chromium on this machine)' : ''}`,
  { timeout: 60_000 },
  () => {
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'proviso-test-'));
      for (const [name, page] of Object.entries(await papers()))
        await writeFile(join(dir, `${name}.html`), page);
      browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] });
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      await rm(dir, { recursive: true, force: true });
    });

    // Each width and each scheme once for every paper; they share one style.
    const cases = [
      ['sheet', 360, 'light'],
      ['sheet', 1440, 'dark'],
      ['certificate', 360, 'dark'],
      ['certificate', 1440, 'light'],
    ] as const;
    test.each(cases)(
      'the %s at %i pixels, %s: no axe violation, never wider than the window',
      async (...of) => {
        const [name, width, scheme] = of;
        const page = await openPage(name, width, scheme);
        const shots = process.env['PROVISO_SCREENSHOTS'];
        if (shots !== undefined)
          await page.screenshot({ path: join(shots, `${name}-${width}-${scheme}.png`), fullPage: true });
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`)).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
        // Nothing that is signed must be looked for sideways.
        expect(
          await page.evaluate(
            "Math.max(...[...document.querySelectorAll('.scroll')].map((each) => each.scrollWidth - each.clientWidth))",
          ),
        ).toBeLessThanOrEqual(0);
        await page.context().close();
      },
    );

    test('the sheet prints without anything that only a screen needs', async () => {
      const page = await openPage('sheet', 1440, 'dark');
      await page.emulateMedia({ media: 'print' });
      expect(await page.locator('.skip').isVisible()).toBe(false);
      const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(ground).toBe('rgb(255, 255, 255)');
      await page.context().close();
    });
  },
);
