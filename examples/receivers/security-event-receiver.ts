import type { IncomingMessage } from 'node:http';
import { errors, jwtVerify } from 'jose';
import { readBody } from './body.ts';
import { createIssuerKeys, isBadToken } from './issuer-keys.ts';
import { listen, type Running } from './listen.ts';
import { createSeen } from './seen.ts';

export interface SecurityEventReceiverOptions {
  issuer: string;
  clientId: string;
  port: number;
  /** @param type the last part of the event's address, such as `session-revoked` */
  act(type: string, subject: string, detail: Record<string, unknown>): Promise<void> | void;
}

interface Answer {
  status: number;
  /** RFC 8935 2.4. Final: the event does not come again. */
  err?: 'invalid_request' | 'invalid_key' | 'invalid_issuer' | 'invalid_audience';
}

/** Takes security event tokens at /security-events (RFC 8417, RFC 8935). */
export function startSecurityEventReceiver(options: SecurityEventReceiverOptions): Promise<Running> {
  const { issuer, clientId, port, act } = options;
  const keys = createIssuerKeys(issuer);
  const seen = createSeen();

  async function verify(token: string) {
    const { payload } = await jwtVerify(token, await keys(), {
      ...{ issuer, audience: clientId, algorithms: ['RS256'] },
      typ: 'secevent+jwt', // nothing else that this issuer signs passes for one
      requiredClaims: ['iat', 'jti', 'events', 'sub_id'],
    });
    const { jti = '', events, sub_id: subject } = payload;
    if (!isObject(events) || !isObject(subject) || subject['format'] !== 'iss_sub') return null;
    const { iss, sub } = subject;
    return iss === issuer && typeof sub === 'string' ? { jti, events, sub } : null;
  }

  async function answer(req: IncomingMessage): Promise<Answer> {
    if (req.method !== 'POST' || req.url !== '/security-events') return { status: 404 };
    if (req.headers['content-type'] !== 'application/secevent+jwt') return { status: 415 };
    const token = await readBody(req);
    if (token === null) return { status: 413 };
    try {
      const event = await verify(token);
      if (!event) return { status: 400, err: 'invalid_request' };
      if (seen.has(event.jti)) return { status: 202 }; // it comes again where our answer was lost
      for (const [type, detail] of Object.entries(event.events)) {
        // Of a kind that we do not know, or of no interest: taken, and nothing done.
        await act(type.slice(type.lastIndexOf('/') + 1), event.sub, isObject(detail) ? detail : {});
      }
      seen.add(event.jti); // only now: what failed is tried again
      return { status: 202 };
    } catch (err) {
      if (isBadToken(err)) return { status: 400, err: errorCode(err) };
      console.error(err);
      return { status: 503 };
    }
  }

  return listen(port, () => async (req, res) => {
    const { status, err } = await answer(req);
    res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    res.end(err ? JSON.stringify({ err, description: 'The security event token was refused.' }) : '');
  });
}

function errorCode(problem: unknown): NonNullable<Answer['err']> {
  if (problem instanceof errors.JWSSignatureVerificationFailed) return 'invalid_key';
  const claim = problem instanceof errors.JWTClaimValidationFailed ? problem.claim : '';
  if (claim === 'iss') return 'invalid_issuer';
  return claim === 'aud' ? 'invalid_audience' : 'invalid_request';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
