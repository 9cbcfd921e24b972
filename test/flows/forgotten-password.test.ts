import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lettersTo, mailedLink } from '../support/letters.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, textOf } from '../support/user-agent.ts';
import { atAccount, SEED } from './account-visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const NEW = 'seven quiet otters climb';

/** Somebody who types an address. */
async function askedFor(email: string) {
  const agent = createUserAgent(server.issuer);
  const page = await agent.submit(await agent.follow('/forgotten-password'), { email });
  return { agent, page };
}

describe('a forgotten password', () => {
  it('is set anew by a mailed link, opened as often as one likes and spent once; the second factor stays', async () => {
    const { email } = await server.addAccount({ totpSecret: SEED });
    const before = await atAccount(server, { email, seed: SEED });
    const { agent } = await askedFor(email);
    const href = await mailedLink(server, email);

    // A program that reads the mail first.
    for (let look = 0; look < 3; look += 1)
      expect((await createUserAgent(server.issuer).follow(href)).status).toBe(200);
    const page = await agent.follow(href);
    expect(new URL(page.url).pathname).toBe('/link');
    expect(textOf((await agent.submit(page, { new_password: NEW })).html)).toContain('Your password is set');

    for (const later of [href, '/link']) expect((await agent.follow(later)).status).toBe(410);
    // Whoever was signed in is signed out.
    expect(textOf((await before.agent.follow('/account')).html)).toContain('Sign in');
    const old = createUserAgent(server.issuer);
    const refused = await old.submit(await old.follow('/account'), { email, password: PASSWORD });
    expect(refused.status).toBe(422);
    const asked = await old.submit(refused, { email, password: NEW });
    expect(textOf(asked.html)).toContain('Enter your code');
  });

  it('is answered alike for an address that nobody goes by, and nothing is sent', async () => {
    const { email } = await server.addAccount();
    const known = await askedFor(email);
    const stranger = 'somebody.else@example.net';
    const unknown = await askedFor(stranger);
    const bare = ({ html }: { html: string }) => html.replaceAll(email, 'X').replaceAll(stranger, 'X');
    expect(bare(unknown.page)).toBe(bare(known.page));
    expect(await lettersTo(server, stranger)).toEqual([]);
    expect(await lettersTo(server, email)).toHaveLength(1);
  });

  it('has one link at a time, and it runs out', async () => {
    const { email } = await server.addAccount();
    await askedFor(email);
    const first = await mailedLink(server, email);
    await askedFor(email);
    const second = await mailedLink(server, email);
    const agent = createUserAgent(server.issuer);
    expect((await agent.follow(first)).status).toBe(410);
    const page = await agent.follow(second);
    server.passTime(60 * 60 * 1000);
    expect((await agent.submit(page, { new_password: NEW })).status).toBe(410);
  });
});
