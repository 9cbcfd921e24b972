import { describe, expect, it, vi } from 'vitest';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { type KeyringFile, type KeyringKey, newKey, readKeyringFile } from '../../src/lib/keyring-file.ts';
import { changeKeyringFile } from '../../src/lib/keyring-writing.ts';
import { openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { type Installation, installation } from './gatewright.ts';

/** With a signing key and three lasting keys that are sealed. */
async function installed() {
  const place = installation();
  await place.json(['key', 'rotate']);
  const [{ id }] = (await place.json(['keyring', 'status'])).keys;
  return { ...place, first: id as string };
}

/** A key that another command added, and was interrupted; as if it and the keys before it were so many days older. */
function add({ env }: Installation, activatesAt: number, daysAgo = 0): string {
  const age = toMilliseconds(daysAgo * DAY);
  const key = newKey(activatesAt - age, Date.now);
  const older = ({ activatesAt: before, ...rest }: KeyringKey) => ({
    ...rest,
    activatesAt: new Date(Date.parse(before) - age).toISOString(),
  });
  changeKeyringFile(env['KEYS_DIR'] ?? '', (content) => ({ ...content, keys: [...content.keys.map(older), key] }));
  return key.id;
}

function events({ env }: Installation): string[] {
  const handle = openSqliteFile({ file: `${env['DATA_DIR']}/gatewright.db` });
  const rows = handle.prepare(`SELECT event, detail FROM AuditEvent WHERE event LIKE 'keyring.%' ORDER BY at`).all();
  handle.close();
  return (rows as { event: string; detail: string }[]).map(({ event, detail }) => `${event} ${detail}`);
}

describe.concurrent('keyring', { timeout: 90_000 }, () => {
  it('rotates, seals everything anew, and says when the old key can go', async () => {
    const place = await installed();
    const { first } = place;
    const { status, stdout, stderr } = await place.run(['keyring', 'rotate', '--activate-in', '1s']);
    expect(status).toBe(0);
    const [, current] = /^The key (\w{8}) is the current one; 5 records were sealed anew under it\./.exec(stdout) ?? [];
    expect(stdout).toMatch(
      new RegExp(
        `From ${new Date().getUTCFullYear()}-.*Z on, the old key can be removed: npx gatewright keyring remove ${first}\n$`,
      ),
    );
    expect(stderr).toContain('gatewright: warning: in 1 s, other instances may not have learnt of the new key\n');
    expect(stderr).toContain(`Until the key ${current} takes over: 100 %\n`);
    expect(stderr).toContain('Sealing under the current key: 100 %\n');

    const { keys, lostRecords } = await place.json(['keyring', 'status']);
    expect(lostRecords).toBe(0);
    expect(keys).toEqual([
      expect.objectContaining({ id: current, state: 'current', records: 5, runsOutAt: null, removable: false }),
      expect.objectContaining({ id: first, state: 'retired', records: 0, removable: false }),
    ]);
    const longest = toMilliseconds(14 * DAY);
    expect(Date.parse(keys[1].runsOutAt)).toBe(Date.parse(keys[0].activatesAt) + longest);
    expect((await place.run(['keyring', 'status'])).stdout).toMatch(
      /^KEY ID +STATE +CREATED +TAKES OVER +RECORDS +REMOVABLE\n\w{8} +current .* 5\n\w{8} +retired .* 0 +from \d{4}-/,
    );
    expect(events(place)).toEqual([`keyring.key_added {"keyId":"${current}"}`]);
    // The signing key still opens.
    expect(await place.json(['key', 'list'])).toHaveLength(1);
  });

  it('rotates for a program without a word but the result', async () => {
    const place = await installed();
    const { stderr, json } = await place.run(['keyring', 'rotate', '--activate-in', '2s', '--json']);
    expect(stderr).toBe('{"warning":"in 2 s, other instances may not have learnt of the new key"}\n');
    expect(json).toEqual({
      ...{ current: expect.stringMatching(/^\w{8}$/), records: 5, unreadable: 0 },
      old: { id: place.first, runsOutAt: expect.stringMatching(/Z$/) },
    });
  });

  it('does not rotate before the last new key has taken over, nor in a time that is none', async () => {
    const place = await installed();
    const waiting = add(place, Date.now() + 3_600_000);
    const [refused, ...wrong] = await Promise.all([
      place.run(['keyring', 'rotate', '--activate-in', '1s']),
      ...['0s', '30', '8d', 'soon', '-1s'].map((time) => place.run(['keyring', 'rotate', `--activate-in=${time}`])),
    ]);
    expect(refused?.status).toBe(1);
    expect(refused?.stderr).toContain(`the key ${waiting} takes over at `);
    for (const { status, stderr } of wrong) {
      expect([status, stderr]).toEqual([2, expect.stringContaining('must be a time from 1s to 7d')]);
    }
    const { keys } = await place.json(['keyring', 'status']);
    expect(keys.map(({ state }: { state: string }) => state)).toEqual(['announced', 'current']);
    await place.json(['keyring', 'remove', waiting]);
    expect((await place.json(['keyring', 'status'])).keys).toHaveLength(1);
  });

  it('does not take a key back that servers are about to use', async () => {
    const place = await installed();
    const soon = add(place, Date.now() + 12_000);
    const refused = await place.run(['keyring', 'remove', soon, '--now', '--yes']);
    expect([refused.status, refused.stderr]).toEqual([
      1,
      // On a machine that is slow enough it has taken over already.
      expect.stringMatching(
        new RegExp(`the key ${soon} (takes over at \\S+Z, too soon to take it back|is the current)`),
      ),
    ]);
    expect((await place.json(['keyring', 'status'])).keys).toHaveLength(2);
  });

  it('seals nothing under a key that is taken back while it waits', async () => {
    const place = await installed();
    const { first, env } = place;
    const rotating = place.run(['keyring', 'rotate', '--activate-in', '20s']);
    const folder = env['KEYS_DIR'] ?? '';
    await vi.waitFor(() => expect(readKeyringFile(folder).keys).toHaveLength(2), { timeout: 60_000, interval: 20 });
    const onlyFirst = (content: KeyringFile) => ({ ...content, keys: content.keys.filter(({ id }) => id === first) });
    // The new file is there a moment before the lock of who wrote it is gone.
    await vi.waitFor(() => changeKeyringFile(folder, onlyFirst), { timeout: 10_000, interval: 20 });
    const { status, stderr } = await rotating;
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/the key \w+ was removed before it took over: nothing was sealed anew\n$/),
    ]);
    const { keys, lostRecords } = await place.json(['keyring', 'status']);
    expect([keys, lostRecords]).toEqual([[expect.objectContaining({ id: first, records: 5 })], 0]);
  });

  it('with another secret under the same id is refused with a sentence', async () => {
    const place = await installed();
    changeKeyringFile(place.env['KEYS_DIR'] ?? '', ({ keys, ...rest }) => {
      const { secret } = newKey(0, Date.now);
      return { ...rest, keys: keys.map((key) => ({ ...key, secret })) };
    });
    const { status, stderr } = await place.run(['keyring', 'status']);
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^gatewright: the key "[a-z-]+" of this database does not open with keyring\.json, although that names its key: put the/,
      ),
    ]);
  });

  it('goes on with what was interrupted, and removes a key once nothing rests on it', async () => {
    const place = await installed();
    const { first } = place;
    const current = add(place, Date.now(), 15);
    const [early, ofCurrent, unknown] = await Promise.all([
      place.run(['keyring', 'remove', first]),
      place.run(['keyring', 'remove', current, '--now', '--yes']),
      place.run(['keyring', 'remove', 'nothing0']),
    ]);
    expect([early.status, early.stderr]).toEqual([
      1,
      expect.stringContaining(
        `5 records are still sealed under the key ${first}: run npx gatewright keyring reseal first`,
      ),
    ]);
    expect(ofCurrent.stderr).toContain(`the key ${current} is the current one`);
    expect(unknown.stderr).toContain('there is no key nothing0');

    expect(await place.json(['keyring', 'reseal'])).toEqual({ current, records: 5, unreadable: 0 });
    expect(await place.json(['keyring', 'reseal'])).toEqual({ current, records: 0, unreadable: 0 });
    expect(await place.json(['keyring', 'remove', first])).toEqual({ id: first, removed: true, early: false });
    expect((await place.json(['keyring', 'status'])).keys).toMatchObject([{ id: current, records: 5 }]);
  });

  it('removes a key that leaked at once, and seals anew before', async () => {
    const place = await installed();
    const current = add(place, Date.now());
    expect(await place.json(['keyring', 'remove', place.first, '--now', '--yes'])).toMatchObject({ early: true });
    const { keys, lostRecords } = await place.json(['keyring', 'status']);
    expect([keys.length, keys[0].id, keys[0].records, lostRecords]).toEqual([1, current, 5, 0]);
    expect(await place.json(['key', 'list'])).toHaveLength(1);
  });

  it('removes a key before its time only when that is confirmed', async () => {
    const place = await installed();
    const { first } = place;
    add(place, Date.now());
    await place.json(['keyring', 'reseal']);
    const tooEarly = await place.run(['keyring', 'remove', first]);
    expect([tooEarly.status, tooEarly.stderr]).toEqual([
      1,
      expect.stringContaining(`cookies signed with the key ${first} are good until `),
    ]);
    const unasked = await place.run(['keyring', 'remove', first, '--now']);
    expect([unasked.status, unasked.stderr]).toEqual([2, expect.stringContaining('confirm with --yes')]);
    expect(await place.json(['keyring', 'remove', first, '--now', '--yes'])).toMatchObject({ early: true });
    expect(events(place)).toEqual([`keyring.key_removed {"keyId":"${first}","early":true}`]);
  });
});
