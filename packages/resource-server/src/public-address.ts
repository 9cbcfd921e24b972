/**
 * What a caller must have called, at the configured address: neither the Host header nor an absolute address in the request
 * line is believed, since whoever sends the request writes them. Without query and fragment (RFC 9449 4.3).
 */
export function publicAddress(publicUrl: URL, url: string): string {
  // Put together as text: resolved against the base, a path that begins with // would name another host.
  const base = `${publicUrl.origin}${publicUrl.pathname.replace(/\/$/, '')}`;
  return comparable(`${base}${pathOf(url)}`) ?? base;
}

/** With its query where the request line had no host; the path of `OPTIONS *` is none. */
export function pathOf(url: string): string {
  if (url.startsWith('/')) return url;
  return URL.canParse(url) ? new URL(url).pathname : '';
}

/** Normalised as RFC 3986 6.2.2 and 6.2.3 say; null for what is no http address. */
export function comparable(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
  url.search = '';
  url.hash = '';
  return url.href.replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escaped.toUpperCase();
  });
}
