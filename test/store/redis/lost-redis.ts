import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../src/clients/client.ts';
import { HOUR, toMilliseconds } from '../../../src/lib/duration.ts';
import { createValidity } from '../../../src/oidc/validity.ts';
import { keys } from '../artifacts.contract.ts';
import { openRedisState, ownServer } from './state.ts';

const SPENT_ONCE = ['AuthorizationCode', 'PushedAuthorizationRequest'] as const;

async function opened(url?: string) {
  const state = await openRedisState(url ? { url } : {});
  const { prefix, raw } = state;
  /** @returns what brings Redis back to this moment, as a backup or a replica that had fallen behind would */
  async function remember(): Promise<() => Promise<void>> {
    const dumps: [key: string, dump: Buffer][] = [];
    for (const key of await raw.keys(`${prefix}*`)) {
      dumps.push([key, (await raw.withTypeMapping({ 36: Buffer }).dump(key)) as unknown as Buffer]);
    }
    return async () => {
      for (const [key, dump] of dumps) await raw.restore(key, toMilliseconds(HOUR), dump, { REPLACE: true });
    };
  }
  return { ...state, remember, later: () => state.clock() + toMilliseconds(HOUR) };
}

describe('a Redis that went back in time', () => {
  it.each(SPENT_ONCE)('does not bring back a %s that was spent', async (kind) => {
    const { artifacts, later, remember } = await opened();
    await artifacts.put(kind, 'id', { grantId: 'g' }, keys(), later());
    const goBack = await remember();
    expect(await artifacts.consume(kind, 'id')).toBe(true);
    await goBack();

    expect((await artifacts.get(kind, 'id'))?.consumedAt).not.toBeNull();
    expect(await artifacts.consume(kind, 'id')).toBe(false);
    expect(await artifacts.putOnce(kind, 'id', {}, keys(), later())).toBe(false);
  });

  it('does not bring back an interaction whose login was used', async () => {
    const { artifacts, later, remember } = await opened();
    await artifacts.put('Interaction', 'id', { result: { login: {} } }, keys(), later());
    const goBack = await remember();
    await artifacts.delete('Interaction', 'id');
    await goBack();
    expect(await artifacts.get('Interaction', 'id')).toBeNull();
  });

  it('does not bring back the code of a grant that ended', async () => {
    const { artifacts, later, remember } = await opened();
    await artifacts.put('AuthorizationCode', 'id', {}, keys({ grantId: 'g' }), later());
    const goBack = await remember();
    await artifacts.endGrant('g');
    await goBack();
    expect(await artifacts.get('AuthorizationCode', 'id')).toBeNull();
    expect(await artifacts.consume('AuthorizationCode', 'id')).toBe(false);
  });

  it('keeps what is spent marked for longer than it could be kept', async () => {
    const { artifacts, clock, later, remember, sweep } = await opened();
    await artifacts.put('AuthorizationCode', 'id', {}, keys(), later());
    const goBack = await remember();
    await artifacts.consume('AuthorizationCode', 'id');
    clock.forward(2 * HOUR);
    await sweep();
    await goBack();
    expect(await artifacts.consume('AuthorizationCode', 'id')).toBe(false);
  });
});

describe('a Redis that lost everything', () => {
  it('forgets the sign-ins under way, and revives nothing of them', async () => {
    const { artifacts, clock, later, progress, raw } = await opened((await ownServer()).url);
    await artifacts.put('AuthorizationCode', 'spent', {}, keys(), later());
    await artifacts.put('AuthorizationCode', 'open', {}, keys(), later());
    await artifacts.put('Session', 'session', {}, keys({ uid: 'uid' }), later());
    await progress('flow').save('flow', {}, 0, later());
    await artifacts.consume('AuthorizationCode', 'spent');
    await raw.flushAll();

    expect(await artifacts.get('AuthorizationCode', 'open')).toBeNull();
    expect(await artifacts.consume('AuthorizationCode', 'open')).toBe(false);
    expect(await progress('flow').load('flow')).toBeNull();
    expect(await artifacts.get('Session', 'session')).not.toBeNull();
    expect(await artifacts.putOnce('AuthorizationCode', 'spent', {}, keys(), later())).toBe(false);
    // A request that had loaded the code before saves it again.
    await artifacts.put('AuthorizationCode', 'spent', {}, keys(), later());
    expect((await artifacts.get('AuthorizationCode', 'spent'))?.consumedAt).toBe(clock());
    expect(await artifacts.consume('AuthorizationCode', 'spent')).toBe(false);
  });
});

/** What an account or client had in Redis is deleted by nobody; the look at its owner is at every find. */
describe('what ended together with its owner', () => {
  it('is refused although it is still in Redis', async () => {
    const { artifacts, clock, later } = await opened();
    const owned = { accountId: 'acc_ada', clientId: 'web' };
    await artifacts.put('AuthorizationCode', 'code', owned, keys(owned), later());
    const login = { accountId: 'acc_ada', provedAt: clock() };
    await artifacts.put('Interaction', 'login', { result: { login } }, keys(), later());
    const code = await artifacts.get('AuthorizationCode', 'code');
    const interaction = await artifacts.get('Interaction', 'login');
    if (!code || !interaction) throw new Error('nothing was kept');

    const fine = { active: true, notBefore: 0 };
    const gone = [null, { active: false, notBefore: 0 }, { active: true, notBefore: clock() }];
    const isUsable = (account: typeof fine | null, client: typeof fine | null) =>
      createValidity({
        registry: {
          account: async () => account,
          client: async () =>
            client &&
            ({ ...client, settings: defaultSettings('web'), status: client.active ? 'active' : 'disabled' } as never),
          api: async () => null,
          roles: async () => [],
          isListed: async () => false,
          apiKey: async () => null,
        },
        sessionLifetime: HOUR,
        clock,
      }).isUsable;

    expect(await isUsable(fine, fine)('AuthorizationCode', code)).toBe(true);
    expect(await isUsable(fine, fine)('Interaction', interaction)).toBe(true);
    for (const ended of gone) {
      expect(await isUsable(ended, fine)('AuthorizationCode', code)).toBe(false);
      expect(await isUsable(fine, ended)('AuthorizationCode', code)).toBe(false);
      expect(await isUsable(ended, fine)('Interaction', interaction)).toBe(false);
    }
  });

  it('stays as old as its first write', async () => {
    const { artifacts, clock, later } = await opened();
    const bornAt = clock();
    await artifacts.put('Interaction', 'id', {}, keys(), later());
    clock.forward(60);
    await artifacts.put('Interaction', 'id', {}, keys(), later());
    expect((await artifacts.get('Interaction', 'id'))?.bornAt).toBe(bornAt);
  });
});
