import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { installation, type Program, start } from '../server/program.ts';
import { newDatabase } from '../support/databases.ts';
import { freePort } from '../support/free-port.ts';

vi.setConfig({ testTimeout: 60_000 });
const SOON = { timeout: 10_000, interval: 10 };

const lines = ({ output }: Program) =>
  output.out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { level: number; msg: string });

/** Nothing of its start is under way any more. */
async function settled(program: Program): Promise<void> {
  await program.ready();
  await expect.poll(() => program.output.out, SOON).toContain('there is no administrator yet');
}

/** One connection that is kept, and what was answered on it. */
function connect(issuer: string) {
  const { port, host } = new URL(issuer);
  const socket = net.connect(Number(port), '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  const said = { text: '', closed: false };
  socket.setEncoding('utf8').on('data', (text) => {
    said.text += text;
  });
  socket.once('close', () => {
    said.closed = true;
  });
  return { said, get: (path: string) => void socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`), socket };
}

describe('a stop', () => {
  it('is told to load balancers first, who are served meanwhile', async () => {
    const made = await installation({ STOP_DELAY: '2' });
    const program = start(made);
    await program.ready();
    const kept = connect(made.issuer);
    kept.get('/health/ready');
    await expect.poll(() => kept.said.text, SOON).toMatch(/^HTTP\/1\.1 200 /);
    program.child.kill('SIGTERM');
    await expect.poll(() => program.output.out, SOON).toContain('stopping');

    const answer = await fetch(`${made.issuer}/health/ready`);
    expect([answer.status, answer.headers.get('connection')]).toEqual([503, 'close']);
    expect(await answer.json()).toMatchObject({ status: 'stopping', database: 'ok' });
    const page = await fetch(`${made.issuer}/.well-known/openid-configuration`);
    expect([page.status, page.headers.get('connection')]).toEqual([200, 'close']);
    // Whoever has kept a connection gets an answer on it, and goes elsewhere with the next question.
    kept.get('/health/live');
    await expect
      .poll(() => kept.said.text, SOON)
      .toMatch(/HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 200 [\s\S]*Connection: close/);
    await expect.poll(() => kept.said.closed, SOON).toBe(true);

    const { status, took } = await program.ended();
    expect([status, took < 5_000]).toEqual([0, true]);
    await expect(fetch(`${made.issuer}/health/live`)).rejects.toThrow();
  });

  it('waits no longer than it may for a request that does not end, and says so', async () => {
    const made = await installation({ STOP_TIMEOUT: '1' });
    const program = start(made);
    await program.ready();
    const { socket } = connect(made.issuer);
    const { host } = new URL(made.issuer);
    socket.write(`POST /oauth2/token HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 99\r\n`);
    socket.write('Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type=');
    await fetch(`${made.issuer}/health/live`);
    program.child.kill('SIGTERM');
    const { status, took } = await program.ended();
    expect([status, took < 2_500]).toEqual([1, true]);
    expect(lines(program).at(-1)).toMatchObject({ level: 50, msg: expect.stringContaining('was cut off') });
    expect(program.output.err).toBe('');
  });

  it('waits no longer than it may for a database that hangs', async () => {
    const { url, drop } = await newDatabase();
    onTestFinished(drop);
    const way = await startWay(new URL(url));
    const through = new URL(url);
    through.port = String(way.port);
    const made = await installation({ STOP_TIMEOUT: '2', DATABASE_URL: through.href });
    const program = start(made);
    await settled(program);
    way.hang();
    // A request that waits for it is in flight.
    const waiting = fetch(`${made.issuer}/setup/gwl_x`).catch(() => null);
    await fetch(`${made.issuer}/health/live`);
    program.child.kill('SIGTERM');
    const { status, took } = await program.ended();
    expect([status, took < 3_500, await waiting]).toEqual([1, true, null]);
    expect(lines(program).at(-1)).toMatchObject({ level: 50, msg: expect.stringContaining('was cut off') });
  });

  it('told a second time, is at once', async () => {
    const made = await installation({ STOP_DELAY: '60' });
    const program = start(made);
    await program.ready();
    program.child.kill('SIGTERM');
    await expect.poll(() => program.output.out, SOON).toContain('stopping');
    program.child.kill('SIGINT');
    const { status, took } = await program.ended();
    expect([status, took < 2_000]).toEqual([1, true]);
  });
});

describe('a mistake that nobody caught', () => {
  it.each([
    ['uncaught', 'throw boom()'],
    ['unhandled', 'Promise.reject(boom())'],
  ])('is one line without secrets, and the end: %s', async (_name, code) => {
    const boom = `const boom = () => Object.assign(new Error('no postgresql://user:hunter2@db.example/x'), {
      detail: 'Key (email)=(ada@example.org)', input: 'postgresql://user:hunter2@db.example/x' });`;
    const script = `${boom} process.on('SIGUSR2', () => { ${code} });`;
    const made = await installation();
    const preload = path.join(made.folder, 'boom.mjs');
    writeFileSync(preload, script);
    const program = start({ ...made, env: { ...made.env, NODE_OPTIONS: `--import=${preload}` } });
    await settled(program);
    program.child.kill('SIGUSR2');
    expect((await program.ended()).status).toBe(1);
    expect(lines(program).filter(({ level }) => level === 60)).toHaveLength(1);
    expect(lines(program).at(-1)).toMatchObject({ level: 60, err: { message: 'no postgresql://db.example/x' } });
    expect(program.output.out + program.output.err).not.toMatch(/hunter2|ada@/);
    expect(program.output.err).toBe('');
  });
});

/** A way to a database that can be blocked: nothing comes through any more, and nothing is closed. */
async function startWay(to: URL): Promise<{ port: number; hang(): void }> {
  const port = await freePort();
  const pairs: net.Socket[] = [];
  let hanging = false;
  const server = net.createServer((near) => {
    const far = net.connect(Number(to.port), to.hostname);
    pairs.push(near, far);
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => undefined).on('data', (chunk) => hanging || into.write(chunk));
      from.on('close', () => into.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of pairs) socket.destroy();
  });
  return {
    port,
    hang() {
      hanging = true;
    },
  };
}
