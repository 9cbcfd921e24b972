import type { Account } from '../accounts/account.ts';
import { authenticatorName } from '../accounts/authenticator-names.ts';
import type { Passkey } from '../accounts/passkey-store.ts';
import type { OwnEvent } from '../audit/activity.ts';
import type { Consent } from '../consents/store.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { KeptData } from './kept-data.ts';

/** Grows when the shape (docs/account-data.md) changes so that a reader must know. */
const FORMAT = 1;
const SLICE = 500;

export interface Issued {
  issuer: string;
  at: Milliseconds;
}

/**
 * All that is kept about one person, as JSON in pieces: the activity is as long as the account is old. Fields are named
 * one by one, so that what is added to a record, a hash perhaps, does not get in by itself.
 */
export async function* accountDocument(
  kept: KeptData,
  account: Account,
  { issuer, at }: Issued,
): AsyncGenerator<string> {
  const head = { format: FORMAT, issuer, exportedAt: iso(at), ...(await partsOf(kept, account)) };
  const text = JSON.stringify(head, null, 2);
  yield `${text.slice(0, -'\n}'.length)},\n  "activity": [`;
  let isFirst = true;
  for (let last: OwnEvent | undefined, full = true; full; ) {
    const slice = await kept.activity.page(account.id, SLICE, last ?? { at: at + 1, id: '' });
    const lines = slice.map((event) => `\n    ${JSON.stringify(entryOf(event))}`).join(',');
    if (lines) yield `${isFirst ? '' : ','}${lines}`;
    isFirst = isFirst && slice.length === 0;
    last = slice.at(-1);
    full = slice.length === SLICE;
  }
  yield '\n  ]\n}\n';
}

async function partsOf(kept: KeptData, account: Account) {
  const { id, email, emailVerified, role, status, passwordHash, claims, createdAt, updatedAt } = account;
  return {
    account: {
      ...{ id, email, emailVerified, roles: [role], status, hasPassword: passwordHash !== null },
      ...{ createdAt: iso(createdAt), updatedAt: iso(updatedAt) },
      demandedLevel: account.demandedLevel,
      deletionDueAt: account.deletionDueAt === null ? null : iso(account.deletionDueAt),
    },
    profile: claims,
    authenticators: (await kept.accounts.authenticators(id)).map((one) => ({
      name: one.name,
      addedAt: iso(one.createdAt),
    })),
    passkeys: await Promise.all((await kept.passkeys.ofAccount(id)).map(passkeyOf)),
    recoveryCodesLeft: await kept.accounts.recoveryCodesLeft(id),
    sessions: (await kept.sessionsOf(id)).map(({ browser, system, address, signedInAt, seenAt }) => ({
      ...{ browser, system, address, signedInAt: iso(signedInAt), lastUsedAt: iso(seenAt) },
    })),
    knownBrowsers: (await kept.browsersOf(id)).map((one) => ({
      knownSince: iso(one.createdAt),
      lastUsedAt: iso(one.lastSeenAt),
      browser: one.browser,
      trustedUntil: one.trustedUntil === null ? null : iso(one.trustedUntil),
    })),
    applications: await applicationsOf(kept, id),
    roles: await kept.rolesOf(id),
    listedFor: await Promise.all(
      (await kept.listingsOf(id)).map(async ({ clientId, since }) => {
        return { clientId, name: await kept.applicationName(clientId), since: iso(since) };
      }),
    ),
  };
}

/** Neither the key nor the credential's id: applications and other servers could know the person again by them. */
async function passkeyOf({ name, aaguid, synced, backedUp, createdAt, lastUsedAt }: Passkey) {
  const used = lastUsedAt === null ? null : iso(lastUsedAt);
  return { name, model: await authenticatorName(aaguid), synced, backedUp, addedAt: iso(createdAt), lastUsedAt: used };
}

async function applicationsOf(kept: KeptData, accountId: string) {
  const [consents, grants] = [await kept.consents.listOf(accountId), await kept.grantsOf(accountId)];
  const ids = new Set([...consents, ...grants].map(({ clientId }) => clientId));
  const given = (one: { since: Milliseconds; consent: Consent } | undefined) =>
    one ? { since: iso(one.since), ...namedIn(one.consent) } : null;
  return Promise.all(
    [...ids].map(async (clientId) => ({
      clientId,
      name: await kept.applicationName(clientId),
      consent: given(consents.find((one) => one.clientId === clientId)),
      granted: given(grants.find((one) => one.clientId === clientId)),
    })),
  );
}

const namedIn = ({ scopes, claims, resources }: Consent) => ({ scopes, claims, resources });

function entryOf({ at, event, outcome, by, factor, address, browser, clientId, application }: OwnEvent) {
  return { at: iso(at), event, outcome, by, factor, address, browser, clientId, application };
}

function iso(at: Milliseconds): string {
  return new Date(at).toISOString();
}
