import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRecoveryCodes } from '../../src/accounts/recovery-codes.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { CLI, execute, NODE } from '../cli/gatewright.ts';
import { type EngineName, newPlace, REDIS_URL } from '../support/databases.ts';
import { type ProcessCluster, startProcessCluster } from '../support/process-cluster.ts';
import { signIn } from '../support/sign-in.ts';
import { createUserAgent } from '../support/user-agent.ts';
import { again, ask, enter, told, type Visit, visit } from '../support/visit.ts';
import { faults, startLoad } from './load.ts';

const PEOPLE = 3;
/** Servers look into the file every ten seconds. */
const SOON = { timeout: 30_000, interval: 200 };
const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const ENGINES: EngineName[] = ['sqlite', 'postgresql', ...(REDIS_URL ? (['redis'] as const) : [])];

/** As an operator does, beside the servers. */
async function keyring(site: ProcessCluster, ...args: string[]) {
  const env = { ...(process.env as Record<string, string>), ...site.env };
  const cwd = path.dirname(site.env['DATA_DIR'] ?? '');
  const outcome = await execute(NODE, [CLI, 'keyring', ...args, '--json'], { cwd, env });
  expect(outcome.stderr.replace(/^\{"warning":.*\}\n/, '')).toBe('');
  expect(outcome.status).toBe(0);
  return outcome.json;
}

const changesSeen = ({ output }: ProcessCluster) => output.join('').split('"the keyring has changed"').length - 1;

async function withSecondFactor(site: ProcessCluster) {
  const person = await visit(site);
  const { accounts, lastingKeys } = site.stores;
  const { codes, hashes } = createRecoveryCodes({ accounts, key: lastingKeys.recoveryCodes }).issue(person.account.id);
  const totp = { id: newId('otp'), name: 'App', secret: SEED, confirmedStep: 0, recoveryCodeHashes: hashes };
  await accounts.enrolTotp(person.account.id, person.account.factorsVersion, totp, BY_OPERATOR);
  return { ...person, totpSecret: SEED, codes };
}

const isSignedIn = async (person: Visit) => !told((await ask(person, { prompt: 'none' })).page).error;

describe.each(ENGINES)('rotating the keyring on %s', (engine) => {
  it('signs nobody out, fails no request, and the old key can go', { timeout: 180_000 }, async () => {
    const place = await newPlace(engine);
    onTestFinished(() => place.drop());
    await using site = await startProcessCluster(place.env);
    const [old] = (await keyring(site, 'status')).keys;
    const [present, absent] = [await withSecondFactor(site), await withSecondFactor(site)];
    await enter(present);
    const { refresh_token: idle = '' } = await enter(absent);
    const load = await startLoad(site, PEOPLE);
    await load.turns(1);

    // Long enough for every server to have looked: one that has not goes on sealing under the old key.
    const rotated = await keyring(site, 'rotate', '--activate-in', '12s');
    await load.turns(2);
    expect(rotated.old.id).toBe(old.id);
    expect(rotated.unreadable).toBe(0);
    expect((await keyring(site, 'status')).keys).toMatchObject([
      { id: rotated.current, state: 'current' },
      { id: old.id, state: 'retired', records: 0, removable: false },
    ]);
    expect(await isSignedIn(present)).toBe(true);

    await expect.poll(() => changesSeen(site), SOON).toBe(2);
    await keyring(site, 'remove', old.id, '--now', '--yes');
    await expect.poll(() => changesSeen(site), SOON).toBe(4);
    await load.turns(2);
    await load.stop();
    expect(faults(load.ledger)).toEqual([]);
    expect(load.ledger.away).toBe(0);

    for (const person of load.people) await again(person, { prompt: 'none' });
    expect(await isSignedIn(present)).toBe(true);
    expect(await isSignedIn(absent), 'whose cookie was signed with the key that is gone').toBe(false);
    expect((await absent.party.refresh(idle)).refresh_token).toBeDefined();

    const agent = createUserAgent(site.issuer);
    const { page } = await ask({ party: absent.party, agent });
    // The step of the first sign-in is spent.
    const back = await signIn(agent, page, absent.account, { totpSecret: SEED, stepsAhead: 1 });
    expect(told(back).code).toBeDefined();
    const { accounts, lastingKeys } = site.stores;
    const recovery = createRecoveryCodes({ accounts, key: lastingKeys.recoveryCodes });
    expect(await recovery.spend(present.account.id, present.codes[0] ?? '', BY_OPERATOR)).toBe(9);
  });
});
