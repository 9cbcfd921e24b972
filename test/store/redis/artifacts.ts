import { describe, expect, it } from 'vitest';
import { HOUR, toMilliseconds } from '../../../src/lib/duration.ts';
import { racers } from '../../support/stores.ts';
import { artifactStoreContract, keys } from '../artifacts.contract.ts';
import { openRedisState } from './state.ts';

artifactStoreContract('PostgreSQL with Redis', () => openRedisState());

const UNDER_WAY = ['Interaction', 'AuthorizationCode', 'PushedAuthorizationRequest'] as const;
const LASTING = ['Session', 'Grant', 'RefreshToken', 'DeviceCode', 'ReplayDetection', 'TokenClaims'] as const;

async function opened() {
  const state = await openRedisState();
  return { ...state, later: () => state.clock() + toMilliseconds(HOUR) };
}

describe('artifacts with Redis', () => {
  it('are in Redis while a sign-in is under way, and in the database where they must last', async () => {
    const { artifacts, later, query, raw, prefix } = await opened();
    for (const kind of [...UNDER_WAY, ...LASTING]) await artifacts.put(kind, 'id', {}, keys({ uid: 'uid' }), later());

    const inRedis = (await raw.keys(`${prefix}*`)).map((key) => key.slice(prefix.length).split(':')[0]);
    const inDatabase = (await query('SELECT kind FROM artifact')).map(({ kind }) => kind);
    expect(inRedis.sort()).toEqual([...UNDER_WAY].sort());
    expect(inDatabase.sort()).toEqual([...LASTING].sort());
  });

  it('leave Redis by themselves, counted from their last write', async () => {
    const { artifacts, clock, later, raw, prefix } = await opened();
    await artifacts.put('Interaction', 'id', {}, keys(), later());
    clock.forward(HOUR);
    await artifacts.put('Interaction', 'id', {}, keys(), later());
    const [key = ''] = await raw.keys(`${prefix}*`);
    const timeToLive = await raw.pTTL(key);
    expect(timeToLive).toBeGreaterThan(toMilliseconds(HOUR - 60));
    expect(timeToLive).toBeLessThanOrEqual(toMilliseconds(HOUR));
  });

  it.each(UNDER_WAY)('of the kind %s are spent once by fifty racers of two instances', async (kind) => {
    const { artifacts, later, instance } = await opened();
    const both = [artifacts, (await instance()).artifacts];
    await artifacts.put(kind, 'id', {}, keys(), later());
    const won = await racers(50, (by) => (both[by % 2] as typeof artifacts).consume(kind, 'id'));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await artifacts.consume(kind, 'another')).toBe(false);
  });

  it('are put once by one of fifty racers of two instances', async () => {
    const { artifacts, later, instance } = await opened();
    const both = [artifacts, (await instance()).artifacts];
    const put = (by: number) =>
      (both[by % 2] as typeof artifacts).putOnce('AuthorizationCode', 'id', { by }, keys(), later());
    const won = await racers(50, put);
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await artifacts.get('AuthorizationCode', 'id'))?.payload).toEqual({ by: won.indexOf(true) });
  });

  it('come back whole, are replaced by what is put later, and stay as old and as spent as they were', async () => {
    const { artifacts, clock, later } = await opened();
    const bornAt = clock();
    const payload = { jti: 'id', nested: { list: [1, 'zwölf'] } };
    await artifacts.put('AuthorizationCode', 'id', payload, keys(), later());
    expect(await artifacts.get('AuthorizationCode', 'id')).toEqual({ payload, bornAt, consumedAt: null });
    await artifacts.consume('AuthorizationCode', 'id');
    clock.forward(60);
    await artifacts.put('AuthorizationCode', 'id', { state: 2 }, keys(), later());
    const found = await artifacts.get('AuthorizationCode', 'id');
    expect(found).toMatchObject({ bornAt, payload: { state: 2, consumed: expect.any(Number) } });
    expect(await artifacts.consume('AuthorizationCode', 'id')).toBe(false);
  });

  it('fall with their grant and session, whether written before or after', async () => {
    const { artifacts, later } = await opened();
    await artifacts.put('Session', 's', {}, keys({ uid: 'uid' }), later());
    const subjects = { grant: keys({ grantId: 'g' }), session: keys({ sessionUid: 'uid' }) };
    for (const [name, falls] of Object.entries(subjects)) {
      await artifacts.put('AuthorizationCode', `before-${name}`, {}, falls, later());
    }
    await artifacts.endGrant('g');
    await artifacts.endSession('s');
    for (const [name, falls] of Object.entries(subjects)) {
      await artifacts.put('AuthorizationCode', `after-${name}`, {}, falls, later());
      expect(await artifacts.putOnce('AuthorizationCode', `once-${name}`, {}, falls, later())).toBe(false);
      for (const when of ['before', 'after', 'once']) {
        expect(await artifacts.get('AuthorizationCode', `${when}-${name}`)).toBeNull();
        expect(await artifacts.consume('AuthorizationCode', `${when}-${name}`)).toBe(false);
      }
    }
  });

  it('have no id and no payload in the clear', async () => {
    const { artifacts, later, raw, prefix } = await opened();
    const secrets = ['an-id-that-is-a-bearer-secret', 'a-value-within-the-payload'] as const;
    const payload = { jti: secrets[0], value: secrets[1] };
    // Proves that the search finds what is there.
    await artifacts.put('AuthorizationCode', secrets[0], payload, keys({ grantId: 'a-planted-grant' }), later());
    const [key = ''] = await raw.keys(`${prefix}*`);
    const content = key + Object.values(await raw.hGetAll(key)).join();
    expect(content).toContain('a-planted-grant');
    for (const secret of secrets) {
      for (const form of ['utf8', 'base64', 'base64url', 'hex'] as const) {
        expect(content).not.toContain(Buffer.from(secret).toString(form).replace(/=+$/, ''));
      }
    }
  });

  it('open in no other place', async () => {
    const { artifacts, later, raw, prefix } = await opened();
    await artifacts.put('AuthorizationCode', 'mine', { accountId: 'acc_mine' }, keys(), later());
    const [mine = ''] = await raw.keys(`${prefix}*`);
    await raw.rename(mine, mine.replace('AuthorizationCode', 'Interaction'));
    await expect(artifacts.get('Interaction', 'mine')).rejects.toThrow();
  });
});
