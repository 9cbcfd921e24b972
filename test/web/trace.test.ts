import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { createGuardedFetch } from '../../src/lib/guarded-fetch.ts';
import { inTrace, traceFrom } from '../../src/lib/trace.ts';
import { startLogoutReceiver } from '../support/logout-receiver.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { enter, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());
afterEach(() => vi.restoreAllMocks());

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const NEW_TRACE = /^(?!0{32})[0-9a-f]{32}$/;

const lines = () => server.logged.map((line) => JSON.parse(line) as Record<string, unknown>);

/** The line that its request left in the log. */
async function logged(headers: Record<string, string>): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.issuer}/`, { headers });
  await answer.text();
  const requestId = answer.headers.get('x-request-id');
  expect(requestId).toMatch(/^req_/);
  return vi.waitFor(() => {
    const line = lines().find((one) => one['requestId'] === requestId && one['msg'] === 'request');
    expect(line).toBeDefined();
    return line as Record<string, unknown>;
  });
}

describe('the trace of a request', () => {
  it('is the one that it came with', async () => {
    expect(await logged({ traceparent: `00-${TRACE}-${SPAN}-01` })).toMatchObject({ traceId: TRACE });
    expect(await logged({ traceparent: `cc-${TRACE}-${SPAN}-00` })).toMatchObject({ traceId: TRACE });
  });

  it.each([
    ['nothing', ''],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['too little', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['too much', `00-${TRACE}-${SPAN}-01-${'x'.repeat(5_000)}`],
    ['two', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ['a line of its own', `00-${TRACE}-${SPAN}-01","level":60`],
  ])('is a new one where that is %s', async (_name, traceparent) => {
    const { traceId } = await logged({ traceparent });
    expect(traceId).toMatch(NEW_TRACE);
    expect(traceId).not.toBe(TRACE);
  });

  it('is on every line that is logged for it', async () => {
    vi.spyOn(server.app.stores.setupLinks, 'isOpen').mockRejectedValueOnce(new Error('the disk is on fire'));
    await fetch(`${server.issuer}/setup/gwl_x`, { headers: { traceparent: `00-${'a'.repeat(32)}-${SPAN}-01` } });
    await vi.waitFor(() => {
      const found = lines().filter(({ traceId }) => traceId === 'a'.repeat(32));
      expect(found.map(({ msg }) => msg).sort()).toEqual(['request', 'request failed']);
      expect(new Set(found.map(({ requestId }) => requestId)).size).toBe(1);
    });
  });

  it('goes on with what is sent on its behalf, under a span of its own', async () => {
    const receiver = await startLogoutReceiver();
    onTestFinished(() => void receiver.close());
    const send = createGuardedFetch(['127.0.0.0/8']);
    const trace = traceFrom(`00-${TRACE}-${SPAN}-01`, 'req_x');
    for (const _ of ['once', 'again']) await inTrace(trace, () => send(receiver.uri, { method: 'POST' }));
    await send(receiver.uri, { method: 'POST' });
    const [first, second, outside] = receiver.traceparents;
    for (const sent of [first, second]) {
      expect(sent).toMatch(new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-01$`));
    }
    expect(second).not.toBe(first);
    expect(outside).toBeUndefined();
  });
});

describe('the trace of a job', () => {
  it('is its own, in the log and at the application that is spoken to', async () => {
    const receiver = await startLogoutReceiver();
    onTestFinished(() => void receiver.close());
    const person = await visit(server, { backchannelLogoutUri: receiver.uri });
    await enter(person);
    await server.app.stores.accounts.signOut(person.account.id, BY_OPERATOR);
    await server.app.worker.run();
    await server.app.worker.run();
    await vi.waitFor(() => expect(receiver.tokens).toHaveLength(1));
    const sent = receiver.traceparents.at(-1);
    const done = await vi.waitFor(() => {
      const line = lines().find(({ msg, kind }) => msg === 'job done' && kind === 'backchannel-logout');
      expect(line).toBeDefined();
      return line as Record<string, unknown>;
    });
    expect(done).toMatchObject({ job: expect.any(String), traceId: expect.stringMatching(NEW_TRACE) });
    expect(sent).toMatch(new RegExp(`^00-${done['traceId']}-[0-9a-f]{16}-00$`));
  });
});
