import { X509Certificate } from 'node:crypto';

const BEGIN = '-----BEGIN CERTIFICATE-----';

/**
 * The certificates in a PEM file, whatever else stands there.
 * @throws where one of them is none, or is cut off, which TLS would pass over
 */
export function certificatesIn(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length < text.split(BEGIN).length - 1) throw new Error('a certificate without its end');
  return blocks.map((block) => new X509Certificate(block));
}
