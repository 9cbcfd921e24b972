import { BlockList, isIP } from 'node:net';

/** As the host of an address names this very machine. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** RFC 1918, 6598, 3927, 4193, 4291 and loopback: addresses that the internet does not lead to. */
const INNER = [
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['::1/128', 'fc00::/7', 'fe80::/10'],
];

const inner = new BlockList();
for (const network of INNER) {
  const [address = '', bits] = network.split('/');
  inner.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** A name is not public by itself: whether it leads to such an address is not known here. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && !inner.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
