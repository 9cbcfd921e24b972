import type { IncomingMessage } from 'node:http';
import { jwtVerify } from 'jose';
import { readBody } from './body.ts';
import { createIssuerKeys, isBadToken } from './issuer-keys.ts';
import { listen, type Running } from './listen.ts';
import { createSeen } from './seen.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

export interface LogoutReceiverOptions {
  issuer: string;
  clientId: string;
  port: number;
  /** One session, where there is a `sid`; otherwise every session of the person. */
  end(order: { sid: string | null; sub: string | null }): Promise<void> | void;
}

/** Takes logout tokens at /backchannel-logout (OpenID Connect Back-Channel Logout 1.0). */
export function startLogoutReceiver({ issuer, clientId, port, end }: LogoutReceiverOptions): Promise<Running> {
  const keys = createIssuerKeys(issuer);
  const seen = createSeen();

  /** Everything that Back-Channel Logout 1.0 2.6 asks for. @returns null for one that is no order */
  async function verify(token: string) {
    const { payload } = await jwtVerify(token, await keys(), {
      ...{ issuer, audience: clientId, algorithms: ['RS256'] },
      typ: 'logout+jwt', // an ID token has the same issuer and audience
      requiredClaims: ['iat', 'exp', 'jti', 'events'],
      maxTokenAge: '5 minutes',
      clockTolerance: '5 seconds',
    });
    const { events, nonce, sid = null, sub = null, jti } = payload;
    const isAboutLogout = isObject(events) && isObject(events[EVENT]);
    if (!isAboutLogout || nonce !== undefined || typeof jti !== 'string') return null;
    if ((sid !== null && typeof sid !== 'string') || (sid === null && sub === null)) return null;
    return { sid, sub, jti };
  }

  async function statusOf(req: IncomingMessage): Promise<number> {
    if (req.method !== 'POST' || req.url !== '/backchannel-logout') return 404;
    const body = await readBody(req);
    if (body === null) return 413;
    try {
      const order = await verify(new URLSearchParams(body).get('logout_token') ?? '');
      if (!order || seen.has(order.jti)) return 400;
      await end({ sid: order.sid, sub: order.sub });
      seen.add(order.jti); // only now: what failed is tried again
      return 200; // also where there was nothing to end (2.8)
    } catch (err) {
      if (isBadToken(err)) return 400;
      console.error(err);
      return 503;
    }
  }

  return listen(port, () => async (req, res) => {
    res.writeHead(await statusOf(req), { 'cache-control': 'no-store' }).end();
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
