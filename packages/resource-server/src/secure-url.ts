const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Keys, tokens and secrets travel over https, or over http that never leaves this machine. @throws {TypeError} */
export function requireSecureUrl(name: string, value: unknown): URL {
  if (typeof value !== 'string' || !URL.canParse(value)) throw new TypeError(`${name} must be an absolute URL`);
  const url = new URL(value);
  const isLoopback = LOOPBACK.includes(url.hostname) || url.hostname.endsWith('.localhost');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback))
    throw new TypeError(`${name} must be https: outside loopback`);
  if (url.username || url.password || url.hash)
    throw new TypeError(`${name} must have no user name, password or fragment`);
  return url;
}
