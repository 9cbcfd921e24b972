import { describe, expect, it, vi } from 'vitest';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { createLog } from '../../src/lib/log.ts';
import { startServer } from '../../src/server.ts';
import { installation } from '../cli/gatewright.ts';
import type { EngineName } from '../support/databases.ts';
import { userinfo } from '../support/endpoint.ts';
import { type ScaledTime, scaleTime } from '../support/scaled-time.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { startVerifyingLoad, strictVerifier, type Verifier, type VerifyingLoad } from './verifying-load.ts';

// The database's clock does not go along with a time that goes faster here.
vi.mock(import('../../src/store/postgresql/database-clock.ts'), () => ({
  createDatabaseClock: ({ own }) => ({ now: own, compare: async () => 0 }),
}));

const JWKS_CACHE = 10;
const ANNOUNCED = JWKS_CACHE + 30;
/** Each instance looks every ten seconds. */
const NOTICED = 12;
const OUT_OF_STEP = 4;
const VERIFIERS = 8;
const SOON = { timeout: 15_000 };
/** Enough for a verifier to fetch the key set. */
const UNSIGNED = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.e30.c2ln`;

/** SQLite is for one instance; Redis keeps no keys. */
const ENGINES: [EngineName, number][] = [
  ['sqlite', 1],
  ['postgresql', 2],
];

/** `gatewright key …` in a process of its own, as an operator runs it beside the servers. */
function operator({ config: { issuer, folders, database } }: TestServer) {
  const env = {
    ...{ ISSUER: issuer, DATA_DIR: folders.data, KEYS_DIR: folders.keys, JWKS_CACHE: String(JWKS_CACHE) },
    ...(database.url && { DATABASE_URL: database.url }),
  };
  return (...args: string[]) => installation().json(['key', ...args], { env });
}

/** The keys that signed the latest tokens. */
function lately({ seen }: VerifyingLoad): string[] {
  return [...new Set(seen.slice(-15).map(({ kid }) => kid))];
}

/** What every instance, each in its turn, says of the latest access token of a person that this key signed. */
async function accepted(site: TestServer, { seen }: VerifyingLoad, kid: string): Promise<boolean[]> {
  const { token = '' } = seen.findLast((each) => each.kid === kid && each.kind === 'person') ?? {};
  const answers: boolean[] = [];
  for (const _ of site.instances) answers.push((await userinfo(site, token)).status === 200);
  return answers;
}

/** Started together, all instances would look at the same moment: the last one is started again a while later. */
async function putOutOfStep({ instances, config }: TestServer, time: ScaledTime): Promise<void> {
  const last = instances.at(-1);
  if (!last || instances.length < 2) return;
  const port = Number(new URL(last.url).port);
  await last.close();
  await time.pass(OUT_OF_STEP);
  const again = { ...config, listen: { ...config.listen, port } };
  instances[instances.length - 1] = await startServer(again, { log: createLog('silent'), clock: Date.now });
}

/** APIs whose copies of the key set differ in age. */
async function verifiersOf(site: TestServer, time: ScaledTime): Promise<Verifier[]> {
  const verifiers = Array.from({ length: VERIFIERS }, () => strictVerifier(site, JWKS_CACHE));
  for (const verify of verifiers) {
    await expect(verify(UNSIGNED)).rejects.toThrow();
    await time.pass(JWKS_CACHE / verifiers.length);
  }
  return verifiers;
}

describe.each(ENGINES)('signing keys on %s, instances: %i, under load', { timeout: 90_000 }, (engine, instances) => {
  const all = <T>(value: T): T[] => Array.from({ length: instances }, () => value);

  async function started(env: Record<string, string> = {}) {
    const time = scaleTime();
    const settings = { JWKS_CACHE: String(JWKS_CACHE), SECOND_FACTOR: 'optional', SIGNING_KEY_DAYS: '0', ...env };
    const site = await startTestServer(settings, { engine, instances });
    await putOutOfStep(site, time);
    return { time, site, key: operator(site) };
  }

  it('are rotated without a refused token or a failed request', async () => {
    const { time, site: server, key } = await started();
    await using site = server;
    // Before time goes faster here than in the process of the operator.
    const load = await startVerifyingLoad(site, []);
    const [{ kid: old }] = await key('list');
    const { kid, activatesAt } = await key('rotate');
    load.verifiers.push(...(await verifiersOf(site, time)));
    await time.pass(ANNOUNCED);
    await time.pass(NOTICED);
    await expect.poll(() => lately(load), SOON).toEqual([kid]);
    await load.stop();

    expect(load.faults).toEqual([]);
    expect(new Set(load.seen.map((each) => each.kid))).toEqual(new Set([old, kid]));
    const signsFrom = Date.parse(activatesAt);
    expect(load.seen.find((each) => each.kid === kid)?.at).toBeGreaterThanOrEqual(signsFrom);
    expect(load.seen.findLast((each) => each.kid === old)?.at).toBeLessThan(signsFrom + toMilliseconds(30));
    expect(await accepted(site, load, old)).toEqual(all(true));
    expect(await accepted(site, load, kid)).toEqual(all(true));
  });

  it('are rotated at once without a request that an instance refuses, and revoked for all of them', async () => {
    const { time, site: server, key } = await started();
    await using site = server;
    const load = await startVerifyingLoad(site, []);
    await expect.poll(() => lately(load), SOON).toHaveLength(1);
    const { kid } = await key('rotate', '--now');
    await time.pass(NOTICED);
    await expect.poll(() => lately(load), SOON).toEqual([kid]);
    await load.stop();
    const old = load.seen[0]?.kid ?? '';
    expect(load.faults).toEqual([]);
    expect(await accepted(site, load, old)).toEqual(all(true));

    await key('rotate', '--revoke', old, '--yes');
    await time.pass(NOTICED);
    await expect.poll(() => accepted(site, load, old), SOON).toEqual(all(false));
    expect(await accepted(site, load, kid)).toEqual(all(true));
    const verify = strictVerifier(site, JWKS_CACHE);
    await expect(verify(load.seen.at(-1)?.token ?? '')).resolves.toBeUndefined();
    await expect(verify(load.seen[0]?.token ?? '')).rejects.toThrow('no applicable key');
  });

  it('are replaced by themselves at their age, by one new key', async () => {
    const { time, site: server } = await started({ SIGNING_KEY_DAYS: '1' });
    await using site = server;
    const keys = () => site.app.stores.signingKeys.list();
    const [old] = await keys();
    time.skip(DAY - ANNOUNCED);
    await time.pass(NOTICED);
    await expect.poll(keys, SOON).toHaveLength(2);
    const next = (await keys()).find(({ kid }) => kid !== old?.kid);
    expect((next?.activatesAt ?? 0) - (old?.activatesAt ?? 0)).toBeGreaterThanOrEqual(toMilliseconds(DAY));

    await time.pass(ANNOUNCED + NOTICED);
    const load = await startVerifyingLoad(site, [strictVerifier(site, JWKS_CACHE)]);
    await expect.poll(() => lately(load), SOON).toEqual([next?.kid]);
    await load.stop();
    expect(load.faults).toEqual([]);
    expect(await keys()).toHaveLength(2);
  });
});
