import { apiProblems } from './api.ts';
import { certificateProblems } from './certificate-problems.ts';
import { type Client, type ClientType, isConfidential, OIDC_SCOPES } from './client.ts';
import { type FieldNames, OPTIONS } from './field-names.ts';

type Checked = Pick<Client, 'id' | 'name' | 'type' | 'audience' | 'settings'>;

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
/** RFC 6749 3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
/** Schemes that would run what they carry in the browser, or read local files. */
const SCRIPT_SCHEMES = ['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'];

/** Every problem of a client's registration, each a sentence that names what to mend; none where it is sound. */
export function clientProblems(client: Checked, named: FieldNames = OPTIONS): string[] {
  const { id, name, type, settings, audience } = client;
  const problems: string[] = [];
  const check = (ok: boolean, problem: string) => {
    if (!ok) problems.push(problem);
  };

  check(/^[A-Za-z0-9._~-]{1,100}$/.test(id), `${named.id} may have letters, digits and . _ ~ - only, 100 at most`);
  check(!/^(acc|otp|rcv|evt)_/.test(id), `${named.id} must not look like the id of something else (acc_…)`);
  check(/^[^\p{C}]{1,100}$/u.test(name) && name.trim() !== '', `${named.name} must have 1 to 100 visible characters`);

  const signsIn = type === 'web' || type === 'spa' || type === 'native';
  problems.push(...redirectProblems(client, named));
  for (const uri of settings.postLogoutRedirectUris) {
    check(isRedirectUri(uri, type), redirectProblem(named.postLogoutRedirectUris, uri, type));
  }
  for (const [option, uri] of Object.entries({
    [named.backchannelLogoutUri]: settings.backchannelLogoutUri,
    [named.securityEventsUri]: settings.securityEventsUri,
    [named.logoUri]: settings.logoUri,
    [named.clientUri]: settings.clientUri,
    [named.policyUri]: settings.policyUri,
    [named.tosUri]: settings.tosUri,
    [named.jwksUri]: settings.jwksUri,
  })) {
    check(uri === null || isWebUri(uri), `${option} must be an https address (http on this machine only), not ${uri}`);
  }
  check(
    signsIn || settings.securityEventsUri === null,
    `${named.securityEventsUri} has no use for a ${type} client: it knows no accounts`,
  );
  for (const scope of settings.scopes)
    check(SCOPE.test(scope), `${named.scopes}: "${scope}" is not a scope (RFC 6749 3.3)`);
  for (const uri of [...settings.audiences, ...(audience === null ? [] : [audience])]) {
    check(isAudience(uri), `${named.audience} must be an absolute address without a fragment (RFC 8707 2), not ${uri}`);
  }
  check((type === 'resource') === (audience !== null), `a resource client needs ${named.audience}, exactly once`);

  check(
    type !== 'resource' || !settings.dpopBound,
    `${named.dpopBound} is for clients that get tokens, not for an API`,
  );
  if (type === 'resource') problems.push(...apiProblems(settings, OIDC_SCOPES));
  check(signsIn || settings.minimumLevel === 'one-factor', `${named.minimumLevel} has no use for a ${type} client`);
  check(signsIn || settings.accounts === 'everyone', `--accounts has no use for a ${type} client`);

  const hasKeys = settings.jwks !== null || settings.jwksUri !== null;
  const mustBePublic = type === 'spa' || type === 'native';
  check(
    !mustBePublic || !isConfidential(settings),
    `a ${type} client cannot keep a secret: its ${named.authMethod} is none`,
  );
  check(mustBePublic || isConfidential(settings), `${named.authMethod} none is for spa and native clients only`);
  check(
    settings.authMethod !== 'private_key_jwt' || hasKeys,
    `${named.authMethod} private_key_jwt needs the public keys of the client: ${named.jwks} or ${named.jwksUri}`,
  );
  check(
    signsIn || !settings.requirePar,
    `${named.requirePar} has no use for a ${type} client: it sends no such request`,
  );
  check(
    !settings.requireSignedRequests || (signsIn && hasKeys),
    `${named.requireSignedRequests} is for clients that sign people in, and needs their public keys: ${named.jwks} or ${named.jwksUri}`,
  );
  check(
    settings.jwks === null || settings.jwksUri === null,
    `${named.jwks} and ${named.jwksUri} exclude each other: keep one of them`,
  );
  check(
    settings.jwks === null || isPublicKeySet(settings.jwks),
    `${named.jwks} must hold public keys only, in a JWK Set`,
  );
  check(
    !settings.deviceGrant || type === 'native' || type === 'web',
    `${named.deviceGrant} is for native and web clients only: a ${type} client has no device to sign in to`,
  );
  check(
    settings.pkceRequired || isConfidential(settings),
    `${named.withoutPkce} is for confidential clients only (RFC 9700 2.1.1); have it send a nonce instead`,
  );
  // RFC 8252 8.6: another application can claim a public client's id or a custom scheme, so people must be asked.
  check(
    !settings.firstParty || (isConfidential(settings) && settings.redirectUris.every((uri) => isTrustworthy(uri))),
    `${named.firstParty} is for confidential clients with https redirect addresses only (RFC 8252 8.6)`,
  );
  return [...problems, ...certificateProblems(client)];
}

