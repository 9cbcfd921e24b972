import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createClientAddress, isListed } from '../../src/web/client-address.ts';

const PROXY = '10.0.0.2';
const addressOf = createClientAddress([PROXY, '2001:db8:1::/48']);
const seen = (forwardedFor?: string, remoteAddress: string | undefined = PROXY) =>
  addressOf({ headers: { 'x-forwarded-for': forwardedFor }, socket: { remoteAddress } } as unknown as IncomingMessage);

describe('the address of a visitor', () => {
  it.each([
    ['the only hop', '198.51.100.7', '198.51.100.7'],
    ['the last hop, whatever visitors wrote before it', '192.0.2.1, 198.51.100.7', '198.51.100.7'],
    ['the hop before a chain of proxies', '198.51.100.7, 10.0.0.2, 2001:db8:1::5', '198.51.100.7'],
    ['IPv4 in the clothes of IPv6', '::ffff:198.51.100.7', '198.51.100.7'],
    ['with the port that some proxies add', '198.51.100.7:50312', '198.51.100.7'],
    ['IPv6 with a port', '[2001:db8::7]:50312', '2001:db8::7'],
    ['IPv6 in brackets', '[2001:db8::7]', '2001:db8::7'],
    ['with a zone', 'fe80::7%eth0', 'fe80::7%eth0'],
  ])('is %s', (_name, forwardedFor, address) => expect(seen(forwardedFor)).toBe(address));

  it.each(['', 'unknown', '_hidden', '198.51.100.7:', '198.51.100.7:x', '198.51.100', '[198.51.100.7', '\u0000', '[]'])(
    'is the proxy itself where that says nothing: "%s"',
    (forwardedFor) => expect(seen(`198.51.100.7, ${forwardedFor}`)).toBe(PROXY),
  );

  it('is whoever is there, where that is no listed proxy', () => {
    expect(seen('192.0.2.1', '198.51.100.7')).toBe('198.51.100.7');
    expect(seen('192.0.2.1', 'fe80::7%eth0')).toBe('fe80::7%eth0');
    // A connection that is gone has no address any more.
    expect(seen('192.0.2.1', '')).toBe('');
  });
});

it('a connection that is over, which has no address, is no listed proxy', () => {
  expect(isListed([PROXY, '0.0.0.0/0', '::/0'])('')).toBe(false);
});
