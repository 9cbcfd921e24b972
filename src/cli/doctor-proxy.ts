import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { PROBE_PASS, PROBE_PATH, probePass, type Seen } from '../lib/probe.ts';
import { type Answer, ask } from './doctor-answer.ts';
import { skew } from './doctor-clock.ts';
import { keyringOf } from './doctor-keyring.ts';
import { type Finding, note, ok, problem, warning } from './finding.ts';

/** RFC 5737: nobody's. Where the server takes it for the visitor's, visitors choose their own address. */
const FORGED = '192.0.2.77';

/** Sends a request the way a visitor's comes, with a forged address, and asks the server what arrived. */
export async function checkProxy({ issuer, folders, loopback, tls }: Config, clock: Clock): Promise<Finding[]> {
  const keyring = keyringOf(folders.keys);
  if (keyring === null) return [];
  const before = clock();
  let answer: Answer;
  try {
    const pass = probePass(keyring.subkey('probe'), clock);
    answer = await ask(`${issuer}${PROBE_PATH}`, { [PROBE_PASS]: pass, 'x-forwarded-for': FORGED });
  } catch {
    // That nothing answers there is said by the check of the server.
    return [];
  }
  if (answer.status !== 200) return [unasked(answer.status)];
  const seen = seenIn(answer.text);
  // So is it where something else does.
  if (seen === null) return [];
  return [
    ...judge(seen, { issuer, direct: loopback || tls !== null }),
    ...skew('the server', seen.at, { before, after: clock() }),
  ];
}

/** Null for what another program answers. */
function seenIn(text: string): Seen | null {
  const isText = (value: unknown) => value === null || typeof value === 'string';
  try {
    const { address, peer, listed, host, forwardedFor, at } = JSON.parse(text) as Record<keyof Seen, unknown>;
    const isOurs = typeof address === 'string' && typeof peer === 'string' && typeof listed === 'boolean';
    if (!isOurs || !isText(host) || !isText(forwardedFor) || typeof at !== 'number') return null;
    return { address, peer, listed, host, forwardedFor, at } as Seen;
  } catch {
    return null;
  }
}

function unasked(status: number): Finding {
  const why = `${PROBE_PATH} answers ${status}, so that what the proxy does to a request is not known`;
  return note(
    'proxy',
    `${why}: let it pass, and run this with the keyring and within five minutes of the server's time`,
  );
}

/** @param direct there need not be a proxy */
export function judge(seen: Seen, { issuer, direct }: { issuer: string; direct: boolean }): Finding[] {
  const { host } = new URL(issuer);
  const found: Finding[] = [];
  if (seen.host !== host) {
    found.push(problem('proxy', `passes on the Host ${seen.host}: let it pass on ${host}, as visitors send it`));
  }
  found.push(addresses(seen, direct));
  return found;
}

function addresses({ address, peer, listed, forwardedFor }: Seen, direct: boolean): Finding {
  const untouched = forwardedFor === FORGED;
  if (listed && untouched) {
    return problem(
      'proxy',
      `${peer} passes on X-Forwarded-For as visitors write it: let it put the visitor's address there`,
    );
  }
  if (listed && forwardedFor === null) {
    return warning('proxy', `${peer} sends no X-Forwarded-For, so that all visitors share one limit: let it send that`);
  }
  if (listed && (address === FORGED || address === peer)) {
    return note(
      'proxy',
      'this command runs at an address of TRUSTED_PROXIES itself: run it elsewhere to see what visitors get',
    );
  }
  if (listed) return ok('proxy', `${peer} is listed and passes on the visitor's address (${address})`);
  if (untouched && direct) return ok('proxy', `there is none: requests come from ${peer} itself`);
  return warning(
    'proxy',
    `${peer} is not in TRUSTED_PROXIES, so that all visitors behind it share one limit: list it, and let it set X-Forwarded-For`,
  );
}
