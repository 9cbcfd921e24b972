import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { MINUTE, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { type Finding, note, ok, problem, warning } from './finding.ts';

const PATIENCE: Seconds = 2;
const TOLERATED_SKEW: Seconds = MINUTE;

/** Whether a server answers at the issuer, and is this one. */
export async function checkServer({ issuer }: Config, clock: Clock): Promise<Finding[]> {
  const address = `${issuer}/.well-known/openid-configuration`;
  let answer: Response;
  let discovery: { issuer?: unknown };
  try {
    const signal = AbortSignal.timeout(toMilliseconds(PATIENCE));
    answer = await fetch(address, { signal, redirect: 'manual' });
    discovery = answer.ok ? ((await answer.json()) as { issuer?: unknown }) : {};
  } catch (err) {
    return [note('server', `nothing answers at ${address} (${reason(err)})`)];
  }
  if (discovery.issuer !== issuer) {
    const found = answer.ok ? `names the issuer ${String(discovery.issuer)}` : `answers ${answer.status}`;
    return [problem('server', `${address} ${found}: let that address lead to Gatewright, or set ISSUER to its own`)];
  }
  return [ok('server', `answers at ${issuer}`), ...skew(answer.headers.get('date'), clock)];
}

/** Tokens count by the second, so that two machines must agree on the time. */
function skew(date: string | null, clock: Clock): Finding[] {
  const difference = Math.abs(Date.parse(date ?? '') - clock());
  if (!(difference > toMilliseconds(TOLERATED_SKEW))) return [];
  return [
    warning('clock', `the server's differs from this one by ${Math.round(difference / 1000)} s: keep both by NTP`),
  ];
}

function reason(err: unknown): string {
  if (!(err instanceof Error)) return 'unknown';
  if (err.name === 'TimeoutError') return `no answer within ${PATIENCE} s`;
  const cause = err.cause as NodeJS.ErrnoException | undefined;
  return cause?.code ?? cause?.message ?? err.message;
}
