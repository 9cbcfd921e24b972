import { describe, expect, it } from 'vitest';
import { HOUR } from '../../src/lib/duration.ts';
import { openPostgresqlState } from '../support/postgresql-stores.ts';
import { racers } from '../support/stores.ts';
import { artifactStoreContract, keys } from './artifacts.contract.ts';
import { runProgram } from './scratch.ts';

artifactStoreContract('PostgreSQL', () => openPostgresqlState());

describe('what was begun before an end and is committed after it', () => {
  it('cannot be read or spent, is not put again, and is swept', async () => {
    const { artifacts, clock, slowly, saveGrant, saveSession, later, count, sweep } = await openPostgresqlState();
    const slow = await slowly();
    const ofGrant = keys({ grantId: 'g' });
    const ofSession = keys({ sessionUid: 'uid' });
    await saveGrant(slow.artifacts, 'g');
    await slow.artifacts.put('DeviceCode', 'device', {}, ofSession, later());
    expect(await slow.artifacts.putOnce('RefreshToken', 'token', {}, ofGrant, later())).toBe(true);
    await artifacts.endGrant('g');
    await saveSession(artifacts, 'id');
    await artifacts.endSession('id');
    await slow.commit();
    expect(await count('artifact')).toBe(3);

    for (const [kind, id] of [
      ['Grant', 'g'],
      ['RefreshToken', 'token'],
      ['DeviceCode', 'device'],
    ] as const) {
      expect(await artifacts.get(kind, id)).toBeNull();
      expect(await artifacts.consume(kind, id)).toBe(false);
    }
    expect(await artifacts.putOnce('RefreshToken', 'token', {}, ofGrant, later())).toBe(false);
    clock.forward(HOUR + 1);
    await sweep();
    expect(await count('artifact')).toBe(0);
  });

  it('is ended with the session, which waits for it: a save, and what it signed in to', async () => {
    const { artifacts, slowly, someoneWaits, saveGrant, saveSession, count } = await openPostgresqlState();
    await saveGrant(artifacts, 'g');
    const slow = await slowly();
    await saveSession(slow.artifacts, 'id', { web: { sid: 's', grantId: 'g' } });
    const ended = artifacts.endSession('id');
    await someoneWaits();
    await slow.commit();

    expect((await ended)?.authorizations).toMatchObject([{ clientId: 'web', grantId: 'g' }]);
    expect(await artifacts.get('Grant', 'g')).toBeNull();
    expect(await count('artifact')).toBe(0);
    expect(await count('session')).toBe(0);
    expect(await count('session_authorization')).toBe(0);
  });

  it.each(['endSession', 'endAccount'] as const)(
    'is ended with the session, which waits for it: a claim (%s)',
    async (verb) => {
      const { artifacts, clock, slowly, someoneWaits, saveGrant, saveSession, count } = await openPostgresqlState();
      await saveSession(artifacts, 'id');
      const before = clock();
      clock.forward(1);
      await saveGrant(artifacts, 'g');
      const slow = await slowly();
      await slow.artifacts.claimAuthorization('uid', 'web', { sid: 's', grantId: 'g' });
      const ended = verb === 'endSession' ? artifacts.endSession('id') : artifacts.endAccount('acc_ada', before);
      await someoneWaits();
      await slow.commit();
      await ended;
      expect(await artifacts.get('Grant', 'g')).toBeNull();
      expect(await count('session_authorization')).toBe(0);
    },
  );

  it('gets nothing out of a session that ends under it', async () => {
    const { artifacts, slowly, someoneWaits, saveGrant, saveSession, count } = await openPostgresqlState();
    await saveSession(artifacts, 'id');
    await saveGrant(artifacts, 'g');
    const slow = await slowly();
    await slow.artifacts.endSession('id');
    const claimed = artifacts.claimAuthorization('uid', 'web', { sid: 's', grantId: 'g' });
    const saved = saveSession(artifacts, 'id-2', { web: { grantId: 'g' } });
    await someoneWaits();
    await slow.commit();
    await Promise.all([claimed, saved]);
    expect(await artifacts.get('Grant', 'g')).toBeNull();
    expect(await count('artifact')).toBe(0);
    expect(await count('session_authorization')).toBe(0);
  });

  it('ends once, and tells one who ended it', async () => {
    const { artifacts, slowly, someoneWaits, saveSession } = await openPostgresqlState();
    await saveSession(artifacts, 'id', { web: { grantId: 'g' } });
    const slow = await slowly();
    await slow.artifacts.endAccount('acc_ada', Number.MAX_SAFE_INTEGER);
    const ended = artifacts.endSession('id');
    await someoneWaits();
    await slow.commit();
    expect(await ended).toBeNull();
  });

  it('leaves a session alone that passes to another account', async () => {
    const { artifacts, clock, slowly, someoneWaits, saveSession, later } = await openPostgresqlState();
    await saveSession(artifacts, 'id');
    const slow = await slowly();
    await slow.artifacts.put('Session', 'id', {}, keys({ uid: 'uid', accountId: 'acc_grace' }), later());
    const ended = artifacts.endAccount('acc_ada', clock());
    await someoneWaits();
    await slow.commit();
    await ended;
    expect(await artifacts.getSessionByUid('uid')).not.toBeNull();
  });

  it('is not seen where only a mark says so, a session by id and by uid', async () => {
    const { artifacts, query, saveSession } = await openPostgresqlState();
    for (const mark of ['session', 'session-id']) {
      await saveSession(artifacts, mark, {}, mark);
      const subject = mark === 'session' ? "'session:session'" : "'session-id:' || id_hash";
      await query(`INSERT INTO death SELECT ${subject}, 0 FROM artifact WHERE uid = $1`, [mark]);
      expect(await artifacts.get('Session', mark)).toBeNull();
      expect(await artifacts.getSessionByUid(mark)).toBeNull();
    }
  });
});

describe('two processes on one database', () => {
  const PROCESSES = 2;
  const ids = Array.from({ length: 100 }, (_, index) => `id-${index}`);

  async function race(verb: 'consume' | 'put-once', root: string, url: string): Promise<string[]> {
    const args = (me: number) => [verb, root, String(me), String(PROCESSES), ids.join(','), url];
    const outputs = await racers(PROCESSES, (me) => runProgram('race-for-artifacts.ts', ...args(me)));
    return outputs.flatMap((output) => output.split(',').filter(Boolean));
  }

  it('consume every artifact once', async () => {
    const { artifacts, later, folders, url } = await openPostgresqlState();
    for (const id of ids) await artifacts.put('RefreshToken', id, {}, keys(), later());
    expect((await race('consume', folders.root, url)).sort()).toEqual([...ids].sort());
  });

  it('put every artifact once', async () => {
    const { folders, url } = await openPostgresqlState();
    expect((await race('put-once', folders.root, url)).sort()).toEqual([...ids].sort());
  });
});
