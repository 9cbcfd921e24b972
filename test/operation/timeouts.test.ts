import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createLog } from '../../src/lib/log.ts';
import { type Server, startServer, TIMEOUTS } from '../../src/server.ts';
import { freePort } from '../support/free-port.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** Node's name for it. */
const STARTED = 'http.server.request.start';
const SHORT = { headers: 300, request: 600, keepAlive: 200, still: 400, checked: 50 };

let whole: TestServer;
let server: Server;
beforeAll(async () => {
  whole = await startTestServer();
  const listen = { ...whole.config.listen, port: await freePort() };
  server = await startServer({ ...whole.config, listen }, { log: createLog('silent'), timeouts: SHORT });
});
afterAll(async () => {
  await server.close();
  await whole[Symbol.asyncDispose]();
});

interface Conversation {
  write(text: string): void;
  /** All that was answered until the other side closed, and how long that took. */
  closed: Promise<{ answer: string; took: number }>;
}

function talk({ url } = server): Conversation {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname).on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  const from = performance.now();
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  const closed = new Promise<{ answer: string; took: number }>((resolve) => {
    socket.once('close', () => resolve({ answer, took: performance.now() - from }));
  });
  return { write: (text) => void socket.write(text), closed };
}

const host = () => new URL(whole.issuer).host;

describe('a client that takes its time', () => {
  it('is cut off when its headers trickle in', async () => {
    const slow = talk();
    slow.write(`GET / HTTP/1.1\r\nHost: ${host()}\r\n`);
    const timer = setInterval(() => slow.write('X-A: b\r\n'), 50);
    onTestFinished(() => clearInterval(timer));
    const { answer, took } = await slow.closed;
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(took).toBeGreaterThan(SHORT.headers - 50);
    expect(took).toBeLessThan(5_000);
  });

  it('is cut off when it says nothing at all', async () => {
    expect((await talk().closed).took).toBeLessThan(5_000);
  });

  it('is cut off when its body trickles in', async () => {
    const slow = talk();
    slow.write(`POST /oauth2/token HTTP/1.1\r\nHost: ${host()}\r\nContent-Length: 1000\r\n`);
    slow.write('Content-Type: application/x-www-form-urlencoded\r\n\r\n');
    const timer = setInterval(() => slow.write('a'), 50);
    onTestFinished(() => clearInterval(timer));
    expect((await slow.closed).took).toBeLessThan(5_000);
  });

  it('is cut off when it asks and does not take the answers', async () => {
    const [, style] = /href="(\/assets\/[^"?]+\.css)/.exec(await (await fetch(whole.issuer)).text()) ?? [];
    const { hostname, port } = new URL(server.url);
    const deaf = net.connect(Number(port), hostname).on('error', () => undefined);
    onTestFinished(() => void deaf.destroy());
    const { promise: cutOff, resolve } = Promise.withResolvers<void>();
    const watch = (message: unknown) => {
      const { socket } = message as { socket: net.Socket };
      if (socket.remotePort === deaf.localPort) socket.once('close', resolve);
    };
    subscribe(STARTED, watch);
    onTestFinished(() => void unsubscribe(STARTED, watch));
    const from = performance.now();
    // Read at once, and answered with more than the buffers on the way hold.
    deaf.pause().write(`GET ${style} HTTP/1.1\r\nHost: ${host()}\r\n\r\n`.repeat(900));
    await cutOff;
    expect(performance.now() - from).toBeLessThan(5_000);
  });

  it('keeps its connection for a while after an answer, and no longer', async () => {
    const idle = talk();
    idle.write(`GET /health/live HTTP/1.1\r\nHost: ${host()}\r\n\r\n`);
    const { answer, took } = await idle.closed;
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*Connection: keep-alive/i);
    expect(took).toBeLessThan(5_000);
  });
});

describe('a client that says much', () => {
  it('is told that its headers are too large', async () => {
    const huge = talk();
    huge.write(`GET / HTTP/1.1\r\nHost: ${host()}\r\nCookie: ${'x'.repeat(17 * 1024)}\r\n\r\n`);
    expect((await huge.closed).answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('does not push out with many headers what a proxy adds after them', async () => {
    const chatty = talk();
    const { host: own } = new URL(server.url);
    const many = 'a:\r\n'.repeat(3_000);
    chatty.write(`GET /metrics HTTP/1.1\r\nHost: ${own}\r\n${many}X-Forwarded-For: 192.0.2.1\r\n\r\n`);
    expect((await chatty.closed).answer).toMatch(/^HTTP\/1\.1 421 /);
  });
});

it('all of that holds for a server as it is started', () => {
  expect(TIMEOUTS).toEqual({ headers: 10_000, request: 30_000, keepAlive: 65_000, still: 120_000, checked: 1_000 });
});
