import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { VIEW_NAMES } from '../../src/web/view-data.ts';
import { everyMail, looksOf, startGallery } from './gallery.ts';
import { inChromium, picture } from './support.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const PHONE = 390;
const DESKTOP = 1280;
const SCHEMES = ['light', 'dark'] as const;

type Rules = NonNullable<RunOptions['rules']>;

let gallery: Awaited<ReturnType<typeof startGallery>>;
beforeAll(async () => {
  gallery = await startGallery();
});
afterAll(() => gallery[Symbol.asyncDispose]());

inChromium('accessibility', (open) => {
  it.each(VIEW_NAMES)('of the page %s', async (name) => {
    const looks = looksOf(name).keys().toArray();
    const page = await open();
    for (const look of looks) {
      await show(page, `/${name}?look=${look}`);
      await expectAccessible(page, `${name}-${look}`, [PHONE, DESKTOP]);
    }
    // Longer words, where there is the least room for them.
    const german = await open({ locale: 'de' });
    for (const look of looks) {
      await show(german, `/${name}?look=${look}`);
      await expectAccessible(german, `${name}-${look}-de`, [PHONE], ['light']);
    }
  });

  it.each(everyMail())('of the mail $name', async ({ name, html }) => {
    const page = await open();
    await page.setContent(html);
    // It is shown within a page of the mail program, which has the landmarks and the colours of its own.
    await page.addStyleTag({ content: 'html { background: Canvas }' });
    const rules = { region: { enabled: false }, 'landmark-one-main': { enabled: false } };
    await expectAccessible(page, `mail-${name}`, [PHONE, DESKTOP], SCHEMES, rules);
  });
});

async function show(page: Page, target: string): Promise<void> {
  const answer = await page.goto(gallery.url + target);
  // What is tried here is what people get: nothing was let in for the sake of the trial.
  expect(answer?.status()).toBe(200);
  expect(answer?.headers()['content-security-policy']).toContain("script-src 'self';");
  await page.evaluate(() => {
    for (const each of document.querySelectorAll('details')) each.open = true;
  });
}

/** Nothing is found, and nothing left undecided, in any of the forms in which a browser shows it. */
async function expectAccessible(
  page: Page,
  name: string,
  widths: number[],
  schemes: readonly ('light' | 'dark')[] = SCHEMES,
  rules: Rules = {},
): Promise<void> {
  await page.evaluate(AXE);
  for (const width of widths) {
    await page.setViewportSize({ width, height: 844 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, `${name} scrolls sideways at ${width}`).toBeLessThanOrEqual(0);
    for (const colorScheme of schemes) {
      // Colours are read at once, and not on their way from one scheme to the other.
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await find(page, rules), `${name} at ${width}, ${colorScheme}`).toEqual([]);
      await picture(page, `${name}-${width}-${colorScheme}`);
    }
  }
}

function find(page: Page, rules: Rules): Promise<string[]> {
  const options: RunOptions = {
    ...{ runOnly: TAGS, rules: { 'target-size': { enabled: true }, ...rules } },
    resultTypes: ['violations', 'incomplete'],
  };
  return page.evaluate(async (given) => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations, incomplete } = await axe.run(given);
    return [...violations, ...incomplete].flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  }, options);
}
