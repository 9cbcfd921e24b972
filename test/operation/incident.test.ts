import { readFileSync, statSync } from 'node:fs';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { installation } from '../cli/gatewright.ts';
import { type EngineName, REDIS_URL } from '../support/databases.ts';
import { basic, post } from '../support/endpoint.ts';
import { startLogoutReceiver } from '../support/logout-receiver.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { allow } from '../support/sign-in.ts';
import { ask, enter, type Tokens, told, type Visit, type VisitOptions, visit } from '../support/visit.ts';

const ENGINES: EngineName[] = ['sqlite', 'postgresql', ...(REDIS_URL ? (['redis'] as const) : [])];
/** Servers look for new keys every ten seconds. */
const SOON = { timeout: 30_000, interval: 200 };
const OFFLINE = { scope: 'openid offline_access', prompt: 'consent' };

/** `gatewright incident` in a process of its own, as an operator runs it beside the server. */
function operator({ config: { issuer, folders, database, redis } }: TestServer) {
  const env = {
    ...{ ISSUER: issuer, DATA_DIR: folders.data, KEYS_DIR: folders.keys },
    ...(database.url && { DATABASE_URL: database.url }),
    ...(redis && { REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix }),
  };
  return (...args: string[]) => installation().json(['incident', '--reason', 'laptop stolen', ...args], { env });
}

interface Present extends Visit {
  tokens: Tokens;
}

const DEAD = { userinfo: 401, active: false, refresh: 'invalid_grant' };
const ALIVE = { userinfo: 200, active: true, refresh: 'ok' };

/** What every endpoint says of what somebody was given. */
async function standing({ issuer }: TestServer, { party, tokens }: Present) {
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const { status } = await fetch(`${issuer}/oauth2/userinfo`, { headers });
  const { active } = await party.introspect(tokens.access_token);
  const refresh = await party.refresh(tokens.refresh_token as string).then(
    () => 'ok',
    (err: { error?: string }) => err.error,
  );
  return { userinfo: status, active, refresh };
}

const isSignedIn = async (person: Visit) => !told((await ask(person, { prompt: 'none' })).page).error;

