import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { consent, giveCode, givePassword, heading, text } from './steps.ts';
import { inChromium } from './support.ts';

const PROGRAM = path.join(import.meta.dirname, '../../examples/demo.ts');

let folder: string;
let ports: Record<string, string>;
let running: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gatewright-demo-'));
  const names = ['PORT', 'WEB_APP_PORT', 'SINGLE_PAGE_APP_PORT', 'MICROSERVICE_PORT'];
  ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, String(await freePort())])));
});
afterEach(() => {
  for (const each of running) each.kill('SIGKILL');
  running = [];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

inChromium('the demo', (open) => {
  it('says whom to sign in as, and is the same at its second start', async () => {
    const first = await start();
    expect(first.said).toContain('Ctrl-C');
    expect(first.said, 'no log among what people read').not.toContain('"level"');
    expect(statSync(path.join(folder, 'credentials')).mode & 0o777).toBe(0o600);

    const page = await open();
    await page.goto(first.webApp);
    await page.locator('#sign-in').click();
    await givePassword(page, 'ada@example.org', first.password);
    await consent(page, 'Meadow Notes');
    await heading(page, 'Hello, Ada Lovelace');
    await page.locator('#api-link').click();
    expect(await text(page, 'api-status')).toBe('200');

    const third = await run({ ...ports, PORT: String(await freePort()), DATA_DIR: path.join(folder, 'other') });
    expect(third).toMatchObject({ status: 1 });
    expect(third.said).toMatch(/^demo: port \d+ is in use: stop what uses it, or set WEB_APP_PORT to another\n$/);
    expect(await stop(first.program)).toBe(0);

    const second = await start();
    expect(second.password).toBe(first.password);
    const another = await open();
    await another.goto(`${second.singlePageApp}/`);
    await another.locator('#sign-in').click();
    await givePassword(another, 'grace@example.org', second.password);
    await giveCode(another, second.code);
    await consent(another, 'Meadow Board');
    await heading(another, 'Hello, Grace Hopper');
    await another.locator('#call-api').click();
    await another.locator('#result', { hasText: '"status": 200' }).waitFor();
    expect(await stop(second.program)).toBe(0);
  });
});

async function start() {
  const { program, ready } = launch({ ...ports, DATA_DIR: folder });
  const said = await ready;
  const find = (pattern: RegExp) => pattern.exec(said)?.[1] ?? '';
  return {
    program,
    said,
    webApp: find(/(\S+) {2}a web application/),
    singlePageApp: find(/(\S+) {2}a single-page application/),
    password: find(/with the password (\S+)/),
    code: find(/^ +(\d{3} \d{3}) /m),
  };
}

/** One that ends by itself. */
async function run(env: Record<string, string>): Promise<{ status: number | null; said: string }> {
  const { program, ready } = launch(env);
  const said = await ready;
  return { status: program.exitCode, said };
}

/** `ready` has what was said until it runs, or until it ends. */
function launch(env: Record<string, string>): { program: ChildProcess; ready: Promise<string> } {
  const { PATH = '' } = process.env;
  const program = spawn(process.execPath, [PROGRAM], { env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(program);
  let said = '';
  const ready = new Promise<string>((resolve) => {
    const hear = (chunk: Buffer) => {
      said += chunk;
      if (said.includes('Ctrl-C')) resolve(said);
    };
    program.stdout?.on('data', hear);
    program.stderr?.on('data', hear);
    program.once('close', () => resolve(said));
  });
  return { program, ready };
}

function stop(program: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    program.once('exit', resolve);
    program.kill('SIGINT');
  });
}
