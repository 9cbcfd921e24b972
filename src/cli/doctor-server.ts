import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { toMilliseconds } from '../lib/duration.ts';
import { type Answer, ask, PATIENCE } from './doctor-answer.ts';
import { skew } from './doctor-clock.ts';
import { type Finding, note, ok, problem } from './finding.ts';

/** Written in whole seconds. */
const DATE_STEP = toMilliseconds(1);

/** What the fetch of an https address fails with where the check of its certificate has said it already. */
const CERTIFICATE = /CERT|SIGNATURE/;

/** Whether a server answers at the issuer, as everybody else reaches it, and is this one. */
export async function checkServer({ issuer }: Config, clock: Clock): Promise<Finding[]> {
  const address = `${issuer}/.well-known/openid-configuration`;
  const before = clock();
  let answer: Answer;
  try {
    answer = await ask(address);
  } catch (err) {
    const why = reason(err);
    if (CERTIFICATE.test(why)) return [];
    return [
      note('server', `nothing answers at ${address} (${why}): start it, or let name server and proxy lead to it`),
    ];
  }
  const found = difference(answer, issuer);
  if (found !== null) return [problem('server', `${address} ${found}`)];
  // A cache in between would answer with the date of its copy.
  const at = answer.headers.has('age') ? Number.NaN : Date.parse(answer.headers.get('date') ?? '');
  return [
    ok('server', `answers at ${issuer}`),
    ...skew('the server', at, { before: before - DATE_STEP, after: clock() }),
  ];
}

function difference({ status, headers, text }: Answer, issuer: string): string | null {
  const { host } = new URL(issuer);
  if (status === 421) {
    return `is refused with 421: let the proxy pass on the Host header as it came (${host}), not one of its own`;
  }
  if (status >= 300 && status < 400) {
    return `redirects to ${headers.get('location')}: let it lead to Gatewright itself, or set ISSUER to where it leads`;
  }
  const advice = 'let that address lead to Gatewright, or set ISSUER to its own';
  if (status !== 200) return `answers ${status}: ${advice}`;
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
