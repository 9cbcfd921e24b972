import type { WebAuthnEmulator } from 'nid-webauthn-emulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acrOf } from '../../src/assurance/level.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DAY, MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { newId } from '../../src/lib/ids.ts';
import { lettersTo, mailedLink } from '../support/letters.ts';
import { createdOn, creationOptionsOn } from '../support/new-passkey.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, type Page, textOf, type UserAgent, unescapeHtml } from '../support/user-agent.ts';
import { ask, stepOf, visit } from '../support/visit.ts';

/*
 * The attacker wants a passkey of theirs in an account that somebody else makes, an account under an id that is another's,
 * or two accounts of one link.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SIGN_UP: 'open', LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

const someone = () => `${newId('acc').toLowerCase()}@example.org`;
const hrefOf = (page: Page, text: string) => new RegExp(`href="([^"]+)">${text}<`).exec(page.html)?.[1] ?? '';
const accountOf = (email: string, at = server) => at.app.stores.accounts.findByEmail(email);
const passkeysOf = async (email: string, at = server) =>
  at.app.stores.passkeys.ofAccount((await accountOf(email, at))?.id ?? '');
const codesOn = (page: Page) => [...page.html.matchAll(/<li>([\w-]{14})<\/li>/g)].map(([, code = '']) => code);

/** Has followed the mailed link, and chosen a passkey. */
async function opened(email: string, { agent = createUserAgent(server.issuer), at = server } = {}) {
  await agent.submit(await agent.follow('/sign-up'), { email });
  const href = await mailedLink(at, email);
  const form = await agent.follow(href);
  return { agent, href, page: await agent.follow(hrefOf(form, 'Use a passkey instead of a password')) };
}

/** At the account's own pages, by a passkey of this device and nothing else. */
async function signedIn(device: WebAuthnEmulator, agent: UserAgent = createUserAgent(server.issuer)): Promise<Page> {
  return byPasskey(agent, await agent.follow('/account'), device);
}

function byPasskey(agent: UserAgent, page: Page, device: WebAuthnEmulator): Promise<Page> {
  const [, options = ''] = /data-passkey="get" data-options="([^"]*)"/.exec(page.html) ?? [];
  const credential = JSON.stringify(device.getJSON(new URL(page.url).origin, JSON.parse(unescapeHtml(options))));
  return agent.submit(page, { credential });
}

