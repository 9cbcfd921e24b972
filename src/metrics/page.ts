import type { IncomingMessage } from 'node:http';
import { isIPv4 } from 'node:net';
import type { Middleware } from 'koa';
import type { Metrics } from './metrics.ts';

/** Whatever a proxy adds. */
const FORWARDED = /^(forwarded|via|x-forwarded-.*|x-real-ip)$/;
const LOOPBACK_NAMES = ['localhost', '[::1]'];

/** @param mayRead who does not may not even learn that there is such a page */
export function metricsPage(metrics: Metrics, mayRead: (req: IncomingMessage) => boolean): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/metrics' || (ctx.method !== 'GET' && ctx.method !== 'HEAD') || !mayRead(ctx.req)) return next();
    ctx.state['route'] = '/metrics';
    ctx.set('Cache-Control', 'no-store');
    ctx.type = metrics.contentType;
    ctx.body = await metrics.text();
  };
}

/**
 * A program on this machine that came by itself: what a proxy on this machine passes on comes from here as well, with a
 * header that says so or under the public name. Nor has a page in a browser a name of its own lead here (DNS rebinding).
 */
export function isFromThisMachine({ socket, headers }: IncomingMessage): boolean {
  const isNear = isLoopback(socket.remoteAddress ?? '');
  const [, host = '', port] = /^(.+?)(?::(\d+))?$/.exec(headers.host ?? '') ?? [];
  const isNamedHere = LOOPBACK_NAMES.includes(host) || (isIPv4(host) && isLoopback(host));
  const isPassedOn = Object.keys(headers).some((name) => FORWARDED.test(name));
  return isNear && isNamedHere && Number(port) === socket.localPort && !isPassedOn;
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}
