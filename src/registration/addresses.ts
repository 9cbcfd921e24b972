import { isIP } from 'node:net';
import { LOOPBACK_HOSTS } from '../lib/public-address.ts';

/** The person's own machine: a loopback address, or a scheme that an application there has claimed (RFC 8252 7). */
export function isOnThisMachine(address: string): boolean {
  const url = URL.parse(address);
  return url !== null && url.protocol !== 'https:' && (url.protocol !== 'http:' || isLoopback(address));
}

export function isLoopback(address: string): boolean {
  const url = URL.parse(address);
  return url !== null && LOOPBACK_HOSTS.includes(url.hostname);
}

/** Empty for a private scheme: whatever stands there, it is opened by the program that claims the scheme. */
export function hostOf(address: string): string {
  const url = URL.parse(address);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.hostname : '';
}

/**
 * As every parser reads it: no tabs, backslashes, capitals, other alphabets or numbers in disguise in the host, which
 * people and programs would take for another one.
 */
export function isPlainlyWritten(address: string): boolean {
  const href = URL.parse(address)?.href;
  return href !== undefined && (href === address || href === `${address}/`);
}

/** What this server itself calls is called by a name. Where that leads is looked at before each call. */
export function mayBeCalled(address: string): boolean {
  const url = URL.parse(address);
  if (url?.protocol !== 'https:' || url.username || url.password || url.hash || isLoopback(address)) return false;
  return isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0;
}
