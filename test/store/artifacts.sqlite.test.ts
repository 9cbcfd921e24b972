import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { DAY, HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { sweepBatch } from '../../src/store/sqlite/sweep.ts';
import { testClock } from '../support/clock.ts';
import { LONGEST, openTestState, racers, testFolders } from '../support/stores.ts';
import { artifactStoreContract, keys } from './artifacts.contract.ts';
import { runProgram } from './scratch.ts';

artifactStoreContract('SQLite', () => openTestState());

const SECRET_ID = 'an-id-that-is-a-bearer-secret';
const SECRET_VALUE = 'a-value-within-the-payload';

describe('the state file', () => {
  it('holds no id and no payload in the clear', async () => {
    const { artifacts, clock, db, folders } = openTestState();
    const expiresAt = clock() + toMilliseconds(HOUR);
    const payload = { jti: SECRET_ID, value: SECRET_VALUE };
    await artifacts.put('AuthorizationCode', SECRET_ID, payload, keys(), expiresAt);
    await artifacts.putOnce('RefreshToken', SECRET_ID, payload, keys(), expiresAt);
    await artifacts.put('Session', SECRET_ID, payload, keys({ uid: 'a-uid' }), expiresAt);
    await artifacts.retireSessionId(SECRET_ID);
    await artifacts.deny(SECRET_ID, expiresAt);
    // Proves that the search finds what is there.
    await artifacts.put('Grant', 'g', {}, keys({ grantId: 'a-planted-grant' }), expiresAt);
    db.close();

    const bytes = readdirSync(folders.data).map((file) => readFileSync(path.join(folders.data, file), 'latin1'));
    const content = bytes.join('\n');
    expect(content).toContain('a-planted-grant');
    for (const secret of [SECRET_ID, SECRET_VALUE]) {
      for (const form of ['utf8', 'base64', 'base64url', 'hex'] as const) {
        expect(content).not.toContain(Buffer.from(secret).toString(form).replace(/=+$/, ''));
      }
    }
  });

  it('opens no payload in the place of another, of the same kind or of another kind', async () => {
    const { artifacts, clock, db } = openTestState();
    const expiresAt = clock() + toMilliseconds(HOUR);
    await artifacts.put('RefreshToken', 'mine', { accountId: 'acc_mine' }, keys(), expiresAt);
    await artifacts.put('RefreshToken', 'yours', { accountId: 'acc_yours' }, keys(), expiresAt);
    const [one, other] = db.prepare('SELECT id_hash, sealed FROM artifact').all();
    const move = db.prepare('UPDATE artifact SET sealed = ? WHERE id_hash = ?');
    move.run(one?.['sealed'] ?? null, other?.['id_hash'] ?? null);
    move.run(other?.['sealed'] ?? null, one?.['id_hash'] ?? null);
    await expect(artifacts.get('RefreshToken', 'mine')).rejects.toThrow();
    await expect(artifacts.get('RefreshToken', 'yours')).rejects.toThrow();

    await artifacts.put('AuthorizationCode', 'code', {}, keys(), expiresAt);
    db.exec(`UPDATE artifact SET kind = 'DeviceCode' WHERE kind = 'AuthorizationCode'`);
    await expect(artifacts.get('DeviceCode', 'code')).rejects.toThrow();
  });

  it('never takes a stored hash for an id', async () => {
    const { artifacts, clock, db } = openTestState();
    await artifacts.put('RefreshToken', 'token', {}, keys(), clock() + 1000);
    const hash = String(db.prepare('SELECT id_hash FROM artifact').get()?.['id_hash']);
    expect(await artifacts.get('RefreshToken', hash)).toBeNull();
    expect(await artifacts.consume('RefreshToken', hash)).toBe(false);
  });

  it('keeps nothing of a session whose authorizations cannot be written', async () => {
    const { artifacts, clock, db } = openTestState();
    db.exec(`CREATE TRIGGER refused BEFORE INSERT ON session_authorization BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    const payload = { authorizations: { web: { sid: 's' } } };
    const saved = artifacts.put('Session', 'id', payload, keys({ uid: 'uid' }), clock() + 1000);
    await expect(saved).rejects.toThrow('refused');
    expect(db.prepare('SELECT (SELECT count(*) FROM artifact) + (SELECT count(*) FROM session) AS rows').get()).toEqual(
      {
        rows: 0,
      },
    );
  });

  it('keeps a token denied for the longer of two times', async () => {
    const { artifacts, clock, db } = openTestState();
    await artifacts.deny('jti', clock() + toMilliseconds(HOUR));
    await artifacts.deny('jti', clock() + 1000);
    clock.forward(60);
    sweepBatch(db, clock());
    expect(await artifacts.isDenied('jti')).toBe(true);
    clock.forward(HOUR);
    sweepBatch(db, clock());
    expect(await artifacts.isDenied('jti')).toBe(false);
  });

  it('remembers what ended for longer than anything that names it lives', async () => {
    const { artifacts, clock, db } = openTestState();
    await artifacts.endGrant('g');
    clock.forward(LONGEST - 1);
    sweepBatch(db, clock());
    await artifacts.put('RefreshToken', 'token', {}, keys({ grantId: 'g' }), clock() + 1000);
    expect(await artifacts.get('RefreshToken', 'token')).toBeNull();
  });

  it('is swept of what expired, and of nothing else', async () => {
    const clock = testClock();
    const { artifacts, attempts, progress, db } = openTestState({ clock });
    const rule = { limit: 1, window: 1000, waitGrows: false, maxConsecutive: null };
    async function fill(name: string) {
      const expiresAt = clock() + toMilliseconds(HOUR);
      await artifacts.put('Grant', name, {}, keys({ grantId: name }), expiresAt);
      const payload = { authorizations: { web: { grantId: name } } };
      await artifacts.put('Session', name, payload, keys({ uid: name }), expiresAt);
      await artifacts.deny(name, expiresAt);
      await attempts.take(name, rule, clock());
      await progress('flow').save(name, {}, 0, expiresAt);
    }
    await fill('old');
    clock.forward(3 * DAY);
    await fill('new');

    expect(sweepBatch(db, clock())).toBe(7);
    expect(sweepBatch(db, clock())).toBe(0);
    expect(await artifacts.isDenied('old')).toBe(false);
    expect(await artifacts.isDenied('new')).toBe(true);
    expect((await artifacts.getSessionByUid('new'))?.payload).toHaveProperty('authorizations.web');
    expect(await artifacts.get('Grant', 'new')).not.toBeNull();
    expect(await progress('flow').load('new')).not.toBeNull();
    expect(await attempts.take('new', rule, clock())).not.toBeNull();
  });

  it('is swept of all authorizations of a session that expired, however many and whenever claimed', async () => {
    const { artifacts, clock, db } = openTestState();
    const expiresAt = clock() + toMilliseconds(HOUR);
    for (const uid of ['old', 'new']) {
      const authorizations = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`c${index}`, {}]));
      const lives = uid === 'old' ? expiresAt : expiresAt + toMilliseconds(DAY);
      await artifacts.put('Session', uid, { authorizations }, keys({ uid }), lives);
      await artifacts.claimAuthorization(uid, 'late', { sid: 's', grantId: 'g' });
    }
    clock.forward(HOUR + 1);
    sweepBatch(db, clock());
    const left = db.prepare('SELECT uid, count(*) AS count FROM session_authorization GROUP BY uid').all();
    expect(left).toEqual([{ uid: 'new', count: 501 }]);
  });

  it('keeps what was claimed for a session that is not saved yet, but not for ever', async () => {
    const { artifacts, clock, db } = openTestState();
    await artifacts.claimAuthorization('slow', 'web', { sid: 's', grantId: 'g' });
    await artifacts.claimAuthorization('never', 'web', { sid: 's', grantId: 'g' });
    sweepBatch(db, clock());
    const payload = { accountId: 'acc_ada', loginTs: 1 };
    await artifacts.put('Session', 'slow', payload, keys({ uid: 'slow', accountId: 'acc_ada' }), clock() + 1000);
    const saved = await artifacts.getSessionByUid('slow');
    expect(saved).toMatchObject({ bornAt: clock(), payload: { authorizations: { web: { grantId: 'g' } } } });

    clock.forward(LONGEST + DAY + 1);
    while (sweepBatch(db, clock()) > 0);
    expect(db.prepare('SELECT count(*) AS count FROM session_authorization').get()).toEqual({ count: 0 });
  });

  it('is swept without looking through what has not expired', async () => {
    const { artifacts, clock, db } = openTestState();
    await artifacts.put('Session', 'id', {}, keys({ uid: 'uid' }), clock());
    const statements: string[] = [];
    const prepare = db.prepare.bind(db);
    vi.spyOn(db, 'prepare').mockImplementation((sql) => {
      statements.push(sql);
      return prepare(sql);
    });
    sweepBatch(db, clock() + 1);
    vi.restoreAllMocks();
    const plans = statements.flatMap((sql) =>
      db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...(sql.includes('?') ? ['[]'] : [])),
    );
    expect(statements).toHaveLength(6);
    expect(plans.filter(({ detail }) => /^SCAN (?!json_each)/.test(String(detail)))).toEqual([]);
  });
});

describe('two processes on one state file', { timeout: 30_000 }, () => {
  const PROCESSES = 2;
  const ids = Array.from({ length: 100 }, (_, index) => `id-${index}`);

  async function race(verb: 'consume' | 'put-once', root: string): Promise<string[]> {
    const args = (me: number) => [verb, root, String(me), String(PROCESSES), ids.join(',')];
    const outputs = await racers(PROCESSES, (me) => runProgram('race-for-artifacts.ts', ...args(me)));
    return outputs.flatMap((output) => output.split(',').filter(Boolean));
  }

  it('consume every artifact once', async () => {
    const folders = testFolders();
    const { artifacts, clock } = openTestState({ folders });
    const expiresAt = clock() + toMilliseconds(HOUR);
    for (const id of ids) await artifacts.put('RefreshToken', id, {}, keys(), expiresAt);
    expect((await race('consume', folders.root)).sort()).toEqual([...ids].sort());
  });

  it('put every artifact once', async () => {
    const folders = testFolders();
    openTestState({ folders });
    expect((await race('put-once', folders.root)).sort()).toEqual([...ids].sort());
  });
});