describe('a sign-up by passkey', () => {
  it('goes from the application by the letter back into its sign-in, without any password', async () => {
    const [email, device] = [someone(), aDevice()];
    const person = await visit(server, { account: await server.addAccount(), minimumLevel: 'phishing-resistant' });
    const { authorization, page: start } = await ask(person, { ui_locales: 'en', scope: 'openid email profile' });
    const { agent, party } = person;
    const asking = await agent.follow(hrefOf(start, 'Create an account'));
    await agent.submit(asking, { email });
    const form = await agent.follow(await mailedLink(server, email));
    const page = await agent.follow(hrefOf(form, 'Use a passkey instead of a password'));
    expect(hrefOf(page, 'Use a password instead')).toBe('/link');

    const done = await agent.submit(page, { ...createdOn(page, device), name: 'Ada Lovelace' });
    expect([textOf(done.html), codesOn(done).length]).toEqual([expect.stringContaining('Your account is ready'), 10]);
    const account = await accountOf(email);
    expect(account).toMatchObject({
      ...{ passwordHash: null, hasPasskey: true, hasTotp: false, emailVerified: true, role: 'user' },
      claims: { name: 'Ada Lovelace', locale: 'en' },
    });
    expect(creationOptionsOn(page).user).toMatchObject({
      id: Buffer.from(account?.id ?? '').toString('base64url'),
      name: email,
    });
    expect(await passkeysOf(email)).toMatchObject([{ name: 'Passkey' }]);
    expect(await server.app.stores.accounts.recoveryCodesLeft(account?.id ?? '')).toBe(10);
    // It signs nobody in, and the letter with the link was the only one.
    const session = [...agent.jar.values()].filter(({ name }) => name.includes('session'));
    expect([session, await lettersTo(server, email)]).toMatchObject([[], [{ subject: 'Create your account' }]]);

    const back = await agent.follow(hrefOf(done, 'Sign in'));
    expect(new URL(back.url).pathname).toBe(new URL(start.url).pathname);
    const tokens = await party.redeem(await byPasskey(agent, back, device), authorization);
    expect(tokens.claims()).toMatchObject({
      ...{ sub: account?.id, acr: acrOf('phishing-resistant'), amr: ['swk', 'user', 'mfa'] },
    });
    const claims = await party.userinfo(tokens.access_token, account?.id ?? '');
    expect(claims).toMatchObject({ email, email_verified: true, name: 'Ada Lovelace' });
  });

  it('writes the account, its passkey and how it came about', async () => {
    const email = someone();
    const { agent, page } = await opened(email);
    await agent.submit(page, createdOn(page, aDevice()));
    const account = await accountOf(email);
    const [passkey] = await passkeysOf(email);
    const told = await server.app.stores.activity.page(account?.id ?? '', 20, null);
    expect(told.map(({ event }) => event).sort()).toEqual(['account.created', 'passkey.enrolled', 'sign_up.done']);
    expect(passkey?.accountId).toBe(account?.id);
  });

  it('satisfies every policy that asks for a second factor, or for a passkey', async () => {
    for (const env of [{ SECOND_FACTOR: 'everyone' }, { PHISHING_RESISTANT: 'everyone' }]) {
      await using own = await startTestServer({ SIGN_UP: 'open', ...env });
      const [email, device] = [someone(), aDevice()];
      const { agent, page } = await opened(email, { at: own, agent: createUserAgent(own.issuer) });
      const done = await agent.submit(page, createdOn(page, device));
      expect(textOf(done.html)).toContain('Your account is ready');
      expect(textOf((await signedIn(device, createUserAgent(own.issuer))).html)).toContain('Your account');
    }
  });

  it('is there for whoever is invited, with the role and name of the invitation', async () => {
    const [email, device, agent] = [someone(), aDevice(), createUserAgent(server.issuer)];
    const invited = { email, emailNormalized: email, name: 'Ada', role: 'administrator', lifetime: DAY };
    await server.app.stores.newcomers.invite(invited, 'en', BY_OPERATOR);
    const form = await agent.follow(await mailedLink(server, email));
    const page = await agent.follow(hrefOf(form, 'Use a passkey instead of a password'));
    expect(page.html).toContain('value="Ada"');
    await agent.submit(page, createdOn(page, device));
    expect(await accountOf(email)).toMatchObject({
      role: 'administrator',
      claims: { name: 'Ada' },
      passwordHash: null,
    });
    expect(textOf((await signedIn(device)).html)).toContain('Hello, Ada');
  });

  it('leaves a way back to whoever loses the passkey: a mailed password, and a recovery code', async () => {
    const email = someone();
    const { agent, page } = await opened(email);
    const [code = ''] = codesOn(await agent.submit(page, createdOn(page, aDevice())));
    const forgotten = await agent.submit(await agent.follow('/forgotten-password'), { email });
    expect(forgotten.status).toBe(200);
    const reset = await agent.follow(await mailedLink(server, email));
    await agent.submit(reset, { new_password: 'seven quiet otters climb' });
    const start = await agent.follow('/account');
    const next = await agent.submit(start, { email, password: 'seven quiet otters climb' });
    // The mailbox alone opens nothing.
    expect(stepOf(next)).toBe('passkey');
    const codePage = await agent.follow(`${new URL(next.url).pathname}?method=recovery-code`);
    expect(textOf((await agent.submit(codePage, { code })).html)).toContain('Your account');
  });

  it('is said, where the page cannot run scripts, to need another browser or a password', async () => {
    const { page } = await opened(someone());
    expect(page.html).toMatch(/<form [^>]*data-passkey="create"[^>]* hidden>/);
    expect(page.html).toMatch(/data-without-passkeys>This browser cannot create a passkey/);
  });

  it('is not offered where passkeys are off, and not taken', async () => {
    await using own = await startTestServer({ SIGN_UP: 'open', PASSKEYS: 'off' });
    const [email, agent] = [someone(), createUserAgent(own.issuer)];
    await agent.submit(await agent.follow('/sign-up'), { email });
    const form = await agent.follow(await mailedLink(own, email));
    expect(textOf(form.html)).not.toContain('passkey');
    expect((await agent.follow('/link?method=passkey')).html).not.toContain('data-passkey');
    const added = { ...form, forms: form.forms.map((one) => ({ ...one, fields: { ...one.fields, credential: '' } })) };
    expect((await agent.post(added, { credential: '{}', new_password: '' })).status).toBe(422);
    const done = await agent.submit(form, { new_password: 'seven quiet otters climb' });
    expect(textOf(done.html)).not.toContain('Add a passkey');
  });
});

