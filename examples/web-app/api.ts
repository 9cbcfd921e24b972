import type { ApiAnswer } from './pages.ts';
import { Problem } from './problem.ts';

/** Calls the notes API for the signed-in user: reads them, or adds one. */
export async function callNotes(apiUrl: string, accessToken: string, text: string | null): Promise<ApiAnswer> {
  const headers = { Authorization: `Bearer ${accessToken}`, Accept: 'application/json' };
  const write = {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ text }),
  };
  const response = await fetch(new URL('/notes', apiUrl), {
    ...(text === null ? { headers } : write),
    redirect: 'error', // a redirect would carry the token elsewhere
    signal: AbortSignal.timeout(5_000),
  }).catch((err: unknown) => {
    throw new Problem(502, 'api_unreachable', 'The API does not answer.', { cause: err });
  });
  const body: unknown = await response.json().catch(() => null);
  return { status: response.status, challenge: response.headers.get('www-authenticate'), body };
}
