import type { Middleware } from 'koa';
import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/keyring.ts';
import { isProbePass, PROBE_PASS, PROBE_PATH, type Seen } from '../lib/probe.ts';
import { isListed, peerAddress } from './client-address.ts';
import type { RequestState } from './request-log.ts';

/**
 * Tells `gatewright doctor` what its own request looked like on arrival, and strangers nothing, not even that it is
 * there. Before the host guard, which hides what it is asked about.
 */
export function probe(deps: { keyring: Keyring; clock: Clock; trustedProxies: readonly string[] }): Middleware {
  const { keyring, clock } = deps;
  const isPass = (pass: unknown) => keyring.someKey('probe', (key) => isProbePass(key, pass, clock));
  const isProxy = isListed(deps.trustedProxies);
  return async (ctx, next) => {
    const { headers } = ctx.req;
    if (ctx.path !== PROBE_PATH || !isPass(headers[PROBE_PASS])) return next();
    const state = ctx.state as RequestState;
    state.route = PROBE_PATH;
    const peer = peerAddress(ctx.req);
    const seen: Seen = {
      ...{ address: state.address, peer, listed: isProxy(peer), host: headers.host ?? null },
      forwardedFor: [headers['x-forwarded-for'] ?? []].flat().join(', ') || null,
      at: clock(),
    };
    ctx.set('Cache-Control', 'no-store');
    ctx.body = seen;
  };
}
