/** Keys and tokens travel over https, or over http that never leaves this machine. */
export function requireSecureUrl(name: string, value: string): URL {
  const url = URL.parse(value);
  if (!url) throw new Error(`${name} must be an absolute URL`);
  if (url.protocol !== 'https:' && !isLoopbackHttp(url)) throw new Error(`${name} must be https: outside loopback`);
  return url;
}

export function isLoopbackHttp(url: URL): boolean {
  const { protocol, hostname } = url;
  return (
    protocol === 'http:' && (['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.localhost'))
  );
}
