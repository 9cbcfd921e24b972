import type { ApiAnswer } from './pages.ts';
import { Problem } from './problem.ts';

/** What may need a stronger or a fresher sign-in. */
export type CarefulAction = 'forget' | 'export';

export type ApiCall = 'list' | CarefulAction | { add: string };

/** Calls the notes API for the signed-in user. */
export async function callNotes(apiUrl: string, accessToken: string, call: ApiCall): Promise<ApiAnswer> {
  const { path = '/notes', headers, ...init } = requestOf(call);
  const response = await fetch(new URL(path, apiUrl), {
    ...init,
    headers: { ...headers, Authorization: `Bearer ${accessToken}`, Accept: 'application/json' },
    redirect: 'error', // a redirect would carry the token elsewhere
    signal: AbortSignal.timeout(5_000),
  }).catch((err: unknown) => {
    throw new Problem(502, 'api_unreachable', 'The API does not answer.', { cause: err });
  });
  const body: unknown = await response.json().catch(() => null);
  return { status: response.status, challenge: response.headers.get('www-authenticate'), body };
}

interface ApiRequest {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

function requestOf(call: ApiCall): ApiRequest {
  if (call === 'list') return {};
  if (call === 'export') return { path: '/notes/export' };
  if (call === 'forget') return { method: 'DELETE' };
  const headers = { 'Content-Type': 'application/json' };
  return { method: 'POST', headers, body: JSON.stringify({ text: call.add }) };
}
