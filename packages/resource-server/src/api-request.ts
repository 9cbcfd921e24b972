/** What is looked at of a request, whatever the framework. */
export interface ApiRequest {
  method: string;
  /** The path that was called, with or without scheme and host: those are never believed, see `publicUrl`. */
  url: string;
  /** In lower case, unless they are `Headers`. A header that came more than once is a list. */
  headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The framework's own request, for `clientCertificate`. */
  native?: unknown;
}

/** Each value with which a header came. Name it in lower case. */
export function headerValues({ headers }: ApiRequest, name: string): readonly string[] {
  const found = headers instanceof Headers ? headers.get(name) : headers[name];
  if (found === undefined || found === null) return [];
  return typeof found === 'string' ? [found] : found;
}