describe.each(ENGINES)('an incident on %s', { timeout: 120_000 }, (engine) => {
  let server: TestServer;
  let run: ReturnType<typeof operator>;
  beforeEach(async () => {
    server = await startTestServer({ ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8' }, { engine });
    run = operator(server);
    return () => server[Symbol.asyncDispose]();
  });

  async function present(options: VisitOptions = {}): Promise<Present> {
    const person = await visit(server, options);
    return { ...person, tokens: await enter(person, OFFLINE) };
  }
  const mailed = async (since: string) =>
    (await server.app.stores.auditTrail.latest(1_000, { event: 'incident.account_ended' }))
      .filter(({ detail }) => detail.includes(since) && detail.includes('"mailed":true'))
      .map(({ accountId }) => accountId);
  async function receiver() {
    const made = await startLogoutReceiver();
    onTestFinished(() => void made.close());
    return made;
  }

  it('about one account ends what it had, asks for a new password, and leaves the others alone', async () => {
    const hears = await receiver();
    const ada = await present({ backchannelLogoutUri: hears.uri });
    const bob = await present({ backchannelLogoutUri: hears.uri });
    const report = await run('--email', ada.account.email, '--yes');
    expect(await standing(server, ada)).toEqual(DEAD);
    expect(await isSignedIn(ada)).toBe(false);
    expect(await standing(server, bob)).toEqual(ALIVE);
    expect(await isSignedIn(bob)).toBe(true);
    await vi.waitFor(() => expect(hears.tokens).toHaveLength(1), SOON);
    const [, payload = ''] = hears.tokens[0]?.split('.') ?? [];
    const { sub, aud } = JSON.parse(Buffer.from(payload, 'base64url').toString());
    expect([sub, aud]).toEqual([ada.account.id, ada.client.id]);

    const { accounts, auditTrail } = server.app.stores;
    expect(await accounts.find(ada.account.id)).toMatchObject({ mustChangePassword: true });
    expect(await accounts.find(bob.account.id)).toMatchObject({ mustChangePassword: false });
    expect(report).toMatchObject({
      ...{ reason: 'laptop stolen', operator: expect.any(String), issuer: server.issuer, dryRun: false },
      ...{ scope: { kind: 'account', accountId: ada.account.id }, keys: null, lettersQueued: 1, clients: [] },
      accounts: [
        {
          ...{ accountId: ada.account.id, sessions: 1, grants: 1, told: [ada.client.id] },
          ...{ password: 'required', mailed: true },
        },
      ],
    });
    const happened = report.events.map(({ event }: { event: string }) => event);
    for (const event of ['sign_in.succeeded', 'incident.opened', 'incident.account_ended']) {
      expect(happened).toContain(event);
    }
    expect(JSON.stringify(report.events)).not.toContain(bob.account.id);
    const { file, ...printed } = report;
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(printed);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const done = await auditTrail.latest(1, { accountId: ada.account.id, event: 'incident.done' });
    expect(done).toMatchObject([{ actor: 'cli', detail: JSON.stringify({ incidentId: report.incidentId }) }]);
    expect(await mailed(report.incidentId)).toEqual([ada.account.id]);
  });

  it('about one client ends its secret, its tokens and the sign-ins there, and nothing elsewhere', async () => {
    const hears = await receiver();
    const ada = await present({ backchannelLogoutUri: hears.uri });
    // Another application, in the same browser.
    const other = await visit(server, { account: ada.account, agent: ada.agent });
    const { page, authorization } = await ask(other, OFFLINE);
    const elsewhere = {
      ...other,
      tokens: await other.party.redeem(await allow(other.agent, page), authorization),
    };
    const report = await run('--client', ada.client.id, '--new-secret', '--revoke-keys', '--yes');
    expect(report.accounts).toMatchObject([{ accountId: ada.account.id, sessions: 1, password: 'kept', mailed: true }]);
    expect(report.clients).toEqual([{ clientId: ada.client.id, disabled: false, newSecret: true, apiKeysRevoked: 0 }]);
    expect(readFileSync(report.file, 'utf8')).not.toContain(report.secret);

    const refresh = { grant_type: 'refresh_token', refresh_token: ada.tokens.refresh_token as string };
    const asked = async (secret: string) => {
      const headers = basic({ id: ada.client.id, secret });
      return (await post(server, '/oauth2/token', refresh, headers)).body.error;
    };
    expect(await asked(ada.client.secret)).toBe('invalid_client');
    expect(await asked(report.secret)).toBe('invalid_grant');
    const userinfo = async ({ tokens }: Present) =>
      (await fetch(`${server.issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } }))
        .status;
    expect(await userinfo(ada)).toBe(401);
    await vi.waitFor(() => expect(hears.tokens).toHaveLength(1), SOON);
    expect(await isSignedIn(elsewhere)).toBe(true);
    expect((await server.app.stores.accounts.find(ada.account.id))?.mustChangePassword).toBe(false);

    // What the revoked key signed for others is refused as soon as the server knows.
    const jwks = async () =>
      ((await (await fetch(`${server.issuer}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }).keys;
    await vi.waitFor(async () => expect((await jwks()).map(({ kid }) => kid)).toEqual([report.keys.added]), SOON);
    expect(report.keys.revoked).toHaveLength(1);
    expect(await userinfo(elsewhere)).toBe(401);
    // Its refresh token is not signed, and brings one of the new key.
    const fresh = await elsewhere.party.refresh(elsewhere.tokens.refresh_token as string);
    const { kid } = JSON.parse(Buffer.from(fresh.access_token.split('.')[0] ?? '', 'base64url').toString());
    expect(kid).toBe(report.keys.added);
  });

  it('about everything leaves nothing, clients’ own tokens included; passwords stay where that is said', async () => {
    const hears = await receiver();
    const people = [await present({ backchannelLogoutUri: hears.uri }), await present()];
    const robot = await server.addClient('service');
    const own = await post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic(robot));
    const introspect = async () =>
      (await post(server, '/oauth2/introspect', { token: own.body.access_token as string }, basic(robot))).body;
    expect(await introspect()).toMatchObject({ active: true });

    const report = await run('--everything', '--keep-passwords', '--no-mail', '--yes');
    expect(await introspect()).toEqual({ active: false });
    for (const person of people) {
      expect(await standing(server, person)).toEqual(DEAD);
      expect(await isSignedIn(person)).toBe(false);
      expect((await server.app.stores.accounts.find(person.account.id))?.mustChangePassword).toBe(false);
    }
    await vi.waitFor(() => expect(hears.tokens).toHaveLength(1), SOON);
    expect([report.accounts.length, report.clients.length, report.lettersQueued]).toEqual([2, 3, 0]);
    // They come back by themselves.
    const [first] = people as [Present];
    const { page } = await ask(first);
    expect(page.url).not.toContain(CALLBACK);
    expect((await enter(first)).access_token).toBeTruthy();
  });
});
