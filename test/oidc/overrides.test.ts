import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dpopKey } from '../support/dpop.ts';
import { basic, post } from '../support/endpoint.ts';
import { startLogoutReceiver } from '../support/logout-receiver.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { enter, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Undocumented methods of the library: each test fails when it no longer calls what we put in their place. */
describe('the methods that src/oidc/overrides.ts replaces', () => {
  it('are still there, and only a patch of the library comes without us', () => {
    vi.spyOn(console, 'warn').mockReturnValue();
    const { Client, RefreshToken, ReplayDetection } = new Provider('https://id.example.org') as unknown as Record<
      string,
      { prototype: object }
    >;
    expect(ReplayDetection).toHaveProperty('unique', expect.any(Function));
    expect(Client?.prototype).toHaveProperty('compareClientSecret', expect.any(Function));
    expect(Client?.prototype).toHaveProperty('backchannelLogout', expect.any(Function));
    expect(RefreshToken?.prototype).toHaveProperty('generateTokenId', expect.any(Function));
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(dependencies['oidc-provider']).toMatch(/^~/);
  });

  it('Client.compareClientSecret decides whether a secret is right', async () => {
    const client = await server.addClient('service');
    const ask = (secret: string) =>
      post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic({ id: client.id, secret }));
    expect((await ask(client.secret)).status).toBe(200);
    expect((await ask('x')).status).toBe(401);
  });

  it('Client.backchannelLogout puts the message into the queue instead of sending it', async () => {
    const receiver = await startLogoutReceiver();
    const add = vi.spyOn(server.app.stores.outbox, 'add');
    const take = vi.spyOn(server.app.stores.outbox, 'take').mockResolvedValue([]);
    try {
      const person = await visit(server, { backchannelLogoutUri: receiver.uri });
      const tokens = await enter(person);
      const page = await person.agent.follow('/oauth2/logout');
      await person.agent.submit(page, { logout: 'yes' });
      expect(add.mock.calls).toEqual([
        [
          {
            ...{ kind: 'backchannel-logout', clientId: person.client.id, accountId: person.account.id },
            sid: tokens.claims()?.['sid'],
          },
        ],
      ]);
      expect(receiver.tokens).toEqual([]);
    } finally {
      take.mockRestore();
      add.mockRestore();
      await receiver.close();
    }
  });

  it('RefreshToken.generateTokenId makes the first token, and computes each successor from its predecessor', async () => {
    const person = await visit(server);
    const { refresh_token = '' } = await enter(person);
    expect(refresh_token).toMatch(/^gwr_[a-z0-9]{8}_[\w-]{43}$/);
    const refresh = () =>
      post(server, '/oauth2/token', { grant_type: 'refresh_token', refresh_token }, basic(person.client));
    const first = await refresh();
    const repeated = await refresh();
    expect(first.body.refresh_token).toMatch(/^gwr_[a-z0-9]{8}_[\w-]{43}$/);
    expect(first.body.refresh_token).not.toBe(refresh_token);
    expect(repeated.body.refresh_token).toBe(first.body.refresh_token);
  });

  it('ReplayDetection.unique remembers a proof by one statement', async () => {
    const client = await server.addClient('service');
    const { artifacts } = server.app.stores;
    const [get, putOnce] = [vi.spyOn(artifacts, 'get'), vi.spyOn(artifacts, 'putOnce')];
    const dpop = await (await dpopKey()).proof(`${server.issuer}/oauth2/token`);
    const ask = () => post(server, '/oauth2/token', { grant_type: 'client_credentials' }, { dpop, ...basic(client) });
    expect((await ask()).status).toBe(200);
    expect((await ask()).body.error).toBe('invalid_dpop_proof');
    expect(putOnce.mock.calls.map(([kind]) => kind)).toEqual(['ReplayDetection', 'ReplayDetection']);
    expect(get.mock.calls.filter(([kind]) => kind === 'ReplayDetection')).toEqual([]);
    vi.restoreAllMocks();
  });
});
