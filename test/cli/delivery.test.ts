import { decodeJwt } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { startLogoutReceiver } from '../support/logout-receiver.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { enter, visit } from '../support/visit.ts';
import { installation } from './gatewright.ts';

/** More than are made in the day after which a message is given up. */
const MOST_TRIES = 40;

async function started(engine: 'sqlite' | 'postgresql') {
  const server = await startTestServer({}, { engine });
  const receiver = await startLogoutReceiver();
  onTestFinished(async () => {
    await receiver.close();
    await server[Symbol.asyncDispose]();
  });
  const { folders, database } = server.config;
  const { run } = installation();
  const env = {
    ...{ ISSUER: server.issuer, DATA_DIR: folders.data, KEYS_DIR: folders.keys },
    ...(database.url !== null && { DATABASE_URL: database.url }),
  };
  return {
    server,
    receiver,
    run: (...args: string[]) => run(args, { env }),
    json: async (...args: string[]) => (await run([...args, '--json'], { env })).json,
  };
}

/** Twice, since a run that is under way already may have looked before the job was there. */
async function workOff({ app }: TestServer): Promise<void> {
  await app.worker.run();
  await app.worker.run();
}

/** Until nothing waits any more: it was taken, or given up. */
async function workOffAll(server: TestServer): Promise<void> {
  const waits = async () => (await server.app.stores.deliveries.list()).some(({ dueAt }) => dueAt !== null);
  for (let tries = 0; tries < MOST_TRIES && (await waits()); tries += 1) {
    server.passTime(toMilliseconds(HOUR) + 1);
    await workOff(server);
  }
}

async function signedOut(server: TestServer, backchannelLogoutUri: string) {
  const person = await visit(server, { backchannelLogoutUri });
  await enter(person);
  await server.app.stores.accounts.signOut(person.account.id, BY_OPERATOR);
  await workOff(server);
  return person;
}

describe.each(['sqlite', 'postgresql'] as const)('gatewright delivery on %s', { timeout: 90_000 }, (engine) => {
  it('shows what an application does not take, until it was given up, and has it tried again', async () => {
    const { server, receiver, run, json } = await started(engine);
    receiver.answerWith(...Array(MOST_TRIES).fill(500));
    const { client, account } = await signedOut(server, receiver.uri);
    const [waiting, ...more] = await json('delivery', 'list');
    expect(more).toEqual([]);
    expect(waiting).toEqual({
      ...{ id: expect.stringMatching(/^msg_/), message: 'backchannel-logout', clientId: client.id },
      // The server's own timer may have tried it once more by now.
      attempts: expect.any(Number),
      ...{ accountId: account.id, createdAt: expect.stringMatching(/Z$/), nextTryAt: expect.stringMatching(/Z$/) },
      ...{ lastError: `${client.id} answered a logout token with 500`, givenUp: false },
    });
    expect(Date.parse(waiting.nextTryAt)).toBeGreaterThan(Date.parse(waiting.createdAt));
    expect((await run('delivery', 'list', '--failed')).stdout).toBe('No message was given up.\n');
    const early = await run('delivery', 'retry', waiting.id);
    expect([early.status, early.stderr]).toEqual([
      1,
      expect.stringContaining(`there is no message that was given up by the id ${waiting.id}`),
    ]);

    await workOffAll(server);
    const { stdout } = await run('delivery', 'list', '--failed', '--client', client.id);
    expect(stdout).toMatch(/^ID +MESSAGE +CLIENT +SINCE +TRIES +NEXT TRY +LAST ERROR\nmsg_\S+ +backchannel-logout +/);
    expect(stdout).toMatch(/Z +\d+ +never +\S+ answered a logout token with 500\n$/);
    expect(await json('delivery', 'list', '--client', 'another')).toEqual([]);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('gatewright_jobs_given_up_total{kind="backchannel-logout"} 1');

    receiver.recover();
    const before = receiver.tokens.length;
    expect((await run('delivery', 'retry', waiting.id)).stdout).toBe('1 message will be tried again.\n');
    await workOffAll(server);
    expect(receiver.tokens.slice(before).map((token) => decodeJwt(token).aud)).toEqual([client.id]);
    expect(await json('delivery', 'list')).toEqual([]);
    expect((await run('audit', 'list', '--event', 'delivery.retried')).stdout).toMatch(
      new RegExp(` cli had messages tried again at ${client.id} \\(count: 1\\)\\n$`),
    );
  });

  it('drops what an application will never take, and no other', async () => {
    const { server, receiver, run, json } = await started(engine);
    receiver.answerWith(...Array(MOST_TRIES).fill(500));
    const gone = await signedOut(server, receiver.uri);
    const other = await signedOut(server, receiver.uri);
    const unasked = await run('delivery', 'drop', '--client', gone.client.id);
    expect([unasked.status, unasked.stderr]).toEqual([2, expect.stringContaining('confirm with --yes')]);
    expect(await json('delivery', 'list')).toHaveLength(2);
    expect(await json('delivery', 'drop', '--client', gone.client.id, '--yes')).toEqual({ dropped: 1 });
    expect(await json('delivery', 'list')).toMatchObject([{ clientId: other.client.id }]);
    receiver.recover();
    const before = receiver.tokens.length;
    await workOffAll(server);
    expect(receiver.tokens.slice(before).map((token) => decodeJwt(token).aud)).toEqual([other.client.id]);
  });
});

describe('gatewright delivery', () => {
  it.each([
    [['retry'], 'give ids, or --client'],
    [['drop', '--yes'], 'give ids, or --client'],
    [['retry', 'msg_1', '--client', 'web'], 'give ids, or --client'],
    [['drop', 'msg_1'], 'confirm with --yes'],
  ])('%j is wrong usage', async (args, sentence) => {
    const { status, stderr } = await installation().run(['delivery', ...args]);
    expect([status, stderr]).toEqual([2, expect.stringContaining(sentence)]);
  });
});
