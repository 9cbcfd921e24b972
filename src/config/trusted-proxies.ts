/** Wider than any network of proxies: a mistake, or a wish to believe everybody. */
const WIDEST_PREFIX = 8;

/** Those of the listed proxies that are as good as everybody: whoever is listed chooses an address, and gets around limits. */
export function tooWide(trustedProxies: readonly string[]): string[] {
  return trustedProxies.filter((entry) => Number(entry.split('/')[1] ?? 32) < WIDEST_PREFIX);
}
