import { describe, expect, it } from 'vitest';
import { DAY, HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { openPostgresqlState } from '../support/postgresql-stores.ts';
import { LONGEST, racers } from '../support/stores.ts';
import { keys } from './artifacts.contract.ts';

describe('a transaction that the server gives up for another', () => {
  it('is done again', { timeout: 20_000 }, async () => {
    const { artifacts, slowly, someoneWaits, query, later, saveGrant } = await openPostgresqlState();
    await saveGrant(artifacts, 'g');
    await artifacts.put('RefreshToken', 'token', {}, keys({ grantId: 'g' }), later());
    const slow = await slowly();
    await slow.connection.query(
      `SET LOCAL deadlock_timeout = '1h'; SELECT 1 FROM artifact WHERE kind = 'RefreshToken' FOR UPDATE`,
    );
    const ended = artifacts.endGrant('g');
    await someoneWaits();
    // Which waits for the one that waits: that one is given up after a second, and its end of the grant with it.
    await slow.connection.query(`SELECT 1 FROM artifact WHERE kind = 'Grant' FOR UPDATE`);
    await slow.commit();
    await ended;
    expect(await artifacts.get('Grant', 'g')).toBeNull();
    expect(await query('SELECT subject FROM death')).toEqual([{ subject: 'grant:g' }]);
  });

  it('is none, whoever ends what and in which order', async () => {
    const { artifacts, clock, pool, saveGrant, saveSession, later } = await openPostgresqlState();
    const codes: string[] = [];
    const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
    pool.query = ((...args: unknown[]) =>
      query(...args).catch((err: { code: string }) => {
        codes.push(err.code);
        throw err;
      })) as typeof pool.query;
    for (let round = 0; round < 20; round += 1) {
      const grants = Array.from({ length: 8 }, (_, index) => `g-${index}`);
      const name = (grantId: string, more = '') => `${round}-${grantId}${more}`;
      for (const grantId of grants) {
        const of = keys({ grantId: name(grantId), accountId: 'acc_ada', clientId: 'web' });
        await saveGrant(artifacts, name(grantId));
        for (const kind of ['RefreshToken', 'TokenClaims', 'AuthorizationCode'] as const) {
          await artifacts.put(kind, name(grantId), {}, of, later());
        }
      }
      const all = Object.fromEntries(grants.map((grantId) => [`c-${grantId}`, { grantId: name(grantId) }]));
      await saveSession(artifacts, name('one'), { ...all, web: { grantId: name('g-0') } }, name('one'));
      const reversed = Object.fromEntries(Object.entries(all).toReversed());
      await saveSession(artifacts, name('two'), { web: { grantId: name('g-1') }, ...reversed }, name('two'));
      await Promise.all([
        artifacts.endSession(name('one')),
        artifacts.endSession(name('two')),
        artifacts.endAccount('acc_ada', clock()),
        artifacts.endClient('web', clock()),
        ...grants.map((grantId) => artifacts.endGrant(name(grantId))),
        ...grants.map((grantId) => artifacts.dropAuthorization(name('one'), `c-${grantId}`)),
        saveSession(artifacts, name('two'), all, name('two')),
      ]);
      clock.forward(1);
    }
    expect(codes).toEqual([]);
  });
});

describe('locks are taken in one order, so that no two wait for each other', () => {
  type State = Awaited<ReturnType<typeof openPostgresqlState>>;

  /** Rows stand in the table in the other order; `first` is held by another when `verb` comes to it. */
  async function expectInOrder(state: State, table: string, first: string, verb: () => Promise<unknown>) {
    const slow = await state.slowly();
    await slow.connection.query(`SELECT 1 FROM ${table} WHERE ${first} FOR UPDATE`);
    const done = verb();
    await state.someoneWaits();
    await slow.connection.query(`SELECT 1 FROM ${table} WHERE NOT (${first}) FOR UPDATE NOWAIT`);
    await slow.commit();
    await done;
  }

  it.each([
    ['grant', ({ artifacts }: State) => artifacts.endGrant('g')],
    ['session', ({ artifacts }: State) => artifacts.endSession('id')],
    ['account', ({ artifacts, clock }: State) => artifacts.endAccount('acc_ada', clock())],
    ['client', ({ artifacts, clock }: State) => artifacts.endClient('web', clock())],
  ])('those of artifacts, where it ends: %s', async (by, verb) => {
    const state = await openPostgresqlState();
    const { artifacts, saveSession, later } = state;
    const grantId = by === 'grant' || by === 'session' ? 'g' : null;
    for (const kind of ['TokenClaims', 'RefreshToken', 'DeviceCode', 'AuthorizationCode'] as const) {
      await artifacts.put(kind, 'id', {}, keys({ grantId, accountId: 'acc_ada', clientId: 'web' }), later());
    }
    if (by === 'session') await saveSession(artifacts, 'id', { web: { grantId: 'g' } });
    await expectInOrder(state, 'artifact', `kind = 'AuthorizationCode'`, () => verb(state));
  });

  it.each([
    ['saved', ({ artifacts, saveSession }: State) => saveSession(artifacts, 'id', { b: {}, a: {} })],
    ['ended', ({ artifacts }: State) => artifacts.endSession('id')],
  ])('those of the applications of a session that is %s', async (_, verb) => {
    const state = await openPostgresqlState();
    for (const client of ['b', 'a']) await state.saveSession(state.artifacts, 'id', { [client]: { sid: 's' } });
    await expectInOrder(state, 'session_authorization', `client_id = 'a'`, () => verb(state));
  });

  it('those of the sessions that an application loses', async () => {
    const state = await openPostgresqlState();
    const { artifacts, clock, saveGrant, saveSession } = state;
    await saveGrant(artifacts, 'g');
    for (const uid of ['u-2', 'u-1']) await saveSession(artifacts, uid, { web: { grantId: 'g' } }, uid);
    await expectInOrder(state, 'session_authorization', `uid = 'u-1'`, () => artifacts.endClient('web', clock()));
  });
});

describe('an end in PostgreSQL', () => {
  it('takes all there is, however much', async () => {
    const { artifacts, clock, query, count } = await openPostgresqlState();
    const add = (kind: string, many: number, grant: string) =>
      query(
        `INSERT INTO artifact (kind, id_hash, grant_id, account_id, client_id, born_at, expires_at, falls_with, sealed)
         SELECT '${kind}', n, ${grant}, 'acc_' || n % 2, 'web', $1::bigint, $1::bigint, '{}', '' FROM generate_series(1, ${many}) n`,
        [clock()],
      );
    await add('Grant', 2_500, "'g-' || n");
    await add('Interaction', 4_500, 'NULL');
    await query("INSERT INTO session SELECT 'u-' || 2 * n - 1, 'acc_1', 0, 0, 0 FROM generate_series(1, 30) n");
    await query(
      `INSERT INTO session_authorization SELECT 'u-' || n, 'web', 's', 'g-' || n, false FROM generate_series(1, 2500) n`,
    );

    await artifacts.endAccount('acc_1', clock());
    expect(await query("SELECT count(*)::int FROM artifact WHERE account_id = 'acc_1'")).toEqual([{ count: 0 }]);
    expect(await count('session')).toBe(0);
    expect(await count('artifact')).toBe(3_500);

    await artifacts.endClient('web', clock());
    expect(await count('artifact')).toBe(0);
    // Those of the account's grants are left where no session of its was.
    expect(await count('session_authorization')).toBe(1_250 - 30);
    expect(await query("SELECT count(*)::int FROM death WHERE subject LIKE 'grant:g-%'")).toEqual([{ count: 2_500 }]);
  });

  it('keeps a mark for the longer of two times', async () => {
    const { artifacts, clock, sweep } = await openPostgresqlState();
    await artifacts.deny('jti', clock() + toMilliseconds(HOUR));
    await artifacts.deny('jti', clock() + 1000);
    clock.forward(60);
    await sweep();
    expect(await artifacts.isDenied('jti')).toBe(true);
    clock.forward(HOUR);
    await sweep();
    expect(await artifacts.isDenied('jti')).toBe(false);
  });

  it('is remembered for longer than anything that names it lives', async () => {
    const { artifacts, clock, sweep } = await openPostgresqlState();
    await artifacts.endGrant('g');
    clock.forward(LONGEST - 1);
    await sweep();
    await artifacts.put('RefreshToken', 'token', {}, keys({ grantId: 'g' }), clock() + 1000);
    expect(await artifacts.get('RefreshToken', 'token')).toBeNull();
  });
});

describe('a session in PostgreSQL', () => {
  it('keeps nothing of itself where its authorizations cannot be written', async () => {
    const { artifacts, query, saveSession, count } = await openPostgresqlState();
    await query('ALTER TABLE session_authorization ADD CHECK (sid IS NULL)');
    await expect(saveSession(artifacts, 'id', { web: { sid: 's' } })).rejects.toThrow();
    expect(await count('artifact')).toBe(0);
    expect(await count('session')).toBe(0);
  });

  it('whose claim came first is kept until it is saved, but not for ever', async () => {
    const { artifacts, clock, sweep, saveSession, count } = await openPostgresqlState();
    await artifacts.claimAuthorization('slow', 'web', { sid: 's', grantId: 'g' });
    await artifacts.claimAuthorization('never', 'web', { sid: 's', grantId: 'g' });
    await sweep();
    await saveSession(artifacts, 'slow', {}, 'slow');
    const saved = await artifacts.getSessionByUid('slow');
    expect(saved).toMatchObject({ bornAt: clock(), payload: { authorizations: { web: { grantId: 'g' } } } });
    clock.forward(LONGEST + DAY + 1);
    while ((await sweep()) > 0);
    expect(await count('session_authorization')).toBe(0);
  });
});

describe('marks in PostgreSQL', () => {
  it('are set by one of a hundred racers, and told apart', async () => {
    const { marks, later } = await openPostgresqlState();
    const won = await racers(100, () => marks.markOnce('spent:RefreshToken:one', later(), []));
    expect(won.filter(Boolean)).toHaveLength(1);
    const asked = ['grant:g', 'spent:RefreshToken:one', 'jti:j'] as const;
    expect(await marks.marked(asked)).toEqual(new Set(['spent:RefreshToken:one']));
    expect(await marks.marked([])).toEqual(new Set());
  });

  it('are those that an end leaves', async () => {
    const { artifacts, marks } = await openPostgresqlState();
    await artifacts.endGrant('g');
    expect(await marks.marked(['grant:g'])).toEqual(new Set(['grant:g']));
    expect(await marks.markOnce('grant:g', 1, [])).toBe(false);
  });
});
