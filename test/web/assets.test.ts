import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAssets, serveAssets } from '../../src/web/assets.ts';

const folder = fileURLToPath(new URL('../../views', import.meta.url));
const overrideFolder = mkdtempSync(join(tmpdir(), 'assets-'));
let server: Server;
let origin: string;

beforeAll(async () => {
  mkdirSync(join(overrideFolder, 'assets'));
  for (const name of ['mark.svg', 'ours.png', 'notes.txt', '.hidden.css'])
    writeFileSync(join(overrideFolder, 'assets', name), `ours: ${name}`);
  const app = new Koa();
  app.use(serveAssets({ folder, overrideFolder }));
  app.use((ctx) => {
    ctx.status = 404;
    ctx.body = 'next';
  });
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  rmSync(overrideFolder, { recursive: true });
});

/** Sends the path as it stands, where `fetch` would tidy it up, and no `Cache-Control` beside a condition. */
function rawGet(path: string, header = 'Accept: */*'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${header}\r\nConnection: close\r\n\r\n`);
  });
}

describe('assets', () => {
  test.each([
    ['look.css', 'text/css; charset=utf-8'],
    ['codes.js', 'text/javascript; charset=utf-8'],
    ['mark.svg', 'image/svg+xml'],
    ['ours.png', 'image/png'],
  ])('serves %s as %s', async (name, type) => {
    const answer = await fetch(`${origin}/assets/${name}?v=1`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=3600');
    expect(answer.headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/);
    expect((await answer.text()).length).toBeGreaterThan(0);
  });

  test('puts the file of the operator before ours', async () => {
    expect(await (await fetch(`${origin}/assets/mark.svg`)).text()).toBe('ours: mark.svg');
  });

  test('answers 304 to whoever has it, with the same validators', async () => {
    const etag = (await fetch(`${origin}/assets/look.css`)).headers.get('etag') as string;
    const same = await rawGet('/assets/look.css', `If-None-Match: W/"x", ${etag}`);
    expect(same).toMatch(/^HTTP\/1\.1 304 /);
    expect(same).toMatch(/\r\n\r\n$/);
    expect(same).toContain(`ETag: ${etag}`);
    expect(same).toContain('Cache-Control: public, max-age=3600');
    expect(await rawGet('/assets/look.css', 'If-None-Match: "other"')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('answers HEAD with the length and no body', async () => {
    const body = await (await fetch(`${origin}/assets/look.css`)).arrayBuffer();
    const head = await fetch(`${origin}/assets/look.css`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(head.headers.get('content-length')).toBe(String(body.byteLength));
  });

  test.each([
    '/assets/',
    '/assets/none.css',
    '/assets/notes.txt',
    '/assets/.hidden.css',
    '/assets/../texts/en.json',
    '/assets/..%2ftexts%2fen.json',
    '/assets/%2e%2e/texts/en.json',
    '/assets//look.css',
    '/assets/look.css/',
    '/assets/look.css%00.js',
    '/assets/constructor',
    '/look.css',
  ])('leaves %s to the next', async (path) => {
    expect(await rawGet(path)).toMatch(/^HTTP\/1\.1 404 [\s\S]*next$/);
  });

  test('leaves other methods to the next', async () => {
    expect((await fetch(`${origin}/assets/look.css`, { method: 'POST' })).status).toBe(404);
  });

  test('refuses a link that leads out of the folder', () => {
    const place = mkdtempSync(join(tmpdir(), 'assets-'));
    mkdirSync(join(place, 'assets'));
    symlinkSync('/etc/hostname', join(place, 'assets', 'host.css'));
    expect(() => loadAssets({ folder, overrideFolder: place })).toThrow('leads out of');
    rmSync(place, { recursive: true });
  });
});
