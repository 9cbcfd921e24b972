import type { TestClient, TestServer } from './server.ts';

export interface Answer {
  status: number;
  headers: Headers;
  /** The JSON of the answer; empty where it is something else. */
  body: Record<string, unknown> & { error?: string; access_token?: string; refresh_token?: string };
}

export type Parameters = Record<string, string> | [string, string][];

/** Posts a form, without a library in between, to see the bare answer. */
export async function post(
  server: Pick<TestServer, 'issuer'>,
  path: string,
  parameters: Parameters,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(new URL(path, server.issuer), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json', ...headers },
    body: new URLSearchParams(parameters).toString(),
    redirect: 'manual',
  });
  return answerOf(response);
}

export async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  const isJson = headers.get('content-type')?.includes('json') ?? false;
  return { status, headers, body: isJson ? (JSON.parse(text) as Answer['body']) : {} };
}

/** RFC 6749 2.3.1 */
export function basic({ id, secret }: Pick<TestClient, 'id' | 'secret'>): { authorization: string } {
  const pair = [id, secret].map((part) => encodeURIComponent(part)).join(':');
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

export async function userinfo(server: Pick<TestServer, 'issuer'>, accessToken: string): Promise<Answer> {
  return answerOf(await fetch(new URL('/oauth2/userinfo', server.issuer), { headers: bearer(accessToken) }));
}
