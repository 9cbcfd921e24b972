import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Problem } from './problem.ts';
import type { RelyingParty } from './relying-party.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const TOLERANCE = 5; // seconds
const OLDEST = 300; // seconds

export interface LogoutOrder {
  sid: string | null;
  sub: string | null;
}

/** Verifies logout tokens, each at most once (Back-Channel Logout 1.0 2.6). */
export function createLogoutTokens(relyingParty: RelyingParty) {
  const seen = new Map<string, number>(); // jti to the second after which its token has expired anyway
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | null = null;

  function issuerKeys() {
    keys ??= relyingParty.jwksUri().then(
      (uri) => createRemoteJWKSet(uri, { timeoutDuration: 5_000 }),
      (err: unknown) => {
        keys = null;
        throw err;
      },
    );
    return keys;
  }

  function spend(jti: string, expires: number): boolean {
    const now = Date.now() / 1000;
    for (const [old, end] of seen) if (end < now) seen.delete(old);
    if (seen.has(jti)) return false;
    seen.set(jti, expires + TOLERANCE);
    return true;
  }

  /** @throws {Problem} 400 when it is not a good, fresh logout token for this client. */
  async function verify(token: string): Promise<LogoutOrder> {
    const { payload } = await jwtVerify(token, await issuerKeys(), {
      issuer: relyingParty.issuer,
      audience: relyingParty.clientId,
      algorithms: ['RS256'],
      typ: 'logout+jwt', // so that no ID token, which has the same issuer and audience, passes for one
      requiredClaims: ['iat', 'exp', 'jti', 'events'],
      maxTokenAge: OLDEST,
      clockTolerance: TOLERANCE,
    }).catch((err: unknown) => {
      throw refused('it is not genuine, not for this client, or expired', err);
    });

    const { events, nonce, sid, sub, jti, exp } = payload;
    if (!isObject(events) || !isObject(events[EVENT])) throw refused('it is about another event');
    if (nonce !== undefined) throw refused('a logout token has no nonce');
    if (typeof sid !== 'string' && typeof sub !== 'string') throw refused('it names neither session nor subject');
    if (typeof jti !== 'string' || !spend(jti, exp ?? 0)) throw refused('it was used before');
    return { sid: typeof sid === 'string' ? sid : null, sub: sub ?? null };
  }
  return { verify };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(why: string, cause?: unknown): Problem {
  return new Problem(400, 'invalid_request', `The logout token was refused: ${why}.`, { cause });
}
