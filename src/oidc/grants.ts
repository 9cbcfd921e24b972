import { randomBytes } from 'node:crypto';
import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { Consent, ConsentStore } from '../consents/store.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { registrationOf } from './client-metadata.ts';
import { type PermissionsAt, scopeAt } from './permissions.ts';
import type { RegisteredClient } from './registry.ts';

/** Claims that say how somebody signed in, not who they are: they need no consent. */
const PROTOCOL_CLAIMS = new Set(['sub', 'sid', 'auth_time', 'acr', 'amr', 'iss']);

/**
 * A grant is made per sign-in session and application, filled from what the person allowed, and dies with replay,
 * logout or revocation. The consent is a record of its own and stays.
 */
export function createGrants({
  consents,
  artifacts,
  permissionsAt,
}: {
  consents: ConsentStore;
  artifacts: ArtifactStore;
  permissionsAt: PermissionsAt;
}) {
  /**
   * When the library asked what there is at each API, it did not know who would sign in. So that nobody is asked to
   * consent to what they may not do, and is asked again once they may.
   */
  async function narrow({ oidc }: KoaContextWithOIDC, accountId: string): Promise<void> {
    const client = registrationOf(oidc.client as object);
    for (const [audience, server] of Object.entries(oidc.resourceServers ?? {})) {
      const at = await permissionsAt(audience, client, accountId);
      if (at) server.scope = scopeAt(at, client);
    }
  }

  /** The grant that covers this request, made or widened where the consent allows it. Undefined: ask the person. */
  return async function loadExistingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
    const { session, client, account, provider } = ctx.oidc;
    if (!session || !client || !account) return undefined;

    await narrow(ctx, account.accountId);
    const wanted = requestedConsent(ctx);
    // A dead grant is not found: its id stays in the session, and a new grant takes its place.
    const known = session.grantIdFor(client.clientId);
    const existing = known ? await provider.Grant.find(known) : undefined;
    if (existing && covers(consentOf(existing, wanted), wanted)) return existing;

    const isAllowed = async () =>
      isOperators(registrationOf(client)) || covers(await consents.find(account.accountId, client.clientId), wanted);
    if (!(await isAllowed())) return existing;

    const grant = existing ?? new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
    await fill(grant, wanted);
    // Whoever withdrew the consent since it was read has ended the grants there were, but not this one.
    if (!(await isAllowed())) {
      await artifacts.endGrant(grant.jti);
      return undefined;
    }
    if (existing) return grant;

    // Two tabs that sign in at the same time share one grant and one `sid`, or one of them would be signed out.
    const sid = session.sidFor(client.clientId) ?? randomBytes(16).toString('base64url');
    const claim = () => artifacts.claimAuthorization(session.uid, client.clientId, { sid, grantId: grant.jti });
    const sharedOf = async ({ grantId }: { grantId: string }) =>
      grantId === grant.jti ? grant : provider.Grant.find(grantId);
    let claimed = await claim();
    let shared = await sharedOf(claimed);
    if (!shared) {
      // A grant that expired and was not swept yet is nobody's: it ends, and ours takes its place, or that of a request
      // which was faster in the same.
      await artifacts.endGrant(claimed.grantId);
      claimed = await claim();
      shared = await sharedOf(claimed);
    }
    session.sidFor(client.clientId, claimed.sid);
    // Said of the dead grant, if at all; the library says it again where this request is granted offline_access.
    delete session.authorizationFor(client.clientId).persistsLogout;
    if (!shared || shared === grant) return grant;

    await artifacts.delete('Grant', grant.jti);
    await fill(shared, wanted);
    return shared;
  };
}

/** What an application says of itself, nobody has checked: whoever registered itself always asks. */
function isOperators({ settings, registeredBy }: RegisteredClient): boolean {
  return settings.firstParty && registeredBy === null;
}

/** What this authorization request asks for. */
export function requestedConsent({ oidc }: KoaContextWithOIDC): Consent {
  const scopes = [...oidc.requestParamScopes];
  const resources: Record<string, string[]> = {};
  for (const [audience, server] of Object.entries(oidc.resourceServers ?? {})) {
    resources[audience] = scopes.filter((scope) => server.scopes.has(scope));
  }
  return {
    scopes: [...oidc.requestParamOIDCScopes],
    claims: [...oidc.requestParamClaims].filter((claim) => !PROTOCOL_CLAIMS.has(claim)),
    resources,
  };
}

function covers(given: Consent | null, wanted: Consent): boolean {
  if (!given) return false;
  const all = (wants: string[], has: string[] = []) => wants.every((item) => has.includes(item));
  return (
    all(wanted.scopes, given.scopes) &&
    all(wanted.claims, given.claims) &&
    Object.entries(wanted.resources).every(([audience, scopes]) => all(scopes, given.resources[audience]))
  );
}

function consentOf(grant: Grant, { resources }: Consent): Consent {
  return {
    scopes: grant.getOIDCScope().split(' '),
    claims: grant.getOIDCClaims(),
    resources: Object.fromEntries(
      Object.keys(resources).map((audience) => [audience, grant.getResourceScope(audience).split(' ')]),
    ),
  };
}

async function fill(grant: Grant, { scopes, claims, resources }: Consent): Promise<void> {
  if (scopes.length > 0) grant.addOIDCScope(scopes.join(' '));
  if (claims.length > 0) grant.addOIDCClaims(claims);
  for (const [audience, allowed] of Object.entries(resources)) {
    if (allowed.length > 0) grant.addResourceScope(audience, allowed.join(' '));
  }
  await grant.save();
}
