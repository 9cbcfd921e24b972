import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { DAY, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { newId } from '../lib/ids.ts';
import type {
  AccountEnding,
  EndedAccount,
  EndedClient,
  EndedKeys,
  Findings,
  Holding,
  Orders,
  PasswordFate,
} from './incident.ts';
import type { IncidentStore, OpenIncident } from './store.ts';

/** A command that was cut short is gone on with for so long; after that the same words are another incident. */
const RESUMED_WITHIN = DAY;

export interface Person {
  id: string;
  hasPassword: boolean;
  mustChangePassword: boolean;
  /** What is older is refused already. */
  notBefore: Milliseconds;
}

/** What people have at applications. */
export interface Holdings {
  of(person: Person): Promise<Holding>;
  /** @returns null where the person has nothing there */
  at(clientId: string, person: Person): Promise<(Holding & { sids: (string | null)[] }) | null>;
  /** How many of a client's API keys would be revoked. */
  apiKeysOf(clientId: string): Promise<number>;
  /** How many passkeys that were added lately would be removed. */
  youngPasskeysOf(person: Person): Promise<number>;
}

export interface Keys {
  /** A new key takes over; with `revoke`, every key from before the incident ends, and it takes over at once. */
  replace(since: Milliseconds, revoke: boolean, by: By): Promise<EndedKeys>;
}

export interface RespondDeps {
  store: IncidentStore;
  holdings: Holdings;
  keys: Keys;
  clock: Clock;
  by: By;
}

/** Those that an incident concerns. */
export interface Concerned {
  people: Person[];
  clientIds: string[];
}

/** Ends what an incident may have given away. What a run that was cut short has done is not done again. */
export function createResponse({ store, holdings, keys, clock, by }: RespondDeps) {
  async function opened({ scope, ...orders }: Orders): Promise<OpenIncident & { resumed: boolean }> {
    // The secret is new each time.
    const match = sha256(JSON.stringify([scope, { ...orders, newSecretHash: orders.newSecretHash !== null }]));
    const found = await store.unfinished(match, clock() - toMilliseconds(RESUMED_WITHIN));
    if (found) return { ...found, resumed: true };
    return { ...(await store.open(newId('inc'), scope, match, by)), resumed: false };
  }

  async function endingOf(person: Person, { keepPasswords, keepPasskeys, mail }: Orders): Promise<AccountEnding> {
    const orders = { password: fateOf(person, keepPasswords), removePasskeys: !keepPasskeys, mail };
    return { accountId: person.id, ...(await holdings.of(person)), ...orders };
  }

  async function endClient(
    incident: OpenIncident,
    clientId: string,
    people: Person[],
    { disable, newSecretHash, mail }: Orders,
    progress: (done: number) => void,
  ): Promise<void> {
    // First its tokens: who signs in again while its people are looked for has nothing that this would end.
    await store.endClient(incident, { clientId, disable, newSecretHash, revokeApiKeys: true }, by);
    for (const [index, person] of people.entries()) {
      progress(index + 1);
      const found = await holdings.at(clientId, person);
      if (!found) continue;
      const { sids, ...holding } = found;
      const told: AccountEnding = { accountId: person.id, ...holding, password: 'kept', removePasskeys: false, mail };
      await store.tellOf(incident, clientId, sids, told, by);
    }
    await store.clear(clientId);
  }

  return {
    /** What would be ended. Nothing is written. */
    async foresee(orders: Orders, { people, clientIds }: Concerned): Promise<Findings> {
      const accounts: EndedAccount[] = [];
      for (const person of people) {
        if (orders.scope.kind !== 'client') {
          const { mail: mailed, removePasskeys, ...ended } = await endingOf(person, orders);
          const passkeysRemoved = removePasskeys ? await holdings.youngPasskeysOf(person) : 0;
          accounts.push({ ...ended, passkeysRemoved, mailed });
        }
        for (const clientId of orders.scope.kind === 'client' ? clientIds : []) {
          const found = await holdings.at(clientId, person);
          const { sessions = 0, grants = 0, told = [] } = found ?? {};
          const holding = { sessions, grants, told };
          const untouched = { password: 'kept', passkeysRemoved: 0 } as const;
          if (found) accounts.push({ accountId: person.id, ...holding, ...untouched, mailed: orders.mail });
        }
      }
      const { disable: disabled, newSecretHash } = orders;
      const clients: EndedClient[] = [];
      for (const clientId of clientIds) {
        const apiKeysRevoked = orders.scope.kind === 'client' ? await holdings.apiKeysOf(clientId) : 0;
        clients.push({ clientId, disabled, newSecret: newSecretHash !== null, apiKeysRevoked });
      }
      return {
        ...{ id: null, openedAt: clock(), finishedAt: clock(), keys: null, pending: {} },
        accounts,
        clients,
      };
    },

    async end(
      orders: Orders,
      { people, clientIds }: Concerned,
      { begun, progress }: { begun(incident: OpenIncident, resumed: boolean): void; progress(done: number): void },
    ): Promise<Findings & { id: string }> {
      const { scope } = orders;
      const incident = await opened(orders);
      begun(incident, incident.resumed);
      // What a stolen key could still sign comes first.
      const replaced =
        orders.keys === 'kept' ? null : await keys.replace(incident.openedAt, orders.keys === 'revoked', by);
      if (scope.kind === 'client') await endClient(incident, scope.clientId, people, orders, progress);
      else {
        for (const [index, person] of people.entries()) {
          await store.endAccount(incident, await endingOf(person, orders), by);
          progress(index + 1);
        }
        // Tokens that a client has for itself. What it has for people has ended with these. Its secrets and keys stay.
        const tokens = { disable: false, newSecretHash: null, revokeApiKeys: false };
        for (const clientId of clientIds) {
          await store.endClient(incident, { clientId, ...tokens }, by);
        }
      }
      const about = scope.kind === 'account' ? scope.accountId : scope.kind === 'client' ? scope.clientId : null;
      const { id, openedAt } = incident;
      const pending = await store.pending(openedAt, about);
      return { id, openedAt, finishedAt: clock(), ...(await store.ended(incident)), keys: replaced, pending };
    },
    done: (id: string, { scope }: Orders): Promise<void> => store.done(id, scope, by),
  };
}

function fateOf({ hasPassword, mustChangePassword }: Person, keepPasswords: boolean): PasswordFate {
  if (keepPasswords) return 'kept';
  if (!hasPassword) return 'none';
  return mustChangePassword ? 'already' : 'required';
}
