import { hash } from 'node:crypto';
import type { Milliseconds } from '../lib/duration.ts';

/** Whoever sets a password waits for it. */
const TIMEOUT: Milliseconds = 2_000;
/** A padded answer has about 1,000 lines of 40 bytes. */
const LARGEST_ANSWER = 256 * 1024;
const PREFIX = 5;
const LINE = /^([0-9A-F]{35}):(\d+)$/;

export interface BreachRange {
  /** @throws where the service could not be asked, or answered something else */
  has(password: string): Promise<boolean>;
}

/**
 * The k-anonymity range protocol of Have I Been Pwned: it is told 20 bits of the password's SHA-1, which some thousand
 * passwords share, and answers with the rest of all of them. Padding keeps the length of the answer from telling which.
 * @param url what the five digits are put behind
 */
export function createBreachRange(url: string): BreachRange {
  return {
    async has(password) {
      const digest = hash('sha1', password.normalize('NFKC'), 'hex').toUpperCase();
      const counts = await ask(`${url}${digest.slice(0, PREFIX)}`);
      // Padding has the count 0.
      return (counts.get(digest.slice(PREFIX)) ?? 0) > 0;
    },
  };
}

async function ask(url: string): Promise<Map<string, number>> {
  const response = await fetch(url, {
    headers: { 'Add-Padding': 'true', 'User-Agent': 'Gatewright' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (response.status !== 200) throw new Error(`the range was answered with ${response.status}`);
  const lines = (await textOf(response)).split(/\r?\n/).map((line) => LINE.exec(line.trim().toUpperCase()));
  const counts = new Map(
    lines.filter((line) => line !== null).map(([, suffix = '', count]) => [suffix, Number(count)]),
  );
  if (counts.size === 0) throw new Error('the range was answered with something else');
  return counts;
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > LARGEST_ANSWER) throw new Error(`the range was answered with more than ${LARGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
