import { type Caller, Refusal, type ResourceServer } from 'gatewright-resource-server';

export const REFUSED = '401 invalid_token';

export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** What becomes of a request: `passes`, or status and code of its refusal. Anything else that is thrown is a fault. */
export async function outcome(verified: Promise<unknown>): Promise<string> {
  const found = await refusalOf(verified);
  return found ? `${found.status} ${found.code}` : 'passes';
}

export async function refusalOf(verified: Promise<unknown>): Promise<Refusal | null> {
  try {
    await verified;
    return null;
  } catch (err) {
    if (err instanceof Refusal) return err;
    throw err;
  }
}

export function call(api: ResourceServer, headers: Record<string, string | string[]>, url = '/posts'): Promise<Caller> {
  return api.verify({ method: 'GET', url, headers });
}
