import { describe, expect, it } from 'vitest';
import { DAY, HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import type { ArtifactKeys, ArtifactStore, Payload } from '../../src/oidc/artifact-store.ts';
import type { TestClock } from '../support/clock.ts';
import { racers } from '../support/stores.ts';

export interface OpenArtifacts {
  artifacts: ArtifactStore;
  clock: TestClock;
}

export function keys(some: Partial<ArtifactKeys> = {}): ArtifactKeys {
  return { uid: null, grantId: null, accountId: null, clientId: null, sessionUid: null, ...some };
}

type Authorizations = Record<string, { sid?: string; grantId?: string; persistsLogout?: boolean }>;

/** Every ArtifactStore must pass this. */
export function artifactStoreContract(name: string, open: () => OpenArtifacts | Promise<OpenArtifacts>): void {
  async function opened() {
    const { artifacts, clock } = await open();
    const later = () => clock() + toMilliseconds(HOUR);
    return {
      artifacts,
      clock,
      later,
      put: (
        kind: Parameters<ArtifactStore['put']>[0],
        id: string,
        some?: Partial<ArtifactKeys>,
        payload: Payload = {},
      ) => artifacts.put(kind, id, payload, keys(some), later()),
      grant: (grantId: string, some: Partial<ArtifactKeys> = {}) =>
        artifacts.put('Grant', grantId, { jti: grantId }, keys({ grantId, ...some }), later()),
      session: (id: string, authorizations: Authorizations = {}, uid = 'uid', accountId = 'acc_ada') =>
        artifacts.put('Session', id, { jti: id, uid, accountId, authorizations }, keys({ uid, accountId }), later()),
      authorizations: async (uid = 'uid') =>
        (await artifacts.getSessionByUid(uid))?.payload['authorizations'] as Authorizations | undefined,
      has: async (kind: Parameters<ArtifactStore['get']>[0], id: string) => (await artifacts.get(kind, id)) !== null,
    };
  }

  describe(`what is put into ${name}`, () => {
    it('comes back whole, under its own kind and id only', async () => {
      const { artifacts, clock, put, has } = await opened();
      const payload = { jti: 'code-1', scope: 'openid', nested: { list: [1, 'zwölf'] } };
      await put('AuthorizationCode', 'code-1', {}, payload);

      expect(await artifacts.get('AuthorizationCode', 'code-1')).toEqual({
        payload,
        bornAt: clock(),
        consumedAt: null,
      });
      expect(await has('RefreshToken', 'code-1')).toBe(false);
      expect(await has('AuthorizationCode', 'code-2')).toBe(false);
    });

    it('is replaced by what is put later, but stays as old and as spent as it was', async () => {
      const { artifacts, clock, put } = await opened();
      const bornAt = clock();
      await put('DeviceCode', 'd', {}, { state: 1 });
      await artifacts.consume('DeviceCode', 'd');
      clock.forward(60);
      await put('DeviceCode', 'd', {}, { state: 2 });

      const payload = { state: 2, consumed: Math.floor(bornAt / 1000) };
      expect(await artifacts.get('DeviceCode', 'd')).toEqual({ payload, bornAt, consumedAt: bornAt });
    });

    it('is gone once deleted', async () => {
      const { artifacts, put, has } = await opened();
      await put('Interaction', 'i');
      await artifacts.delete('Interaction', 'i');
      expect(await has('Interaction', 'i')).toBe(false);
    });
  });

  describe(`spending in ${name}`, () => {
    it.each(['RefreshToken', 'DeviceCode', 'UserCode'] as const)(
      'lets one of a hundred racers consume a %s',
      async (kind) => {
        const { artifacts, put } = await opened();
        await put(kind, 'token');
        const won = await racers(100, () => artifacts.consume(kind, 'token'));

        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await artifacts.consume(kind, 'token')).toBe(false);
        expect(await artifacts.consume(kind, 'another')).toBe(false);
      },
    );

    it('lets one of a hundred racers put once, and keeps what that one wrote', async () => {
      const { artifacts, later } = await opened();
      const won = await racers(100, (by) => artifacts.putOnce('ReplayDetection', 'jti', { by }, keys(), later()));

      expect(won.filter(Boolean)).toHaveLength(1);
      expect((await artifacts.get('ReplayDetection', 'jti'))?.payload).toEqual({ by: won.indexOf(true) });
    });

    it('does not revive by putting once what is spent', async () => {
      const { artifacts, clock, put, later } = await opened();
      await put('RefreshToken', 'token');
      await artifacts.consume('RefreshToken', 'token');
      expect(await artifacts.putOnce('RefreshToken', 'token', {}, keys(), later())).toBe(false);
      expect((await artifacts.get('RefreshToken', 'token'))?.consumedAt).toBe(clock());
    });
  });

  describe(`what an account has in ${name}`, () => {
    it("is listed, newest first, without what expired, ended, or is somebody else's", async () => {
      const { artifacts, clock, session, grant } = await opened();
      const bornAt = clock();
      await session('id-1', { web: { sid: 's', grantId: 'g' } }, 'uid-1');
      await session('id-2', {}, 'uid-2');
      await session('id-3', {}, 'uid-3', 'acc_eve');
      await session('id-4', {}, 'uid-4');
      await artifacts.endSession('id-4');
      clock.forward(60);
      await session('id-1', { web: { sid: 's', grantId: 'g' } }, 'uid-1');
      await grant('g', { accountId: 'acc_ada', clientId: 'web' });
      await grant('g-2', { accountId: 'acc_eve', clientId: 'web' });

      const listed = await artifacts.listOf('Session', 'acc_ada');
      expect(listed.map(({ payload }) => payload['uid'])).toEqual(['uid-1', 'uid-2']);
      expect(listed[0]).toMatchObject({
        bornAt,
        seenAt: clock(),
        payload: { authorizations: { web: { grantId: 'g' } } },
      });
      expect((await artifacts.listOf('Grant', 'acc_ada')).map(({ payload }) => payload['jti'])).toEqual(['g']);
      await artifacts.endGrant('g');
      expect(await artifacts.listOf('Grant', 'acc_ada')).toEqual([]);
      clock.forward(HOUR);
      expect(await artifacts.listOf('Session', 'acc_ada')).toEqual([]);
    });

    it('is ended by uid, whatever id it goes by, by its account alone, and once', async () => {
      const { artifacts, session, grant, has } = await opened();
      await session('id-1', { web: { sid: 's', grantId: 'g' }, app: { grantId: 'g-2', persistsLogout: true } });
      await grant('g', { accountId: 'acc_ada' });
      await grant('g-2', { accountId: 'acc_ada' });
      await artifacts.retireSessionId('id-1');
      await session('id-2');
      expect(await artifacts.endSessionOf('acc_eve', 'uid')).toBeNull();
      expect(await has('Session', 'id-2')).toBe(true);

      const won = await racers(10, () => artifacts.endSessionOf('acc_ada', 'uid'));
      const ended = won.filter((one) => one !== null);
      expect(ended).toHaveLength(1);
      expect(ended[0]?.authorizations.map(({ clientId }) => clientId).sort()).toEqual(['app', 'web']);
      expect([await has('Session', 'id-2'), await has('Grant', 'g'), await has('Grant', 'g-2')]).toEqual([
        false,
        false,
        true,
      ]);
      await session('id-2');
      await session('id-3');
      expect(await artifacts.listOf('Session', 'acc_ada')).toEqual([]);
    });
  });

  describe(`a session in ${name}`, () => {
    it('is found by id and by uid, as old as its sign-in', async () => {
      const { artifacts, clock, session } = await opened();
      const bornAt = clock();
      await session('id-1');
      clock.forward(60);
      await session('id-1');

      for (const found of [await artifacts.get('Session', 'id-1'), await artifacts.getSessionByUid('uid')]) {
        expect(found).toMatchObject({ payload: { jti: 'id-1', uid: 'uid' }, bornAt });
      }
    });

    it('that has ended stays ended when it is saved again, by id and by uid', async () => {
      const { artifacts, session, has } = await opened();
      await session('id-1');
      expect(await artifacts.endSession('id-1')).toEqual({ accountId: 'acc_ada', authorizations: [] });

      await session('id-1');
      await session('id-2'); // the same session under a new id
      expect(await has('Session', 'id-1')).toBe(false);
      expect(await has('Session', 'id-2')).toBe(false);
      expect(await artifacts.getSessionByUid('uid')).toBeNull();
      expect(await artifacts.endSession('id-1')).toBeNull();
    });

    it('that ends while others save it stays ended', async () => {
      const { artifacts, session } = await opened();
      await session('id-1');
      await racers(100, async (index) => (index === 50 ? artifacts.endSession('id-1') : session('id-1')));
      expect(await artifacts.get('Session', 'id-1')).toBeNull();
      expect(await artifacts.getSessionByUid('uid')).toBeNull();
    });

    it('that was never saved can be ended, and is then not saved', async () => {
      const { artifacts, session } = await opened();
      expect(await artifacts.endSession('id-1')).toBeNull();
      await session('id-1');
      expect(await artifacts.get('Session', 'id-1')).toBeNull();
    });

    it('takes what is bound to it along, also what is written later', async () => {
      const { artifacts, session, put, later, has } = await opened();
      await session('id-1');
      await artifacts.endSession('id-1');
      await put('AuthorizationCode', 'code', { sessionUid: 'uid' });
      expect(await artifacts.putOnce('RefreshToken', 'token', {}, keys({ sessionUid: 'uid' }), later())).toBe(false);
      expect(await has('AuthorizationCode', 'code')).toBe(false);
    });

    it('that changes its id is dead under the old one at once and lives under the new one', async () => {
      const { artifacts, session, has } = await opened();
      await session('old');
      await artifacts.retireSessionId('old');
      expect(await has('Session', 'old')).toBe(false);

      await session('new');
      await session('old'); // a request that had loaded it before
      expect(await has('Session', 'old')).toBe(false);
      expect((await artifacts.getSessionByUid('uid'))?.payload['jti']).toBe('new');
      expect(await artifacts.endSession('old')).toBeNull();
      expect(await has('Session', 'new')).toBe(true);
    });

    it('keeps the time of its sign-in through changes of its id, and starts anew with another account', async () => {
      const { artifacts, clock, session } = await opened();
      const signedInAt = clock();
      await session('old');
      clock.forward(DAY);
      await artifacts.retireSessionId('old');
      await session('new');
      expect((await artifacts.get('Session', 'new'))?.bornAt).toBe(signedInAt);

      await session('new', {}, 'uid', 'acc_grace');
      expect((await artifacts.get('Session', 'new'))?.bornAt).toBe(clock());
    });
  });

  describe(`the applications of a session in ${name}`, () => {
    const web = { sid: 'sid-web', grantId: 'g-web' };
    const spa = { sid: 'sid-spa', grantId: 'g-spa' };

    it('are all kept when they sign in at the same time', async () => {
      const { session, authorizations } = await opened();
      await session('id-1');
      // Both requests loaded the session when it had none.
      await Promise.all([session('id-1', { web }), session('id-1', { spa })]);
      expect(await authorizations()).toEqual({ web, spa });
    });

    it('are all kept when many sign in and claim at the same time', async () => {
      const { artifacts, session, grant, authorizations } = await opened();
      await session('id-1');
      const clients = Array.from({ length: 30 }, (_, index) => `client-${index}`);
      await racers(clients.length, async (index) => {
        const client = clients[index] as string;
        await grant(`g-${index}`);
        const claimed = await artifacts.claimAuthorization('uid', client, { sid: `s-${index}`, grantId: `g-${index}` });
        // Knows of the one before it, as of a session loaded a while ago.
        const loaded = clients[index - 1] === undefined ? {} : { [clients[index - 1] as string]: {} };
        await session('id-1', { ...loaded, [client]: claimed });
      });
      expect(Object.keys((await authorizations()) ?? {}).sort()).toEqual([...clients].sort());
      for (const [index, client] of clients.entries()) {
        expect((await authorizations())?.[client]).toEqual({ sid: `s-${index}`, grantId: `g-${index}` });
      }
    });

    it('are left no living grant that was claimed while the session ended', async () => {
      const { artifacts, session, grant, has } = await opened();
      for (let round = 0; round < 10; round += 1) {
        const [id, uid] = [`id-${round}`, `uid-${round}`];
        await session(id, {}, uid);
        const claims = await racers(20, async (index) => {
          if (index === 10) return artifacts.endSession(id);
          const grantId = `g-${round}-${index}`;
          await grant(grantId);
          return artifacts.claimAuthorization(uid, `client-${index % 4}`, { sid: grantId, grantId });
        });
        const granted = claims.flatMap((claim) => (claim && 'grantId' in claim ? [claim.grantId] : []));
        expect(granted).toHaveLength(19);
        expect(await racers(19, (index) => has('Grant', granted[index] as string))).not.toContain(true);
        expect(await artifacts.getSessionByUid(uid)).toBeNull();
      }
    });

    it('share one grant and one sid when one application signs in twice at once', async () => {
      const { artifacts, session, grant, authorizations } = await opened();
      await session('id-1');
      const answers = await racers(20, async (index) => {
        await grant(`g-${index}`);
        return artifacts.claimAuthorization('uid', 'web', { sid: `sid-${index}`, grantId: `g-${index}` });
      });

      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(await authorizations()).toEqual({ web: answers[0] });
    });

    it('claim a grant that a session loaded earlier does not take back', async () => {
      const { artifacts, session, grant, authorizations } = await opened();
      await session('id-1', { web });
      await grant('g-new');
      await artifacts.claimAuthorization('uid', 'web', { sid: 'sid-new', grantId: 'g-new' });
      await session('id-1', { web });
      expect(await authorizations()).toEqual({ web: { sid: 'sid-web', grantId: 'g-new' } });
    });

    it('lose a grant once: of many that end it, one is told that it was they', async () => {
      const { artifacts, grant, has } = await opened();
      await grant('g-web');
      const ended = await racers(10, () => artifacts.endGrant('g-web'));
      expect(ended.filter(Boolean)).toHaveLength(1);
      expect([await artifacts.endGrant('g-web'), await has('Grant', 'g-web')]).toEqual([false, false]);
    });

    it('get a new grant in place of a dead one, and keep their sid', async () => {
      const { artifacts, session, grant } = await opened();
      await grant('g-web');
      await session('id-1', { web });
      const wanted = { sid: 'sid-new', grantId: 'g-new' };
      expect(await artifacts.claimAuthorization('uid', 'web', wanted)).toEqual(web);

      await artifacts.endGrant('g-web');
      await grant('g-new');
      expect(await artifacts.claimAuthorization('uid', 'web', wanted)).toEqual({ sid: 'sid-web', grantId: 'g-new' });
    });

    it('do not pass on to a new grant that the one before it outlived the session', async () => {
      const { artifacts, session, grant, has } = await opened();
      const offline = { web: { ...web, persistsLogout: true } };
      await grant('g-web');
      await session('id-1', offline);
      await artifacts.endGrant('g-web');
      await grant('g-new');
      await artifacts.claimAuthorization('uid', 'web', { sid: 'sid-web', grantId: 'g-new' });
      await session('id-1', offline);

      await artifacts.endSession('id-1');
      expect(await has('Grant', 'g-new')).toBe(false);
    });

    it('get nothing out of a session that has ended', async () => {
      const { artifacts, session, grant, put, has } = await opened();
      await session('id-1');
      await artifacts.endSession('id-1');
      await grant('g-web');
      await artifacts.claimAuthorization('uid', 'web', web);
      await put('AuthorizationCode', 'code', { grantId: 'g-web' });
      expect(await has('Grant', 'g-web')).toBe(false);
      expect(await has('AuthorizationCode', 'code')).toBe(false);
    });

    it('lose with the session what was granted without offline_access, for good', async () => {
      const { artifacts, session, grant, put, later, has } = await opened();
      await grant('g-web');
      await grant('g-app');
      await put('AuthorizationCode', 'web-code', { grantId: 'g-web' });
      await put('RefreshToken', 'web-token', { grantId: 'g-web' });
      await put('RefreshToken', 'app-token', { grantId: 'g-app' });
      await session('id-1', { web, app: { sid: 'sid-app', grantId: 'g-app', persistsLogout: true } });

      const ended = await artifacts.endSession('id-1');
      expect(ended?.authorizations).toHaveLength(2);
      expect(ended?.authorizations).toEqual(
        expect.arrayContaining([
          { clientId: 'web', ...web, persistsLogout: false },
          { clientId: 'app', sid: 'sid-app', grantId: 'g-app', persistsLogout: true },
        ]),
      );
      // Pages that had loaded the grant or were about to issue from it.
      await grant('g-web');
      await put('AuthorizationCode', 'web-code', { grantId: 'g-web' });
      await put('RefreshToken', 'web-token', { grantId: 'g-web' });
      expect(await artifacts.putOnce('RefreshToken', 'web-next', {}, keys({ grantId: 'g-web' }), later())).toBe(false);
      expect(await has('Grant', 'g-web')).toBe(false);
      expect(await has('AuthorizationCode', 'web-code')).toBe(false);
      expect(await has('RefreshToken', 'web-token')).toBe(false);

      expect(await has('Grant', 'g-app')).toBe(true);
      expect(await has('RefreshToken', 'app-token')).toBe(true);
      expect(await artifacts.putOnce('RefreshToken', 'app-next', {}, keys({ grantId: 'g-app' }), later())).toBe(true);
    });
  });

  describe(`a grant that ends in ${name}`, () => {
    it('takes everything issued under it along, also what is written at the same time, and nothing else', async () => {
      const { artifacts, grant, put, has } = await opened();
      await grant('g-1');
      await grant('g-2');
      await put('RefreshToken', 'of-2', { grantId: 'g-2' });
      await racers(60, async (index) => {
        if (index === 30) await artifacts.endGrant('g-1');
        else await put('RefreshToken', `of-1-${index}`, { grantId: 'g-1' });
      });
      await grant('g-1');

      const left = await racers(60, (index) => has('RefreshToken', `of-1-${index}`));
      expect(left).not.toContain(true);
      expect(await has('Grant', 'g-1')).toBe(false);
      expect(await has('Grant', 'g-2')).toBe(true);
      expect(await has('RefreshToken', 'of-2')).toBe(true);
    });
  });

  describe(`an account that ends in ${name}`, () => {
    it('loses what it had before the instant and keeps what is newer, however often this is repeated', async () => {
      const { artifacts, clock, session, grant, put, has } = await opened();
      const ada = { accountId: 'acc_ada' };
      const web = { sid: 'sid-web', grantId: 'g-old' };
      await grant('g-old', ada);
      await grant('g-bob', { accountId: 'acc_bob' });
      await session('old', { web }, 'uid-old');
      await session('bob', {}, 'uid-bob', 'acc_bob');
      await put('RefreshToken', 'old-token', { ...ada, grantId: 'g-old' });
      await put('DeviceCode', 'old-device', ada);
      // What is as old as the instant is refused as well, so it goes with the rest.
      const before = clock();
      clock.forward(1);
      await grant('g-new', ada);
      await session('new', { web: { sid: 'sid-new', grantId: 'g-new' } }, 'uid-new');
      await put('RefreshToken', 'new-token', { ...ada, grantId: 'g-new' });

      const authorizations = [{ clientId: 'web', ...web, persistsLogout: false }];
      expect(await artifacts.authorizationsOf('acc_ada', before)).toEqual(authorizations);
      await artifacts.endAccount('acc_ada', before);
      await artifacts.endAccount('acc_ada', before);
      expect(await artifacts.authorizationsOf('acc_ada', before)).toEqual([]);
      await session('old', { web }, 'uid-old');
      await grant('g-old', ada);

      for (const [kind, id, lives] of [
        ['Session', 'old', false],
        ['Grant', 'g-old', false],
        ['RefreshToken', 'old-token', false],
        ['DeviceCode', 'old-device', false],
        ['Session', 'new', true],
        ['Grant', 'g-new', true],
        ['RefreshToken', 'new-token', true],
        ['Session', 'bob', true],
        ['Grant', 'g-bob', true],
      ] as const) {
        expect([kind, id, await has(kind, id)]).toEqual([kind, id, lives]);
      }
      expect((await artifacts.getSessionByUid('uid-new'))?.payload['authorizations']).toHaveProperty('web');
    });

    it('loses its offline grants, and those that an old session was given after the instant', async () => {
      const { artifacts, clock, session, grant, has } = await opened();
      const ada = { accountId: 'acc_ada' };
      await session('old');
      await grant('g-alone', ada);
      clock.forward(1);
      const before = clock();
      clock.forward(1);
      // By a request that had loaded the session before.
      await grant('g-late', ada);
      await session('old', { web: { sid: 'sid', grantId: 'g-late', persistsLogout: true } });

      await artifacts.endAccount('acc_ada', before);
      expect(await has('Grant', 'g-alone')).toBe(false);
      expect(await has('Grant', 'g-late')).toBe(false);
    });
  });

  describe(`many that end at the same time in ${name}`, () => {
    it('end, each whatever the others take from it', async () => {
      const { artifacts, clock, session, grant, put, has } = await opened();
      for (let round = 0; round < 5; round += 1) {
        const cells = [0, 1, 2, 3, 4].flatMap((account) => [0, 1, 2, 3].map((client) => ({ account, client })));
        const name = ({ account, client }: (typeof cells)[number]) => `${round}-${account}-${client}`;
        await racers(cells.length, async (index) => {
          const cell = cells[index] as (typeof cells)[number];
          const of = {
            accountId: `acc_${cell.account}`,
            clientId: `client-${cell.client}`,
            grantId: `g-${name(cell)}`,
          };
          await grant(of.grantId, of);
          await put('RefreshToken', `token-${name(cell)}`, of);
          await put('TokenClaims', `claims-${name(cell)}`, of);
          const authorizations = { [of.clientId]: { sid: name(cell), grantId: of.grantId, persistsLogout: true } };
          await session(`id-${round}-${cell.account}`, authorizations, `uid-${round}-${cell.account}`, of.accountId);
        });

        const before = clock();
        await Promise.all([
          ...[0, 1, 2, 3, 4].map((account) => artifacts.endAccount(`acc_${account}`, before)),
          ...[0, 1, 2, 3].map((client) => artifacts.endClient(`client-${client}`, before)),
          ...[0, 1, 2, 3, 4].map((account) => artifacts.endSession(`id-${round}-${account}`)),
          ...cells.toReversed().map((cell) => artifacts.endGrant(`g-${name(cell)}`)),
          ...cells.map((cell) => put('RefreshToken', `token-${name(cell)}`, { grantId: `g-${name(cell)}` })),
          ...[0, 1, 2, 3].map((account) => session(`id-${round}-${account}`, {}, `uid-${round}-${account}`)),
        ]);

        for (const cell of cells) {
          expect(await has('Grant', `g-${name(cell)}`)).toBe(false);
          expect(await has('RefreshToken', `token-${name(cell)}`)).toBe(false);
          expect(await has('Session', `id-${round}-${cell.account}`)).toBe(false);
        }
        clock.forward(1);
      }
    });

    it('leave nothing of a sign-in from before, and all of one from after', async () => {
      const { artifacts, clock, session, grant, has } = await opened();
      for (let round = 0; round < 5; round += 1) {
        await racers(20, (index) => session(`old-${round}-${index}`, {}, `uid-old-${round}-${index}`));
        const before = clock();
        clock.forward(1);
        await racers(20, async (index) => {
          const [uid, grantId] = [`uid-new-${round}-${index}`, `g-${round}-${index}`];
          if (index % 10 === 5) return artifacts.endAccount('acc_ada', before);
          await grant(grantId, { accountId: 'acc_ada' });
          await artifacts.claimAuthorization(uid, 'web', { sid: 's', grantId });
          return session(`new-${round}-${index}`, { web: { sid: 's', grantId } }, uid);
        });
        const lives = (kind: 'Session' | 'Grant', id: string) =>
          racers(20, (index) => has(kind, `${id}-${round}-${index}`));
        const signedIn = Array.from({ length: 20 }, (_, index) => index % 10 !== 5);
        expect(await lives('Session', 'old')).not.toContain(true);
        expect(await lives('Session', 'new')).toEqual(signedIn);
        expect(await lives('Grant', 'g')).toEqual(signedIn);
        clock.forward(1);
      }
    });
  });

  describe(`a client that ends in ${name}`, () => {
    it('loses what it had before the instant for good, and keeps what is newer', async () => {
      const { artifacts, clock, session, grant, put, has, authorizations } = await opened();
      const web = { clientId: 'web' };
      await grant('g-old', web);
      await grant('g-app', { clientId: 'app' });
      await put('RefreshToken', 'old-token', { ...web, grantId: 'g-old' });
      const app = { sid: 'sid-app', grantId: 'g-app' };
      await session('old', { web: { sid: 'sid-old', grantId: 'g-old' }, app });
      // What is as old as the instant is refused as well, so it goes with the rest.
      const before = clock();
      clock.forward(1);
      await grant('g-new', web);
      await put('RefreshToken', 'new-token', { ...web, grantId: 'g-new' });
      await session('new', { web: { sid: 'sid-new', grantId: 'g-new' } }, 'uid-new');

      await artifacts.endClient('web', before);
      await artifacts.endClient('web', before);
      await grant('g-old', web); // by a request that had loaded it before
      await put('RefreshToken', 'old-token', { ...web, grantId: 'g-old' });

      expect(await has('Grant', 'g-old')).toBe(false);
      expect(await has('RefreshToken', 'old-token')).toBe(false);
      expect(await authorizations()).toEqual({ app });
      expect(await has('Grant', 'g-app')).toBe(true);
      expect(await has('Grant', 'g-new')).toBe(true);
      expect(await has('RefreshToken', 'new-token')).toBe(true);
      expect(await authorizations('uid-new')).toEqual({ web: { sid: 'sid-new', grantId: 'g-new' } });
    });
  });

  describe(`a token denied in ${name}`, () => {
    it('is denied, and no other', async () => {
      const { artifacts, later } = await opened();
      await artifacts.deny('jti-1', later());
      expect(await artifacts.isDenied('jti-1')).toBe(true);
      expect(await artifacts.isDenied('jti-2')).toBe(false);
    });
  });
}
