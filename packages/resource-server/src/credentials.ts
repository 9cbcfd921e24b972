import { type ApiRequest, headerValues } from './api-request.ts';
import type { Scheme } from './challenge.ts';
import { Problem } from './problem.ts';

/** Longer than any token that fits into the headers that servers take. */
const LONGEST_TOKEN = 16 * 1024;

export interface Credentials {
  scheme: Scheme;
  token: string;
}

/**
 * The token in the Authorization header. One in the query or the body is not looked at: addresses get logged, and bodies
 * are posted by foreign pages (RFC 9700 4.3.2). @throws {Problem}
 */
export function readCredentials(request: ApiRequest): Credentials {
  const values = headerValues(request, 'authorization');
  // Two of them: whoever stands before us may have looked at the other one.
  if (values.length > 1) throw new Problem('invalid_request', 'Send one Authorization header');

  const [value = ''] = values;
  const scheme = schemeOf(value);
  // No error code where nothing was tried (RFC 6750 3.1).
  if (!scheme) throw new Problem('unauthorized', 'An access token is needed');
  const token = value.slice(scheme.length + 1);
  if (token.length > LONGEST_TOKEN || !/^[\w.~+/-]+=*$/.test(token))
    throw new Problem('invalid_request', 'The Authorization header is malformed');
  return { scheme, token };
}

function schemeOf(value: string): Scheme | null {
  if (/^bearer(?: |$)/i.test(value)) return 'Bearer';
  return /^dpop(?: |$)/i.test(value) ? 'DPoP' : null;
}
