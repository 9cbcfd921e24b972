import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, basic, post } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import type { Site } from '../support/seed.ts';
import { enter, told, type Visit, visit } from '../support/visit.ts';

/** How long somebody keeps asking who gets no answer: less than the time in which a refresh may be repeated. */
const PATIENCE = 8_000;
const LONGEST_ANSWER = 7_000;

/** What a load must never see, and what shows that there was one. */
export interface Ledger {
  turns: number;
  /** Answers that say "not now": a lost connection, 502 or 503. */
  away: number;
  /** Anything else that is no success, as one line. */
  wrong: string[];
  /** How many times each code brought tokens. */
  codes: Map<string, number>;
  /** Every answer that each refresh token got. */
  successors: Map<string, Set<string>>;
}

export interface Load {
  ledger: Ledger;
  people: Person[];
  /** Resolves when everybody has done so many more turns. */
  turns(more: number): Promise<void>;
  stop(): Promise<void>;
}

interface Person extends Visit {
  refreshToken: string;
}

/**
 * People who are signed in already and stay: each turn a silent sign-in whose code is presented twice at once by one
 * application, another one whose code is redeemed once, and a refresh that is repeated until it is answered.
 */
export async function startLoad(site: Site, count: number): Promise<Load> {
  const ledger: Ledger = { turns: 0, away: 0, wrong: [], codes: new Map(), successors: new Map() };
  const careless = await visit(site);
  const people: Person[] = [];
  for (let index = 0; index < count; index += 1) {
    const person = await visit(site);
    people.push({ ...person, refreshToken: (await enter(person)).refresh_token ?? '' });
  }
  let running = true;

  /** Null: no answer, or one that says to come back later. */
  async function attempt<T>(work: () => Promise<{ status: number } & T>): Promise<({ status: number } & T) | null> {
    const answer = await Promise.race([
      work().catch(() => null),
      pause(LONGEST_ANSWER, 'late' as const, { ref: false }),
    ]);
    if (answer === 'late') ledger.wrong.push('no answer for seconds');
    else if (answer && answer.status !== 502 && answer.status !== 503) return answer;
    ledger.away += 1;
    return null;
  }

  async function silently({ agent }: Person, { party }: Pick<Visit, 'party'>) {
    const authorization = await party.authorization({ prompt: 'none' });
    const page = await attempt(() => agent.follow(authorization.url));
    if (!page) return null;
    const { code, error } = page.url.startsWith(CALLBACK) ? told(page) : { error: `page ${page.status}`, code: '' };
    if (!code) ledger.wrong.push(`silent sign-in: ${error}`);
    return code ? { code, authorization } : null;
  }

  async function redeem(code: string, codeVerifier: string, { client }: Pick<Visit, 'client'>): Promise<void> {
    const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: codeVerifier };
    const answer = await attempt<Answer>(() => post(site, '/oauth2/token', form, basic(client)));
    if (answer?.status === 200) ledger.codes.set(code, (ledger.codes.get(code) ?? 0) + 1);
    else if (answer && answer.body.error !== 'invalid_grant') ledger.wrong.push(`code: ${answer.status}`);
  }

  async function refresh(person: Person): Promise<void> {
    const form = { grant_type: 'refresh_token', refresh_token: person.refreshToken };
    const until = Date.now() + PATIENCE;
    while (Date.now() < until) {
      const answer = await attempt<Answer>(() => post(site, '/oauth2/token', form, basic(person.client)));
      if (!answer) {
        await pause(50);
        continue;
      }
      const next = answer.body.refresh_token;
      if (!next) {
        ledger.wrong.push(`refresh: ${answer.status} ${answer.body.error}`);
        return;
      }
      const known = ledger.successors.get(person.refreshToken) ?? new Set();
      ledger.successors.set(person.refreshToken, known.add(next));
      person.refreshToken = next;
      return;
    }
  }

  async function live(person: Person): Promise<void> {
    while (running) {
      const twice = await silently(person, careless);
      if (twice) {
        const { code, authorization } = twice;
        await Promise.all([1, 2].map(() => redeem(code, authorization.codeVerifier, careless)));
      }
      const once = await silently(person, person);
      if (once) await redeem(once.code, once.authorization.codeVerifier, person);
      await refresh(person);
      ledger.turns += 1;
    }
  }

  const lives = Promise.all(people.map(live));
  return {
    ledger,
    people,
    async turns(more) {
      const goal = ledger.turns + more * people.length;
      while (ledger.turns < goal) await pause(20);
    },
    async stop() {
      running = false;
      await lives;
    },
  };
}

/** Of the whole load: no code brought tokens twice, no refresh token has two successors, nothing else went wrong. */
export function faults({ wrong, codes, successors }: Ledger): string[] {
  const spentTwice = [...codes].filter(([, times]) => times > 1).map(([code]) => `code ${code} spent twice`);
  const forked = [...successors].filter(([, next]) => next.size > 1).map(([token]) => `refresh token ${token} forked`);
  return [...wrong, ...spentTwice, ...forked];
}
