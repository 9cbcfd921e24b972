const TIMEOUT_MILLISECONDS = 5_000;
const LARGEST_ANSWER = 256 * 1024;

export type Fetch = typeof globalThis.fetch;

/**
 * The JSON object at an address: 200 and nothing else, no redirect followed, at most 256 KB, within 5 seconds for all of it.
 * @throws {Error} saying what came instead
 */
export async function fetchJson(
  fetch: Fetch,
  url: URL,
  init: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Record<string, unknown>> {
  const signal = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
  const headers = { accept: 'application/json', ...init.headers };
  const response = await fetch(url, { ...init, headers, redirect: 'manual', signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new UnexpectedStatus(url, response.status);
  }
  const found: unknown = JSON.parse(await readText(response, url));
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    throw new Error(`${address(url)} answered something else than a JSON object`);
  return found as Record<string, unknown>;
}

export class UnexpectedStatus extends Error {
  override name = 'UnexpectedStatus';
  readonly status: number;

  constructor(url: URL, status: number) {
    super(`${address(url)} answered ${status}`);
    this.status = status;
  }
}

async function readText(response: Response, url: URL): Promise<string> {
  const decoder = new TextDecoder();
  let [text, size] = ['', 0];
  // Node's streams can be iterated, which the types of browsers do not know.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    // Leaving the loop cancels the stream.
    if (size > LARGEST_ANSWER) throw new Error(`${address(url)} answered more than ${LARGEST_ANSWER} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function address({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}
