import type { ApiRequest } from './api-request.ts';
import type { Caller } from './caller.ts';
import { pathOf } from './public-address.ts';
import { Refusal } from './refusal.ts';
import type { ResourceServer } from './verifier.ts';

/** What a framework sends in place of calling its handler. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

export type Admission = { caller: Caller; headers: Record<string, string> } | { answer: Answer };

/** Who may go on, and what everybody else is answered. The document about this API is for everybody (RFC 9728 3). */
export async function admit(resourceServer: ResourceServer, request: ApiRequest): Promise<Admission> {
  const { metadata } = resourceServer;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (metadata && isRead && pathOf(request.url).split('?')[0] === metadata.url.pathname) {
    // Browsers may read it too: it is about this API, not about anybody.
    const headers = { 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'public, max-age=300' };
    return { answer: { status: 200, headers, body: metadata.document } };
  }
  try {
    const caller = await resourceServer.verify(request);
    return { caller, headers: resourceServer.answerHeaders(caller) };
  } catch (err) {
    const answer = answerTo(err);
    if (answer) return { answer };
    throw err;
  }
}

/** Null for what is no refusal: that is for the framework's own error handling. */
export function answerTo(err: unknown): Answer | null {
  return err instanceof Refusal ? { status: err.status, headers: { ...err.headers }, body: err.body } : null;
}
