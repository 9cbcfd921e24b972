import { describe, expect, it, onTestFinished } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { type EngineName, newPlace, REDIS_URL } from '../support/databases.ts';
import { startProcessCluster } from '../support/process-cluster.ts';
import { enter, visit } from '../support/visit.ts';

const ENGINES: EngineName[] = ['sqlite', 'postgresql', ...(REDIS_URL ? (['redis'] as const) : [])];

describe.each(ENGINES)('an account that is disabled on %s', (engine) => {
  it('has nothing any more, although the program was killed before it could clean up', async () => {
    const place = await newPlace(engine);
    onTestFinished(() => place.drop());
    await using site = await startProcessCluster(place.env, 1);
    const person = await visit(site);
    const tokens = await enter(person, { scope: 'openid offline_access', prompt: 'consent' });
    const rowsLeft = () => site.stores.artifacts.authorizationsOf(person.account.id, Number.MAX_SAFE_INTEGER);

    site.freeze(0);
    await site.stores.accounts.disable(person.account.id, BY_OPERATOR);
    await site.kill(0);
    expect(await rowsLeft()).toHaveLength(1);

    await site.start(0);
    const { url } = await person.agent.follow((await person.party.authorization({ prompt: 'none' })).url);
    expect(url).toContain('error=login_required');
    await expect(person.party.refresh(tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
    expect((await person.party.introspect(tokens.access_token)).active).toBe(false);
    await expect.poll(rowsLeft, { timeout: 10_000 }).toEqual([]);
  });
});
