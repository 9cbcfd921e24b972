import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/audit/audit.ts';
import { MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { keysOf } from '../../src/oidc/artifact-keys.ts';
import { createDeviceCodes } from '../../src/oidc/device-codes.ts';
import { movedKeyring } from '../lib/moved-keyring.ts';
import { openTestState, racers } from '../support/stores.ts';

const CODE = 'WDJBMJHT';
const { before, both, after } = movedKeyring();

async function opened(keyring = before) {
  const { artifacts, clock, db } = openTestState();
  const events: AuditEvent[] = [];
  const audit = { write: async (event: AuditEvent) => void events.push(event) };
  const codes = createDeviceCodes({ artifacts, keyring, audit });
  const exp = Math.floor(clock() / 1000) + 10 * MINUTE;
  const keep = (id: string, some: Record<string, unknown>) => {
    const payload = { jti: id, clientId: 'tv', exp, ...some };
    return codes.keep(id, payload, keysOf('DeviceCode', payload), toMilliseconds(exp));
  };
  await keep('device', { userCode: CODE });
  const rows = () => db.prepare('SELECT kind, id_hash FROM artifact ORDER BY kind').all();
  return {
    artifacts,
    clock,
    codes,
    events,
    keep,
    rows,
    under: (ring = both) => createDeviceCodes({ artifacts, keyring: ring, audit }),
  };
}

describe('the code that people type', () => {
  it('is kept as a keyed hash: who has the data and no keyring cannot try them all', async () => {
    const { rows, codes, clock, under } = await opened();
    for (const { id_hash } of rows()) expect([CODE, sha256(CODE)]).not.toContain(id_hash);
    expect(await codes.find(CODE, clock())).toMatchObject({ deviceCode: 'device' });
    expect(await under(after).find(CODE, clock())).toBeNull();
  });

  it('is found and spent after the keyring has moved on', async () => {
    const { under, clock } = await opened();
    expect(await under(both).find(CODE, clock())).toMatchObject({ deviceCode: 'device', userCode: CODE });
    expect([await under(both).spend(CODE), await under(both).spend(CODE)]).toEqual([true, false]);
  });

  it('is spent by one of ten', async () => {
    const { codes, clock } = await opened();
    const won = await racers(10, () => codes.spend(CODE));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await codes.find(CODE, clock())).toBeNull();
    expect(await codes.spend('BBBBBBBB')).toBe(false);
  });

  it('that another device waits with already is refused, and stays with that one', async () => {
    const { keep, codes, clock, artifacts } = await opened();
    await expect(keep('other', { userCode: CODE })).rejects.toThrow('waits with already');
    expect(await codes.find(CODE, clock())).toMatchObject({ deviceCode: 'device' });
    expect(await artifacts.get('DeviceCode', 'other')).toBeNull();
  });
});

describe('a device code that is answered', () => {
  it('stays one record, and does not carry the other code', async () => {
    const { keep, rows, artifacts, events } = await opened();
    expect(events).toEqual([]);
    await keep('device', { accountId: 'acc_ada', grantId: 'g' });
    expect(rows().map(({ kind }) => kind)).toEqual(['DeviceCode', 'UserCode']);
    expect(JSON.stringify(await artifacts.get('DeviceCode', 'device'))).not.toContain(CODE);
    expect(events).toEqual([{ event: 'device.approved', accountId: 'acc_ada', clientId: 'tv' }]);
  });

  it.each([{ accountId: 'acc_ada' }, { error: 'access_denied' }])('waits for nobody any more: %o', async (answer) => {
    const { keep, codes, clock } = await opened();
    await keep('device', answer);
    expect(await codes.find(CODE, clock())).toBeNull();
  });

  it('nor does one whose time is over, or whose grant has ended', async () => {
    const { keep, codes, clock, artifacts } = await opened();
    clock.forward(10 * MINUTE + 1);
    expect(await codes.find(CODE, clock())).toBeNull();
    await keep('device', { accountId: 'acc_ada', grantId: 'g' });
    await artifacts.endGrant('g');
    expect(await artifacts.get('DeviceCode', 'device')).toBeNull();
  });
});