describe('a sign-up by password', () => {
  it('is told of passkeys afterwards', async () => {
    const [email, agent] = [someone(), createUserAgent(server.issuer)];
    await agent.submit(await agent.follow('/sign-up'), { email });
    const form = await agent.follow(await mailedLink(server, email));
    const done = await agent.submit(form, { new_password: 'seven quiet otters climb' });
    expect([hrefOf(done, 'Sign in'), hrefOf(done, 'Add a passkey')]).toEqual(['/account', '/account/passkeys/new']);
  });
});

describe('the link of a sign-up', () => {
  it('makes one account with one passkey, of ten that are sent at once', async () => {
    const email = someone();
    const { href, agent, page } = await opened(email);
    // Five times the same answer, and five others.
    const created = createdOn(page, aDevice());
    const others = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const other = createUserAgent(server.issuer);
        await other.follow(href);
        return { agent: other, page: await other.follow('/link?method=passkey') };
      }),
    );
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => agent.post(page, created)),
      ...others.map((other) => other.agent.post(other.page, createdOn(other.page, aDevice()))),
    ]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status } of answers) expect([200, 409, 410]).toContain(status);
    expect(await passkeysOf(email)).toHaveLength(1);
    const account = await accountOf(email);
    expect(await server.app.stores.accounts.recoveryCodesLeft(account?.id ?? '')).toBe(10);
  });

  it('is spent by it, and by a password as well', async () => {
    const [one, two] = [await opened(someone()), await opened(someone())];
    await one.agent.submit(one.page, createdOn(one.page, aDevice()));
    const again = createUserAgent(server.issuer);
    expect((await again.follow(one.href)).status).toBe(410);

    const other = createUserAgent(server.issuer);
    const done = await other.submit(await other.follow(two.href), { new_password: 'seven quiet otters climb' });
    expect(textOf(done.html)).toContain('Your account is ready');
    expect((await two.agent.post(two.page, createdOn(two.page, aDevice()))).status).toBe(410);
  });

  it('says so where somebody else has the address by now, and gives that account no passkey', async () => {
    const email = someone();
    const { agent, page } = await opened(email);
    await server.addAccount({ email: email.toUpperCase() });
    const answer = await agent.submit(page, createdOn(page, aDevice()));
    expect([answer.status, textOf(answer.html)]).toEqual([409, expect.stringContaining('There is an account already')]);
    expect(await passkeysOf(email)).toEqual([]);
  });
});

