import { describe, expect, it } from 'vitest';
import { installation } from './gatewright.ts';

const DAY = 86_400_000;
/** JWKS_CACHE, ten minutes, and until every server has the key. */
const ANNOUNCED = 630_000;

interface Listed {
  kid: string;
  state: string;
  activatesAt: string;
  rotationDueAt: string | null;
}

describe.concurrent('key', { timeout: 90_000 }, () => {
  it('rotates: announced first, at once with --now', async () => {
    const { json, run } = installation();
    const first = await json(['key', 'rotate']);
    const second = await json(['key', 'rotate']);
    expect(Date.parse(first.activatesAt)).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(second.activatesAt) - Date.now()).toBeGreaterThan(10 * 60_000);
    const third = await json(['key', 'rotate', '--now']);
    expect(third).toEqual({
      ...{ kid: expect.any(String), algorithm: 'RS256', activatesAt: expect.any(String), revoked: null },
      knownByCachesFrom: expect.any(String),
    });
    expect(Date.parse(third.knownByCachesFrom) - Date.parse(third.activatesAt)).toBeGreaterThanOrEqual(ANNOUNCED);

    const list = await json(['key', 'list']);
    expect(list.map(({ kid, state }: Listed) => [kid, state])).toEqual([
      [second.kid, 'announced'],
      [third.kid, 'active'],
      [first.kid, 'retired'],
    ]);
    const fields = ['kid', 'state', 'algorithm', 'createdAt', 'activatesAt', 'revokedAt', 'rotationDueAt'];
    expect(Object.keys(list[0])).toEqual(fields);
    const { stdout } = await run(['key', 'list']);
    expect(stdout).toMatch(/^KEY ID +ALGORITHM +STATE +CREATED +SIGNS FROM\n/);
    expect((await run(['key', 'rotate', '--now'])).stdout).toMatch(
      / signs from now on\.\nWhoever .* may not know it until /,
    );
  });

  it('tells when the next one is due', async () => {
    const { json, run } = installation();
    await json(['key', 'rotate']);
    const announced = await json(['key', 'rotate']);
    const listed: Listed[] = await json(['key', 'list']);
    const dueAt = new Date(Date.parse(announced.activatesAt) + 90 * DAY - ANNOUNCED).toISOString();
    expect(listed.map(({ rotationDueAt }) => rotationDueAt)).toEqual([dueAt, null]);

    const of = async (days: string) => (await run(['key', 'list'], { env: { SIGNING_KEY_DAYS: days } })).stdout;
    expect(await of('90')).toContain(`The server announces the next key on ${dueAt}`);
    expect(await of('0')).toContain('No key is added by itself: npx gatewright key rotate does it');
    const off: Listed[] = await json(['key', 'list'], { env: { SIGNING_KEY_DAYS: '0' } });
    expect(off.map(({ rotationDueAt }) => rotationDueAt)).toEqual([null, null]);
  });

  it('says that the next one is overdue', async () => {
    const { json, run } = installation();
    await json(['key', 'rotate']);
    // Older than a day less the announcement, from the first moment on.
    const { stdout } = await run(['key', 'list'], { env: { SIGNING_KEY_DAYS: '1', JWKS_CACHE: String(DAY / 1000) } });
    expect(stdout).toContain('The next key has been due since ');
  });

  it('revokes, has another one sign at once, and says who may trust the old one for how long', async () => {
    const { json, run } = installation();
    const leaked = await json(['key', 'rotate']);
    const next = await json(['key', 'rotate', '--revoke', leaked.kid, '--yes']);
    expect(Date.parse(next.activatesAt)).toBeLessThanOrEqual(Date.now());
    expect(next.revoked).toEqual({ kid: leaked.kid, trustedByCachesUntil: expect.any(String) });
    const trusted = Date.parse(next.revoked.trustedByCachesUntil) - Date.parse(next.activatesAt);
    expect(trusted).toBeGreaterThanOrEqual(ANNOUNCED);

    const [list, again, unknown, unconfirmed] = await Promise.all([
      json(['key', 'list']),
      run(['key', 'rotate', '--revoke', leaked.kid, '--yes']),
      run(['key', 'rotate', '--revoke', 'nothing', '--yes']),
      run(['key', 'rotate', '--revoke', next.kid]),
    ]);
    expect(list.map(({ state }: Listed) => state)).toEqual(['active', 'revoked']);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('is revoked already')]);
    expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining('there is no signing key nothing')]);
    expect([unconfirmed.status, unconfirmed.stderr]).toEqual([2, expect.stringContaining('confirm with --yes')]);
    const { stdout } = await run(['key', 'rotate', '--revoke', next.kid, '--yes']);
    expect(stdout).toMatch(
      /Revoked \S+: what it signed is refused here within seconds\.\nWhoever .* may trust it until /,
    );
  });
});
