import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import type { PasskeyProof } from '../assurance/level.ts';
import { MINUTE, toMilliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { Challenges } from './challenges.ts';
import type { Passkey, PasskeyStore, RegisteredPasskey } from './passkey-store.ts';

/** How long the browser waits for the person. A challenge is good for longer. */
const PATIENCE = toMilliseconds(3 * MINUTE);

/** WebAuthn Level 3, 7.1 step 25: at most 1023 bytes, in base64url. */
const LONGEST_ID = 1364;

/** COSE (RFC 9053): Ed25519, ES256 and RS256, which every authenticator has one of. */
const ALGORITHMS = [-8, -7, -257];

export type { AuthenticationResponseJSON, RegistrationResponseJSON };
export type CreationOptions = PublicKeyCredentialCreationOptionsJSON;
export type RequestOptions = PublicKeyCredentialRequestOptionsJSON;

export interface PasskeysDeps {
  store: Pick<PasskeyStore, 'ofAccount' | 'findByCredential' | 'use'>;
  challenges: Challenges;
  /** Its host is the relying party id, which all passkeys are bound to. */
  issuer: string;
  siteName: string;
  /** A counter that has not grown is taken all the same: set where authenticators are known to count badly. */
  acceptCounters: boolean;
}

/** A signature that was verified, whose counter has not been looked at yet. */
export interface Assertion {
  passkey: Passkey;
  counter: number;
  backedUp: boolean;
  proof: PasskeyProof;
}

export type Passkeys = ReturnType<typeof createPasskeys>;

/**
 * The two ceremonies of WebAuthn Level 3 (7.1 and 7.2). A challenge belongs to an `occasion`: a place, and its state. Who
 * asks changes that state with what it verified, so that no challenge is answered twice.
 */
export function createPasskeys({ store, challenges, issuer, siteName, acceptCounters }: PasskeysDeps) {
  const origin = issuer;
  const rpId = new URL(issuer).hostname;
  // Loaded by the first ceremony: it parses certificates of many kinds, and takes its time.
  const library = () => import('@simplewebauthn/server');
  const expected = (occasion: string) => ({
    expectedChallenge: (challenge: string) => challenges.isOf(occasion, challenge),
    ...{ expectedOrigin: origin, expectedRPID: rpId },
  });
  const known = (passkeys: Passkey[]) =>
    passkeys.map(({ credentialId: id, transports }) => ({ id, ...(transports.length > 0 && { transports }) }));

  return {
    /** For `navigator.credentials.create()`. A passkey of this account is not made twice on one authenticator. */
    async creationOptions(
      occasion: string,
      { id, email, name }: { id: string; email: string; name: string | undefined },
    ): Promise<CreationOptions> {
      const { generateRegistrationOptions } = await library();
      return generateRegistrationOptions({
        ...{ rpName: siteName, rpID: rpId, timeout: PATIENCE, challenge: challenges.bytesOf(occasion) },
        ...{ userID: new Uint8Array(Buffer.from(id)), userName: email, userDisplayName: name ?? email },
        excludeCredentials: known(await store.ofAccount(id)),
        // Discoverable, so that it signs in without an address; verified, so that it stands for two factors.
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        attestationType: 'none',
        supportedAlgorithmIDs: ALGORITHMS,
      });
    },

    /** @throws {Refusal} `passkey_refused` */
    async verifyCreation(
      occasion: string,
      response: RegistrationResponseJSON,
    ): Promise<{ registered: RegisteredPasskey; proof: PasskeyProof }> {
      const { verifyRegistrationResponse } = await library();
      const { registrationInfo } = await orRefused(
        verifyRegistrationResponse({ response, ...expected(occasion), supportedAlgorithmIDs: ALGORITHMS }),
      );
      if (!registrationInfo || registrationInfo.credential.id.length > LONGEST_ID || (await isFramed(response))) {
        throw refused();
      }
      const { credential, aaguid, credentialDeviceType, credentialBackedUp, userVerified } = registrationInfo;
      const synced = credentialDeviceType === 'multiDevice';
      return {
        registered: {
          credentialId: credential.id,
          publicKey: Buffer.from(credential.publicKey).toString('base64url'),
          counter: credential.counter,
          transports: credential.transports ?? [],
          ...{ aaguid, synced, backedUp: credentialBackedUp },
        },
        proof: { synced, userVerified },
      };
    },

    /**
     * For `navigator.credentials.get()`.
     * @param accountId whose passkeys will do; null: nobody is known, and nothing is said of anybody's
     */
    async requestOptions(occasion: string, accountId: string | null): Promise<RequestOptions> {
      const { generateAuthenticationOptions } = await library();
      return generateAuthenticationOptions({
        ...{ rpID: rpId, timeout: PATIENCE, challenge: challenges.bytesOf(occasion) },
        // By itself it must stand for two factors; beside a password, having it is enough.
        userVerification: accountId === null ? 'required' : 'preferred',
        ...(accountId !== null && { allowCredentials: known(await store.ofAccount(accountId)) }),
      });
    },

    /**
     * @param accountId whose passkey it must be; null: anybody's, and then its user was verified
     * @throws {Refusal} `passkey_refused`
     */
    async verifyAssertion(
      occasion: string,
      accountId: string | null,
      response: AuthenticationResponseJSON,
    ): Promise<Assertion> {
      const passkey = await store.findByCredential(response.id);
      const { userHandle } = response.response;
      const isOwners = userHandle === undefined ? accountId !== null : decoded(userHandle) === passkey?.accountId;
      if (!passkey || !isOwners || (accountId ?? passkey.accountId) !== passkey.accountId) throw refused();
      const { verifyAuthenticationResponse } = await library();
      const { verified, authenticationInfo } = await orRefused(
        verifyAuthenticationResponse({
          ...{ response, ...expected(occasion), requireUserVerification: accountId === null },
          credential: {
            ...{ id: passkey.credentialId, publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')) },
            // Compared where it is kept, against what others may have written meanwhile.
            counter: 0,
          },
        }),
      );
      if (!verified || (await isFramed(response))) throw refused();
      const { newCounter, userVerified, credentialDeviceType, credentialBackedUp } = authenticationInfo;
      // Whether a key can be copied is settled when it is made (7.2, backup eligibility).
      if ((credentialDeviceType === 'multiDevice') !== passkey.synced) throw refused();
      const proof = { synced: passkey.synced, userVerified };
      return { passkey, counter: newCounter, backedUp: credentialBackedUp, proof };
    },

    /** False: the counter has not grown, so that somebody may have a copy of the key. */
    async take({ passkey, counter, backedUp }: Assertion): Promise<boolean> {
      return store.use(passkey.id, { counter, backedUp, accepted: acceptCounters });
    },
  };
}

/** The library says why in words that are for nobody here: whoever answers wrongly is told no more than that. */
async function orRefused<Result>(verification: Promise<Result>): Promise<Result> {
  try {
    return await verification;
  } catch (cause) {
    throw refused(cause);
  }
}

function refused(cause?: unknown): Refusal {
  return new Refusal('passkey_refused', 422, { cause });
}

/** No page of ours asks within a frame of another site (7.1 and 7.2, crossOrigin and topOrigin). */
async function isFramed({ response }: { response: { clientDataJSON: string } }): Promise<boolean> {
  const { decodeClientDataJSON } = await import('@simplewebauthn/server/helpers');
  const { crossOrigin, topOrigin } = decodeClientDataJSON(response.clientDataJSON);
  return Boolean(crossOrigin) || topOrigin !== undefined;
}

function decoded(userHandle: string): string {
  return Buffer.from(userHandle, 'base64url').toString();
}
