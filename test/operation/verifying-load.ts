import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { type Seconds, toMilliseconds } from '../../src/lib/duration.ts';
import { type Answer, basic, post, userinfo } from '../support/endpoint.ts';
import type { TestServer } from '../support/server.ts';
import { enter, visit } from '../support/visit.ts';

const PEOPLE = 2;

export interface SeenToken {
  token: string;
  kind: 'machine' | 'person' | 'ID token';
  kid: string;
  /** By the clock of the servers. */
  at: number;
}

/** An API that verifies by itself: it keeps the key set for its time, and fetches it for no other reason. */
export type Verifier = (token: string) => Promise<void>;

export interface VerifyingLoad {
  /** Each of them looks at every token. */
  verifiers: Verifier[];
  /** In the order in which they were issued. */
  seen: SeenToken[];
  /** Every request that failed and every token that was refused, as one line. */
  faults: string[];
  stop(): Promise<void>;
}

export function strictVerifier({ issuer }: Pick<TestServer, 'issuer'>, jwksCache: Seconds): Verifier {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer), {
    cacheMaxAge: toMilliseconds(jwksCache),
    cooldownDuration: Number.POSITIVE_INFINITY,
  });
  return async (token) => void (await jwtVerify(token, keys, { issuer }));
}

/** A machine and people who get tokens again and again, which every verifier and the next instance then look at. */
export async function startVerifyingLoad(site: TestServer, verifiers: Verifier[]): Promise<VerifyingLoad> {
  const seen: SeenToken[] = [];
  const faults: string[] = [];
  let running = true;

  const machine = await site.addClient('service');
  const people = await Promise.all(
    Array.from({ length: PEOPLE }, async () => {
      const person = await visit(site);
      return { ...person, refreshToken: (await enter(person)).refresh_token ?? '' };
    }),
  );

  async function issue(form: Record<string, string>, client: typeof machine): Promise<Answer> {
    const answer = await post(site, '/oauth2/token', form, basic(client));
    if (answer.status !== 200) faults.push(`${form['grant_type']}: ${answer.status} ${answer.body.error}`);
    return answer;
  }

  async function look(kind: SeenToken['kind'], token: string | undefined): Promise<void> {
    if (!token) return;
    const { kid = '' } = decodeProtectedHeader(token);
    seen.push({ token, kind, kid, at: Date.now() });
    await Promise.all(
      verifiers.map((verify) => verify(token).catch((err: Error) => faults.push(`${kid}: ${err.message}`))),
    );
  }

  async function machineTurn(): Promise<void> {
    const { body } = await issue({ grant_type: 'client_credentials' }, machine);
    await look('machine', body.access_token);
    const { body: state } = await post(site, '/oauth2/introspect', { token: body.access_token ?? '' }, basic(machine));
    if (state['active'] !== true) faults.push('introspection: inactive');
  }

  async function personTurn(person: (typeof people)[number]): Promise<void> {
    const form = { grant_type: 'refresh_token', refresh_token: person.refreshToken };
    const { body } = await issue(form, person.client);
    person.refreshToken = body.refresh_token ?? '';
    await Promise.all([look('person', body.access_token), look('ID token', body['id_token'] as string | undefined)]);
    const { status } = await userinfo(site, body.access_token ?? '');
    if (status !== 200) faults.push(`userinfo: ${status}`);
  }

  async function again(turn: () => Promise<void>): Promise<void> {
    while (running) await turn().catch((err: Error) => faults.push(err.message));
  }
  const lives = Promise.all([again(machineTurn), ...people.map((person) => again(() => personTurn(person)))]);

  return {
    verifiers,
    seen,
    faults,
    async stop() {
      running = false;
      await lives;
    },
  };
}
