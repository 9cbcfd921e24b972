import { type Seconds, toMilliseconds } from '../lib/duration.ts';

export const PATIENCE: Seconds = 5;
/** Many times what is asked for. Whoever answers may be anybody, and need not come to an end. */
const LARGEST_ANSWER = 64 * 1024;

export interface Answer {
  status: number;
  headers: Headers;
  /** Its beginning, where it is longer than any answer of ours. */
  text: string;
}

/** One request to the issuer's address, redirects not followed. @throws where nothing answers in time */
export async function ask(address: string, headers: Record<string, string> = {}): Promise<Answer> {
  const signal = AbortSignal.timeout(toMilliseconds(PATIENCE));
  const answer = await fetch(address, { headers, signal, redirect: 'manual' });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LARGEST_ANSWER) break;
  }
  return { status: answer.status, headers: answer.headers, text: Buffer.concat(chunks).toString('utf8') };
}
