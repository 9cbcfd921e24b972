import { describe, expect, it } from 'vitest';
import { createChallenges } from '../../src/accounts/challenges.ts';
import type { Passkey } from '../../src/accounts/passkey-store.ts';
import { createPasskeys, type PasskeysDeps } from '../../src/accounts/passkeys.ts';
import { movedKeyring } from '../lib/moved-keyring.ts';
import { testClock } from '../support/clock.ts';
import { aDevice } from '../support/passkeys.ts';

const ISSUER = 'https://id.example.org';
const OWNER = { id: 'acc_owner', email: 'owner@example.org', name: undefined };
const REFUSED = { code: 'passkey_refused', status: 422 };

/** One server that remembers what is registered at it. */
function aSite(some: Partial<PasskeysDeps> = {}) {
  const stored: Passkey[] = [];
  const taken: unknown[] = [];
  const clock = testClock();
  const passkeys = createPasskeys({
    store: {
      ofAccount: async (id) => stored.filter(({ accountId }) => accountId === id),
      findByCredential: async (id) => stored.find(({ credentialId }) => credentialId === id) ?? null,
      use: async (id, signed) => taken.push({ id, ...signed }) > 0,
    },
    challenges: createChallenges({ keyring: movedKeyring().before, clock }),
    ...{ issuer: ISSUER, siteName: 'Meadow', acceptCounters: false },
    ...some,
  });
  return { passkeys, stored, taken, clock };
}

type Site = ReturnType<typeof aSite>;
type Device = ReturnType<typeof aDevice>;

async function created({ passkeys }: Site, device: Device, { origin = ISSUER, owner = OWNER } = {}) {
  const options = await passkeys.creationOptions('creation', owner);
  return { options, answer: device.createJSON(origin, options as never) as never };
}

/** A site and a device that know each other. */
async function registered(some: Partial<PasskeysDeps> = {}, device = aDevice()) {
  const site = aSite(some);
  const { answer } = await created(site, device, { origin: some.issuer ?? ISSUER });
  const { registered: passkey } = await site.passkeys.verifyCreation('creation', answer);
  site.stored.push({ ...passkey, id: 'psk_1', accountId: OWNER.id, name: 'One', createdAt: 0, lastUsedAt: null });
  return { site, device };
}

interface Asked {
  occasion?: string;
  accountId?: string | null;
  origin?: string;
  /** Fields of the answer, and of what stands in its response; null takes one away. */
  change?: { id?: string; rawId?: string; response?: Record<string, string | null> };
}

async function signed({ passkeys }: Site, device: Device, asked: Asked = {}) {
  const { occasion = 'sign-in', accountId = null, origin = ISSUER, change = {} } = asked;
  const options = await passkeys.requestOptions('sign-in', accountId);
  const { response, ...rest } = device.getJSON(origin, options as never);
  const fields = Object.entries({ ...response, ...change.response }).filter(([, value]) => value !== null);
  const answer = { ...rest, ...change, response: Object.fromEntries(fields) };
  return passkeys.verifyAssertion(occasion, accountId, answer as never);
}

describe('what is asked of a browser', () => {
  it('to register: a passkey that is found without an address, and verifies its user', async () => {
    const { site } = await registered();
    const options = await site.passkeys.creationOptions('creation', { ...OWNER, name: 'Olive Owner' });
    expect(options).toMatchObject({
      rp: { id: 'id.example.org', name: 'Meadow' },
      user: { id: Buffer.from(OWNER.id).toString('base64url'), name: OWNER.email, displayName: 'Olive Owner' },
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      ...{ attestation: 'none', timeout: 180_000 },
    });
    expect(options.pubKeyCredParams.map(({ alg }) => alg)).toEqual([-8, -7, -257]);
    expect(options.excludeCredentials?.map(({ id }) => id)).toEqual([site.stored[0]?.credentialId]);
  });

  it('to sign in: of nobody whom it does not know, which passkeys there are', async () => {
    const { site } = await registered();
    const alone = await site.passkeys.requestOptions('sign-in', null);
    expect(alone).toMatchObject({ rpId: 'id.example.org', userVerification: 'required' });
    expect(alone.allowCredentials).toBeUndefined();
    const beside = await site.passkeys.requestOptions('sign-in', OWNER.id);
    expect(beside).toMatchObject({
      userVerification: 'preferred',
      allowCredentials: [{ id: site.stored[0]?.credentialId }],
    });
  });
});

