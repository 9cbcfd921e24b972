import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

export type ClientAddress = (req: IncomingMessage) => string;

/**
 * The visitor's address. X-Forwarded-For counts only where it was written by a listed proxy: it is read from the right
 * as long as the hop before is one of them.
 */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const isTrusted = isListed(trustedProxies);

  return (req) => {
    let address = peerAddress(req);
    const hops = [req.headers['x-forwarded-for'] ?? []]
      .flat()
      .join(',')
      .split(',')
      .map((hop) => plain(withoutPort(hop.trim())));
    while (isTrusted(address)) {
      const before = hops.pop();
      if (!before || isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
}

/** @param proxies addresses and networks (CIDR) */
export function isListed(proxies: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of proxies) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  // A connection that is over has no address any more.
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** Whoever opened the connection. */
export function peerAddress({ socket }: IncomingMessage): string {
  return plain(socket.remoteAddress ?? '');
}

/** Some proxies add the visitor's port; IPv6 then stands in brackets (RFC 7239 6). */
function withoutPort(hop: string): string {
  const [, v4, v6] = /^(?:([\d.]+)|\[([^\]]+)\])(?::\d+)?$/.exec(hop) ?? [];
  return v4 ?? v6 ?? hop;
}

/** An IPv4 address that came through an IPv6 socket is an IPv4 address. */
function plain(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
