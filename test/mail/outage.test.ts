import { describe, expect, it, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { HOUR, MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { CLI, execute, NODE } from '../cli/gatewright.ts';
import { installation, start } from '../server/program.ts';
import { freePort } from '../support/free-port.ts';
import { Refused, startMailServer } from '../support/mail-server.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { enter, visit } from '../support/visit.ts';

const FROM = 'no-reply@example.org';
const disable = (server: TestServer, id: string) => server.app.stores.accounts.disable(id, BY_OPERATOR);
const mailsOf = (server: TestServer) => server.app.stores.mails.list();

describe('mail', () => {
  it('goes out when the mail server is up again, and the operator sees why it waits', async () => {
    const port = await freePort();
    await using server = await startTestServer({ SMTP_URL: `smtp://localhost:${port}`, MAIL_FROM: FROM });
    const { id } = await server.addAccount({ email: 'ada@example.org' });
    await disable(server, id);
    await server.app.worker.run();
    expect(await mailsOf(server)).toMatchObject([
      { attempts: 1, lastError: expect.stringMatching(/^the mail server cannot be reached/) },
    ]);
    await using post = await startMailServer({ port });
    server.passTime(toMilliseconds(6));
    await server.app.worker.run();
    expect((await post.until(1))[0]?.to).toEqual(['ada@example.org']);
    expect(await mailsOf(server)).toEqual([]);
  });

  it('of a change goes out although the server was killed before it could be sent', { timeout: 150_000 }, async () => {
    const port = await freePort();
    const place = await installation({ SMTP_URL: `smtp://localhost:${port}`, MAIL_FROM: FROM });
    const run = async (...args: string[]) => {
      const env = { ...place.env, PATH: process.env['PATH'] ?? '' };
      const done = await execute(NODE, [CLI, ...args, '--json'], {
        cwd: place.folder,
        env,
        input: 'eight888 and more\n',
      });
      if (done.status !== 0) throw new Error(done.stderr);
      return done.json;
    };
    const first = start(place);
    await first.ready();
    await run('account', 'create', '--email', 'ada@example.org', '--password-stdin');
    await run('account', 'disable', 'ada@example.org');
    first.child.kill('SIGKILL');
    await first.ended();
    expect(await run('mail', 'list')).toMatchObject([{ message: 'account-disabled', to: 'a***@example.org' }]);

    await using post = await startMailServer({ port });
    const second = start(place);
    await second.ready();
    // The killed one may have been about to send it: then its claim has to end first.
    const [letter] = await post.until(1, 100_000);
    expect(letter).toMatchObject({ to: ['ada@example.org'], mail: { subject: 'Your account was disabled' } });
    await vi.waitUntil(async () => (await run('mail', 'list')).length === 0, { timeout: 10_000 });
    expect(second.output.out).not.toContain('ada@example.org');
  });

  it('that somebody was killed over in the middle of sending is sent again, and can be told to be the same', async () => {
    await using post = await startMailServer();
    await using server = await startTestServer({ SMTP_URL: post.url, MAIL_FROM: FROM });
    const { id } = await server.addAccount();
    await disable(server, id);
    const [mail] = await mailsOf(server);
    const { outbox } = server.app.stores;
    const { done } = outbox;
    outbox.done = async (job) => {
      if (job === mail?.id) throw new Error('killed');
      await done(job);
    };
    await server.app.worker.run().catch(() => undefined);
    await post.until(1);
    outbox.done = done;
    await server.app.worker.run();
    expect(post.received).toHaveLength(1);
    server.passTime(toMilliseconds(MINUTE + 1));
    await server.app.worker.run();
    const [first, second, ...more] = await post.until(2);
    expect(second?.mail.messageId).toBe(first?.mail.messageId);
    expect(more).toEqual([]);
    expect(await mailsOf(server)).toEqual([]);
  });

  it('that is refused for good is given up at once, erased, and delays nobody of the same domain', async () => {
    await using post = await startMailServer({
      onReceiver: (address) => {
        if (address.startsWith('gone')) throw new Refused(550, `no such user ${address}`);
      },
    });
    await using server = await startTestServer({ SMTP_URL: post.url, MAIL_FROM: FROM });
    for (const email of ['gone@example.org', 'ada@example.org']) {
      await disable(server, (await server.addAccount({ email })).id);
    }
    await server.app.worker.run();
    expect((await post.until(1)).map(({ to }) => to)).toEqual([['ada@example.org']]);
    expect(await mailsOf(server)).toMatchObject([
      { to: 'g***@example.org', attempts: 1, dueAt: null, lastError: 'the mail server refuses the receiver (550)' },
    ]);
    expect(server.logged.join('')).not.toContain('gone@example.org');
    server.passTime(toMilliseconds(HOUR));
    await server.app.worker.run();
    expect(post.asked).toEqual(['gone@example.org', 'ada@example.org']);
  });

  it('for a domain that hangs holds up no request, and no mail for another, also when it comes later', async () => {
    const { promise: never, resolve: release } = Promise.withResolvers<void>();
    await using post = await startMailServer({ onReceiver: (address) => (/@slow/.test(address) ? never : undefined) });
    await using server = await startTestServer({ SMTP_URL: post.url, MAIL_FROM: FROM });
    await disable(server, (await server.addAccount({ email: 'first@slow.example' })).id);
    // Nobody asks the worker for it: it looks by itself.
    await vi.waitUntil(() => post.asked.length === 1, { timeout: 10_000, interval: 5 });
    await disable(server, (await server.addAccount({ email: 'second@slow.example' })).id);
    await disable(server, (await server.addAccount({ email: 'quick@example.org' })).id);
    expect((await enter(await visit(server))).id_token).toBeDefined();
    expect((await post.until(1)).map(({ to }) => to)).toEqual([['quick@example.org']]);
    expect(post.asked).toEqual(['first@slow.example', 'quick@example.org']);
    release();
    await post.until(2);
  });
});
