import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { type Seconds, toMilliseconds } from '../lib/duration.ts';
import { skew } from './doctor-clock.ts';
import { type Finding, note, ok, problem } from './finding.ts';

const PATIENCE: Seconds = 5;
/** Written in whole seconds. */
const DATE_STEP = toMilliseconds(1);

/** What the fetch of an https address fails with where the check of its certificate has said it already. */
const CERTIFICATE = /CERT|SIGNATURE/;

/** Whether a server answers at the issuer, as everybody else reaches it, and is this one. */
export async function checkServer({ issuer }: Config, clock: Clock): Promise<Finding[]> {
  const address = `${issuer}/.well-known/openid-configuration`;
  const before = clock();
  let answer: Response;
  let text: string;
  try {
    const signal = AbortSignal.timeout(toMilliseconds(PATIENCE));
    answer = await fetch(address, { signal, redirect: 'manual' });
    text = await answer.text();
  } catch (err) {
    const why = reason(err);
    if (CERTIFICATE.test(why)) return [];
    return [
      note('server', `nothing answers at ${address} (${why}): start it, or let name server and proxy lead to it`),
    ];
  }
  const found = difference(answer, text, issuer);
  if (found !== null) return [problem('server', `${address} ${found}`)];
  // A cache in between would answer with the date of its copy.
  const at = answer.headers.has('age') ? Number.NaN : Date.parse(answer.headers.get('date') ?? '');
  return [
    ok('server', `answers at ${issuer}`),
    ...skew('the server', at, { before: before - DATE_STEP, after: clock() }),
  ];
}

function difference(answer: Response, text: string, issuer: string): string | null {
  const { host } = new URL(issuer);
  if (answer.status === 421) {
    return `is refused with 421: let the proxy pass on the Host header as it came (${host}), not one of its own`;
  }
  if (answer.status >= 300 && answer.status < 400) {
    return `redirects to ${answer.headers.get('location')}: let it lead to Gatewright itself, or set ISSUER to where it leads`;
  }
  const advice = 'let that address lead to Gatewright, or set ISSUER to its own';
  if (!answer.ok) return `answers ${answer.status}: ${advice}`;
  const named = issuerIn(text);
  if (named === null) return `is answered by another program: ${advice}`;
  return named === issuer ? null : `names the issuer ${named}: ${advice}`;
}

function issuerIn(text: string): string | null {
  try {
    const { issuer } = JSON.parse(text) as { issuer?: unknown };
    return typeof issuer === 'string' ? issuer : null;
  } catch {
    return null;
  }
}

function reason(err: unknown): string {
  if (!(err instanceof Error)) return 'unknown';
  if (err.name === 'TimeoutError') return `no answer within ${PATIENCE} s`;
  const cause = err.cause as NodeJS.ErrnoException | undefined;
  return cause?.code ?? cause?.message ?? err.message;
}
