import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { LiveKeys } from '../signing/live-keys.ts';

const LIFETIME = '2 minutes';

/** Back-Channel Logout 1.0 2.4. Made anew for each attempt, since it is short-lived. */
export async function signLogoutToken(
  { issuer, keys }: { issuer: string; keys: LiveKeys },
  { clientId, accountId, sid }: { clientId: string; accountId: string; sid: string | null },
): Promise<string> {
  const set = keys.current();
  const active = set.canSign && set.keys[0];
  if (!active) throw new Error('there is no active signing key');
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  return new SignJWT({ events, ...(sid && { sid }) })
    .setProtectedHeader({ alg: 'RS256', kid: active.kid, typ: 'logout+jwt' })
    .setIssuer(issuer)
    .setAudience(clientId)
    .setSubject(accountId)
    .setIssuedAt()
    .setExpirationTime(LIFETIME)
    .setJti(randomUUID())
    .sign(active.privateKey);
}
