import { generateKeyPairSync } from 'node:crypto';
import { HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import type { ArtifactStore } from '../../src/oidc/artifact-store.ts';
import type { TestStores } from '../support/stores.ts';
import { keys } from './artifacts.contract.ts';
import { aClient, anAccount, aPasskey, aTotp, BY } from './samples.ts';

const PRIVATE_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
export const RULE = { limit: 1, window: 60_000, waitGrows: true, maxConsecutive: 1 };

/** Something in every table that the program writes to. */
export async function fill(stores: TestStores): Promise<void> {
  const { accounts, clients, consents, artifacts, attempts, outbox, clock } = stores;
  await accounts.create(anAccount({ claims: { name: 'Ada "Ångström" 🙂' } }), BY, aTotp());
  await accounts.create(anAccount({ id: 'acc_bob', passwordHash: null }), BY);
  const bob = await accounts.find('acc_bob');
  if (bob) await stores.passkeys.enrol(bob, aPasskey({ counter: 4_000_000_000 }), BY);
  await clients.create(aClient(), 'hash-of-secret', BY);
  await consents.give('acc_ada', 'web', { scopes: ['openid'], resources: {}, claims: [] }, BY);
  await outbox.add({ kind: 'end-client', clientId: 'web', before: clock() });
  await putArtifacts(artifacts, clock() + toMilliseconds(HOUR));
  await attempts.take('somebody', RULE, clock());
  await attempts.take('somebody', RULE, clock());
  await stores.knownBrowsers.add('hash-of-cookie', 'acc_ada', { provedAt: clock() + 1, most: 10, by: BY });
  await stores.progress<string>('flow').save('flow-1', 'so far', 0, clock() + toMilliseconds(HOUR));
  await stores.setupLinks.replace('hash-of-link', clock() + 1000, BY);
  const times = { createdAt: clock(), activatesAt: clock(), revokedAt: null };
  await stores.signingKeys.add({ kid: 'kid-1', algorithm: 'RS256', privateKey: PRIVATE_KEY, ...times }, BY);
}

export async function putArtifacts(artifacts: ArtifactStore, until: number): Promise<void> {
  const owner = { accountId: 'acc_ada', clientId: 'web', grantId: 'grant-1' };
  const payload = { ...owner, expiresWithSession: true, sessionUid: 'uid-1' };
  await artifacts.put('Grant', 'grant-1', { ...owner, jti: 'grant-1' }, keys(owner), until);
  await artifacts.put('RefreshToken', 'bound', payload, keys({ ...owner, sessionUid: 'uid-1' }), until);
  await artifacts.put('RefreshToken', 'free', { ...payload, expiresWithSession: false }, keys(owner), until);
  await artifacts.putOnce('ReplayDetection', 'jti-1', { clientId: 'web' }, keys(), until);
  const authorizations = { web: { sid: 'sid-1', grantId: 'grant-1', persistsLogout: true } };
  const session = { uid: 'uid-1', accountId: 'acc_ada' };
  await artifacts.put('Session', 'session-1', { ...session, authorizations }, keys(session), until);
  // Written with a grant that its payload does not name, and the other way round.
  await artifacts.put('TokenClaims', 'jti-2', { userinfo: { name: null } }, keys({ grantId: 'grant-1' }), until);
  await artifacts.put('Interaction', 'flow', { grantId: 'grant-1', accountId: 'acc_ada' }, keys(), until);
  await artifacts.put('AuthorizationCode', 'code', payload, keys({ ...owner, sessionUid: 'uid-1' }), until);
  await artifacts.put('PushedAuthorizationRequest', 'pushed', { request: 'jwt' }, keys(), until);
  await artifacts.consume('RefreshToken', 'free');
  await artifacts.endGrant('grant-of-before');
}