/** Those of where people return to, which a registration by the application itself calls by a name of its own. */
export function redirectProblems({ type, settings }: Pick<Checked, 'type' | 'settings'>, named: FieldNames): string[] {
  const { redirectUris, deviceGrant } = settings;
  const mayDoWithout = deviceGrant && (type === 'native' || type === 'web');
  if (type === 'service' || type === 'resource') {
    return redirectUris.length > 0 ? [`${named.redirectUris} has no use for a ${type} client`] : [];
  }
  if (redirectUris.length === 0) {
    return mayDoWithout ? [] : [`${named.redirectUris} is missing: a ${type} client needs one or more`];
  }
  return redirectUris
    .filter((uri) => !isRedirectUri(uri, type))
    .map((uri) => redirectProblem(named.redirectUris, uri, type));
}

function redirectProblem(option: string, uri: string, type: ClientType): string {
  return type === 'native'
    ? `${option} ${uri} must be https, http on a loopback address, or a private scheme with a dot such as org.example.app:/callback (RFC 8252 7)`
    : `${option} ${uri} must be https without a fragment (http on this machine only)`;
}

function isRedirectUri(text: string, type: ClientType): boolean {
  const uri = URL.parse(text);
  if (!uri || text.includes('#') || uri.username || uri.password || SCRIPT_SCHEMES.includes(uri.protocol)) return false;
  if (uri.protocol === 'https:' || (uri.protocol === 'http:' && LOOPBACK.includes(uri.hostname))) return true;
  return type === 'native' && uri.protocol !== 'http:' && uri.protocol.includes('.');
}

function isTrustworthy(text: string): boolean {
  const uri = URL.parse(text);
  return uri !== null && (uri.protocol === 'https:' || LOOPBACK.includes(uri.hostname));
}

function isWebUri(text: string): boolean {
  const uri = URL.parse(text);
  if (!uri || uri.username || uri.password) return false;
  return uri.protocol === 'https:' || (uri.protocol === 'http:' && LOOPBACK.includes(uri.hostname));
}

function isAudience(text: string): boolean {
  const uri = URL.parse(text);
  return uri !== null && !text.includes('#') && !/\s/.test(text);
}

const PRIVATE_PARAMETERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'priv', 'oth'];

/** A JWK Set (RFC 7517 5) without anything secret in it. */
export function isPublicKeySet(content: unknown): content is { keys: Record<string, unknown>[] } {
  const { keys } = (content ?? {}) as { keys?: unknown };
  return (
    Array.isArray(keys) &&
    keys.length > 0 &&
    keys.every(
      (key: unknown) =>
        typeof key === 'object' &&
        key !== null &&
        (key as { kty?: unknown }).kty !== 'oct' &&
        !PRIVATE_PARAMETERS.some((name) => name in key),
    )
  );
}