describe('an answer', () => {
  it('of whoever has the passkey is taken, with and without a first factor', async () => {
    const { site, device } = await registered();
    for (const accountId of [null, OWNER.id]) {
      const { passkey, proof } = await signed(site, device, { accountId });
      expect([passkey.id, proof.userVerified]).toEqual(['psk_1', true]);
    }
  });

  it.each<[string, Asked]>([
    ['to another occasion', { occasion: 'sign-in/2' }],
    ['where another account proved its password', { accountId: 'acc_other' }],
    ['in the name of another account', { change: { response: { userHandle: 'YWNjX290aGVy' } } }],
    ['in the name of nobody, as whose it is known only by it', { change: { response: { userHandle: null } } }],
    ['in an empty name', { accountId: OWNER.id, change: { response: { userHandle: '' } } }],
    ['of a passkey that nobody registered', { change: { id: 'AAAA', rawId: 'AAAA' } }],
    ['with two names for one passkey', { change: { rawId: 'AAAA' } }],
    ['without the data that were signed', { change: { response: { clientDataJSON: null } } }],
    ['with what is no signature', { change: { response: { signature: 'no signature' } } }],
  ])('is refused %s', async (_name, asked) => {
    const { site, device } = await registered();
    await expect(signed(site, device, asked)).rejects.toMatchObject(REFUSED);
  });

  it('beside a password needs no name, which older authenticators do not keep', async () => {
    const { site, device } = await registered();
    const nameless: Asked = { accountId: OWNER.id, change: { response: { userHandle: null } } };
    expect((await signed(site, device, nameless)).passkey.id).toBe('psk_1');
  });

  it('is refused when the challenge has been forgotten', async () => {
    const { site, device } = await registered();
    const answer = device.getJSON(ISSUER, (await site.passkeys.requestOptions('sign-in', null)) as never) as never;
    site.clock.forward(10 * 60);
    await expect(site.passkeys.verifyAssertion('sign-in', null, answer)).rejects.toMatchObject(REFUSED);
  });

  it('to a sign-in registers nothing, and one to a registration signs nobody in', async () => {
    const { site, device } = await registered();
    const { answer } = await created(site, aDevice());
    await expect(
      site.passkeys.verifyAssertion('creation', null, {
        ...(answer as object),
        id: site.stored[0]?.credentialId,
      } as never),
    ).rejects.toMatchObject(REFUSED);
    const options = await site.passkeys.requestOptions('sign-in', null);
    const assertion = device.getJSON(ISSUER, options as never) as never;
    await expect(site.passkeys.verifyCreation('sign-in', assertion)).rejects.toMatchObject(REFUSED);
  });

  it('carries its counter to where it is compared, with what the operator says of counters', async () => {
    for (const acceptCounters of [false, true]) {
      const { site, device } = await registered({ acceptCounters });
      const assertion = await signed(site, device);
      expect(assertion.counter).toBeGreaterThan(0);
      expect(await site.passkeys.take(assertion)).toBe(true);
      expect(site.taken).toEqual([
        { id: 'psk_1', counter: assertion.counter, backedUp: assertion.backedUp, accepted: acceptCounters },
      ]);
    }
  });
});

describe('a registration', () => {
  it.each([
    null,
    undefined,
    7,
    'text',
    [],
    {},
    { id: 7 },
    { id: 'AAAA', rawId: 'AAAA', type: 'public-key', response: {} },
  ])('is refused when it is none: %j', async (answer) => {
    await expect(aSite().passkeys.verifyCreation('creation', answer as never)).rejects.toMatchObject(REFUSED);
  });

  it('is refused on another occasion, and when the challenge has been forgotten', async () => {
    const site = aSite();
    const { answer } = await created(site, aDevice());
    await expect(site.passkeys.verifyCreation('creation/2', answer)).rejects.toMatchObject(REFUSED);
    site.clock.forward(10 * 60);
    await expect(site.passkeys.verifyCreation('creation', answer)).rejects.toMatchObject(REFUSED);
  });
});

describe('the origin', () => {
  it.each(['http://localhost:3000', 'https://id.example.org:8443', 'https://id.example.org', 'http://localhost'])(
    'is the issuer with its port, and the relying party its host alone: %s',
    async (issuer) => {
      const { site, device } = await registered({ issuer });
      expect((await site.passkeys.requestOptions('sign-in', null)).rpId).toBe(new URL(issuer).hostname);
      expect((await signed(site, device, { origin: issuer })).passkey.id).toBe('psk_1');
    },
  );

  it.each(['https://id.example.org:8444', 'https://login.id.example.org'])(
    'is no other of the same host, nor one below it: %s',
    async (origin) => {
      const issuer = 'https://id.example.org:8443';
      const { site, device } = await registered({ issuer });
      await expect(signed(site, device, { origin })).rejects.toMatchObject(REFUSED);
      const { answer } = await created(site, aDevice(), { origin, owner: { ...OWNER, id: 'acc_other' } });
      await expect(site.passkeys.verifyCreation('creation', answer)).rejects.toMatchObject(REFUSED);
    },
  );
});
