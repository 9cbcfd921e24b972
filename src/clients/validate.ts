import { type Client, type ClientType, isConfidential } from './client.ts';

type Checked = Pick<Client, 'id' | 'name' | 'type' | 'audience' | 'settings'>;

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
/** RFC 6749 3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
/** Schemes that would run what they carry in the browser, or read local files. */
const SCRIPT_SCHEMES = ['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'];

/** Every problem of a client's registration, each a sentence that names the option to mend; none where it is sound. */
export function clientProblems(client: Checked): string[] {
  const { id, name, type, settings, audience } = client;
  const problems: string[] = [];
  const check = (ok: boolean, problem: string) => {
    if (!ok) problems.push(problem);
  };

  check(/^[A-Za-z0-9._~-]{1,100}$/.test(id), '--id may have letters, digits and . _ ~ - only, 100 at most');
  check(!/^(acc|otp|rcv|evt)_/.test(id), '--id must not look like the id of something else (acc_…)');
  check(/^[^\p{C}]{1,100}$/u.test(name) && name.trim() !== '', '--name must have 1 to 100 visible characters');

  const signsIn = type === 'web' || type === 'spa' || type === 'native';
  const mayDoWithout = settings.deviceGrant && (type === 'native' || type === 'web');
  check(
    !signsIn || mayDoWithout || settings.redirectUris.length > 0,
    `--redirect-uri is missing: a ${type} client needs one or more`,
  );
  check(signsIn || settings.redirectUris.length === 0, `--redirect-uri has no use for a ${type} client`);
  for (const uri of settings.redirectUris)
    check(isRedirectUri(uri, type), redirectProblem('--redirect-uri', uri, type));
  for (const uri of settings.postLogoutRedirectUris) {
    check(isRedirectUri(uri, type), redirectProblem('--post-logout-redirect-uri', uri, type));
  }
  for (const [option, uri] of Object.entries({
    '--backchannel-logout-uri': settings.backchannelLogoutUri,
    '--security-events-uri': settings.securityEventsUri,
    '--logo-uri': settings.logoUri,
    '--client-uri': settings.clientUri,
    '--policy-uri': settings.policyUri,
    '--tos-uri': settings.tosUri,
  })) {
    check(uri === null || isWebUri(uri), `${option} must be an https address (http on this machine only), not ${uri}`);
  }
  check(
    signsIn || settings.securityEventsUri === null,
    `--security-events-uri has no use for a ${type} client: it knows no accounts`,
  );
  for (const scope of settings.scopes) check(SCOPE.test(scope), `--scope: "${scope}" is not a scope (RFC 6749 3.3)`);
  for (const named of [...settings.audiences, ...(audience === null ? [] : [audience])]) {
    check(isAudience(named), `--audience must be an absolute address without a fragment (RFC 8707 2), not ${named}`);
  }
  check((type === 'resource') === (audience !== null), 'a resource client needs --audience, exactly once');

  check(signsIn || settings.minimumLevel === 'one-factor', `--minimum-level has no use for a ${type} client`);

  const mustBePublic = type === 'spa' || type === 'native';
  check(!mustBePublic || !isConfidential(settings), `a ${type} client cannot keep a secret: its --auth-method is none`);
  check(mustBePublic || isConfidential(settings), `--auth-method none is for spa and native clients only`);
  check(
    settings.authMethod !== 'private_key_jwt' || settings.jwks !== null,
    '--auth-method private_key_jwt needs the public keys of the client: --jwks FILE',
  );
  check(settings.jwks === null || isPublicKeySet(settings.jwks), '--jwks must hold public keys only, in a JWK Set');
  check(
    !settings.deviceGrant || type === 'native' || type === 'web',
    `--device is for native and web clients only: a ${type} client has no device to sign in to`,
  );
  check(
    settings.pkceRequired || isConfidential(settings),
    '--no-pkce is for confidential clients only (RFC 9700 2.1.1); have it send a nonce instead',
  );
  // RFC 8252 8.6: another application can claim a public client's id or a custom scheme, so people must be asked.
  check(
    !settings.firstParty || (isConfidential(settings) && settings.redirectUris.every((uri) => isTrustworthy(uri))),
    '--first-party is for confidential clients with https redirect addresses only (RFC 8252 8.6)',
  );
  return problems;
}

function redirectProblem(option: string, uri: string, type: ClientType): string {
  return type === 'native'
    ? `${option} ${uri} must be https, http on a loopback address, or a private scheme with a dot such as org.example.app:/callback (RFC 8252 7)`
    : `${option} ${uri} must be https without a fragment (http on this machine only)`;
}

function isRedirectUri(text: string, type: ClientType): boolean {
  const uri = URL.parse(text);
  if (!uri || text.includes('#') || uri.username || SCRIPT_SCHEMES.includes(uri.protocol)) return false;
  if (uri.protocol === 'https:' || (uri.protocol === 'http:' && LOOPBACK.includes(uri.hostname))) return true;
  return type === 'native' && uri.protocol !== 'http:' && uri.protocol.includes('.');
}

function isTrustworthy(text: string): boolean {
  const uri = URL.parse(text);
  return uri !== null && (uri.protocol === 'https:' || LOOPBACK.includes(uri.hostname));
}

function isWebUri(text: string): boolean {
  const uri = URL.parse(text);
  if (!uri || uri.username) return false;
  return uri.protocol === 'https:' || (uri.protocol === 'http:' && LOOPBACK.includes(uri.hostname));
}

function isAudience(text: string): boolean {
  const uri = URL.parse(text);
  return uri !== null && !text.includes('#') && !/\s/.test(text);
}

const PRIVATE_PARAMETERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'priv', 'oth'];

function isPublicKeySet(jwks: { keys: Record<string, unknown>[] }): boolean {
  return (
    Array.isArray(jwks.keys) &&
    jwks.keys.length > 0 &&
    jwks.keys.every(
      (key) =>
        typeof key === 'object' &&
        key !== null &&
        key['kty'] !== 'oct' &&
        !PRIVATE_PARAMETERS.some((name) => name in key),
    )
  );
}