describe('an answer of an authenticator', () => {
  async function refused(email: string, agent: UserAgent, page: Page, fields: Record<string, string>): Promise<Page> {
    const answer = await agent.post(page, { name: 'Ada', ...fields });
    expect([answer.status, answer.html]).toEqual([422, expect.stringContaining('role="alert"')]);
    expect(answer.html).toContain('value="Ada"');
    expect(await accountOf(email)).toBeNull();
    return answer;
  }

  it('is taken for the id that the page was made with, and for no other', async () => {
    const [email, victim] = [someone(), await server.addAccount()];
    const { agent, page } = await opened(email);
    const twin = await agent.follow('/link?method=passkey');
    const idOn = (one: Page) => one.forms.find(({ fields }) => 'account_id' in fields)?.fields['account_id'] ?? '';
    expect(idOn(twin)).toMatch(/^acc_\w{22}$/);
    expect(idOn(twin)).not.toBe(idOn(page));
    const device = aDevice();
    for (const id of [idOn(twin), victim.id, newId('acc'), '', 'acc_', '../x', 'x'.repeat(5000)])
      await refused(email, agent, page, { ...createdOn(page, aDevice()), account_id: id });
    // No page shows an id that was brought along, nor a challenge for it.
    const answer = await refused(email, agent, page, { credential: '{}', account_id: victim.id });
    expect([idOn(answer), Buffer.from(creationOptionsOn(answer).user.id, 'base64url').toString()]).toEqual([
      expect.not.stringContaining(victim.id),
      idOn(answer),
    ]);
    expect(textOf((await agent.submit(answer, createdOn(answer, device))).html)).toContain('Your account is ready');
    expect((await accountOf(email))?.id).toBe(idOn(answer));
  });

  it('is taken for its own link, and for no other; nor is that of a sign-in', async () => {
    const email = someone();
    const { agent, page } = await opened(email);
    const other = await opened(someone());
    await refused(email, agent, page, createdOn(other.page, aDevice()));
    const theirs = other.page.forms.find(({ fields }) => 'account_id' in fields)?.fields['account_id'] ?? '';
    await refused(email, agent, page, { ...createdOn(other.page, aDevice()), account_id: theirs });

    const person = await visit(server, { minimumLevel: 'phishing-resistant' });
    const { page: start } = await ask(person);
    const enrolment = await person.agent.submit(start, {
      ...{ email: person.account.email, password: 'correct horse battery staple' },
    });
    await refused(email, agent, page, createdOn(enrolment, aDevice()));
  });

  it('is refused where the credential is registered, and the link is not spent by that', async () => {
    const [email, owner, device] = [someone(), await server.addAccount(), aDevice()];
    await addPasskey(server, owner.id, device);
    const { agent, page } = await opened(email);
    const created = createdOn(page, device);
    const [known] = await server.app.stores.passkeys.ofAccount(owner.id);
    const { passkeys } = server.app.stores;
    const insert = server.app.stores.accounts.createByLink;
    // No authenticator makes one id twice: so the very row of another is offered.
    server.app.stores.accounts.createByLink = (account, link, by, passkey) => {
      server.app.stores.accounts.createByLink = insert;
      return insert(account, link, by, passkey && { ...passkey, credentialId: known?.credentialId ?? '' });
    };
    await refused(email, agent, page, created);
    expect(await passkeys.ofAccount(owner.id)).toMatchObject([{ accountId: owner.id }]);
    const anew = await agent.follow('/link?method=passkey');
    expect(textOf((await agent.submit(anew, createdOn(anew, aDevice()))).html)).toContain('Your account is ready');
  });

  it('is refused when it comes too late, without a user who was verified, or as rubbish', async () => {
    await using own = await startTestServer({ SIGN_UP: 'open' });
    const email = someone();
    const { agent, page } = await opened(email, { at: own, agent: createUserAgent(own.issuer) });
    const created = createdOn(page, aDevice());
    const unverified = aDevice({ userMakeCredentialInteraction: () => ({ options: { uv: false, up: true } }) });
    const wish = { ...creationOptionsOn(page), authenticatorSelection: { userVerification: 'discouraged' } };
    const weak = JSON.stringify(unverified.createJSON(own.issuer, wish as never));
    for (const credential of [weak, '', 'null', '{}', '['.repeat(5000), 'x'.repeat(9000)])
      expect((await agent.post(page, { credential })).status).toBe(422);
    own.passTime(toMilliseconds(10 * MINUTE));
    expect((await agent.post(page, created)).status).toBe(422);
    expect(await accountOf(email, own)).toBeNull();
  });

  it('is refused with a name that is none', async () => {
    const email = someone();
    const { agent, page } = await opened(email);
    const answer = await agent.post(page, { ...createdOn(page, aDevice()), name: 'Ada\u202egnp.exe' });
    expect([answer.status, textOf(answer.html)]).toEqual([422, expect.stringContaining('ordinary characters')]);
    expect(await accountOf(email)).toBeNull();
  });

  it('is counted by address', async () => {
    await using own = await startTestServer({ SIGN_UP: 'open', LIMIT_PER_ADDRESS: '3' });
    const { agent, page } = await opened(someone(), { at: own, agent: createUserAgent(own.issuer) });
    for (let round = 0; round < 3; round += 1) expect((await agent.post(page, { credential: '{}' })).status).toBe(422);
    const answer = await agent.post(page, createdOn(page, aDevice()));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)]);
  });
});
