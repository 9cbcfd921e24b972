import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, vi } from 'vitest';

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];
/** Pictures of pages are put there, for people to look at. */
const PICTURES = process.env['PICTURES'];
/** For one step; what is slower than this is broken. */
const PATIENCE = 15_000;

const missing = existsSync(EXECUTABLE)
  ? null
  : `there is no Chromium at ${EXECUTABLE}: install it, or name it with CHROMIUM`;

export type OpenPage = (options?: BrowserContextOptions) => Promise<Page>;

/**
 * Tests in Chromium. Each opens pages of its own, with cookies of their own, and fails when one of them complains: a
 * violated content security policy, an error in a script or on the console, a file that is missing. Without Chromium
 * they are skipped on a developer's machine and fail in CI.
 */
export function inChromium(name: string, tests: (open: OpenPage) => void): void {
  vi.setConfig({ testTimeout: 120_000 });
  describe(name, () => {
    let browser: Browser;
    let contexts: BrowserContext[] = [];
    let complaints: string[] = [];

    beforeAll(async () => {
      if (!missing) browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
      else if (process.env['CI']) throw new Error(missing);
      else console.warn(`skipped: ${missing}`);
    });
    afterAll(() => browser?.close());

    beforeEach((test) => {
      if (missing) test.skip(missing);
    });
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') await printPages(contexts);
      const said = complaints;
      await Promise.all(contexts.map((each) => each.close()));
      [contexts, complaints] = [[], []];
      expect(said).toEqual([]);
    });

    tests(async (options = {}) => {
      const context = await browser.newContext({ locale: 'en', ...options });
      contexts.push(context);
      context.setDefaultTimeout(PATIENCE);
      await collectComplaints(context, complaints);
      return context.newPage();
    });
  });
}

export async function picture(page: Page, name: string): Promise<void> {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name.replaceAll(' ', '-')}.png`), fullPage: true });
}

/** What a person would have seen when the test failed. */
async function printPages(contexts: BrowserContext[]): Promise<void> {
  for (const page of contexts.flatMap((each) => each.pages())) {
    const text = await page.innerText('body', { timeout: 1_000 }).catch((err: unknown) => String(err));
    console.error(`${page.url()}\n${text}`);
  }
}

async function collectComplaints(context: BrowserContext, complaints: string[]): Promise<void> {
  context.on('console', (message) => {
    const text = message.text();
    // A form that is refused is answered with 422, which is no fault of the page. Files are judged below.
    if (text.startsWith('Failed to load resource: the server responded')) return;
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.location().url}: ${text}`);
  });
  context.on('weberror', (problem) => complaints.push(String(problem.error())));
  context.on('response', (response) => {
    const isFile = ['script', 'stylesheet', 'image', 'font', 'other'].includes(response.request().resourceType());
    if (isFile && response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  // The policy's own word, beside the console's; where scripts are off there is the console alone.
  await context.exposeFunction('complain', (text: string) => complaints.push(text));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      (window as unknown as { complain(text: string): void }).complain(`${violatedDirective} forbids ${blockedURI}`);
    });
  });
}
