import type { ClientSettings } from '../clients/client.ts';
import { invalidMetadata, RegistrationRefusal } from './refusal.ts';

/** Settings of the client that it names by itself. */
type Said = Pick<
  ClientSettings,
  | 'redirectUris'
  | 'postLogoutRedirectUris'
  | 'backchannelLogoutUri'
  | 'logoUri'
  | 'clientUri'
  | 'policyUri'
  | 'tosUri'
  | 'jwks'
  | 'jwksUri'
  | 'requirePar'
  | 'requireSignedRequests'
  | 'dpopBound'
  | 'certificateBound'
>;

/** What an application says of itself; null where it says nothing. */
export interface Asked extends Said {
  name: string | null;
  applicationType: 'web' | 'native' | null;
  authMethod: string | null;
  grantTypes: string[] | null;
  responseTypes: string[] | null;
  scopes: string[] | null;
}

const LONGEST_TEXT = 2_000;
const LONGEST_LIST = 20;
/** Promised to a client that asked for it, and then not kept, would be worse than refused. */
const NOT_DONE =
  /^(id_token|userinfo|introspection|authorization|request_object)_encrypt|^userinfo_signed_response_alg$/;

/** RFC 7591 2: what is not understood is ignored, `client_name#de` included. @throws {RegistrationRefusal} */
export function readMetadata(body: Record<string, unknown>): Asked {
  // null says the same as nothing (RFC 7592 2.2).
  const stated = (name: string): unknown => body[name] ?? null;

  function text(name: string): string | null {
    const value = stated(name);
    if (value === null || value === '') return null;
    if (typeof value !== 'string') throw invalidMetadata(`${name} must be a text`);
    if (value.length > LONGEST_TEXT) throw invalidMetadata(`${name} may have ${LONGEST_TEXT} characters at most`);
    return value;
  }
  function texts(name: string): string[] | null {
    const value = stated(name);
    if (value === null) return null;
    if (!Array.isArray(value) || value.length > LONGEST_LIST || !value.every((item) => isText(item))) {
      throw invalidMetadata(`${name} must be a list of at most ${LONGEST_LIST} texts`);
    }
    return [...new Set(value as string[])];
  }
  function flag(name: string): boolean {
    const value = stated(name) ?? false;
    if (typeof value !== 'boolean') throw invalidMetadata(`${name} must be true or false`);
    return value;
  }
  function oneOf<const T extends string>(name: string, choices: readonly T[]): T | null {
    const value = text(name);
    const found = choices.find((choice) => choice === value);
    if (value !== null && found === undefined) throw invalidMetadata(`${name} must be ${choices.join(' or ')}`);
    return found ?? null;
  }

  if (stated('software_statement') !== null) {
    const why = 'nobody is approved here to vouch for software: leave software_statement out';
    throw new RegistrationRefusal('unapproved_software_statement', why);
  }
  const undone = Object.keys(body).find((name) => NOT_DONE.test(name) && stated(name) !== null);
  if (undone) throw invalidMetadata(`${undone} is not supported here: leave it out`);
  // Their only values here; a client that must have another would fail later.
  oneOf('subject_type', ['public']);
  oneOf('id_token_signed_response_alg', ['RS256']);
  flag('backchannel_logout_session_required');
  for (const ignored of ['software_id', 'software_version']) text(ignored);
  texts('contacts');

  return {
    name: text('client_name'),
    applicationType: oneOf('application_type', ['web', 'native']),
    authMethod: text('token_endpoint_auth_method'),
    grantTypes: texts('grant_types'),
    responseTypes: texts('response_types'),
    scopes: text('scope')?.split(/ +/).filter(Boolean) ?? null,
    redirectUris: texts('redirect_uris') ?? [],
    postLogoutRedirectUris: texts('post_logout_redirect_uris') ?? [],
    backchannelLogoutUri: text('backchannel_logout_uri'),
    logoUri: text('logo_uri'),
    clientUri: text('client_uri'),
    policyUri: text('policy_uri'),
    tosUri: text('tos_uri'),
    jwks: keySet(stated('jwks')),
    jwksUri: text('jwks_uri'),
    requirePar: flag('require_pushed_authorization_requests'),
    requireSignedRequests: flag('require_signed_request_object'),
    dpopBound: flag('dpop_bound_access_tokens'),
    certificateBound: flag('tls_client_certificate_bound_access_tokens'),
  };
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_TEXT;
}

function keySet(value: unknown): Asked['jwks'] {
  if (value === null) return null;
  const keys = typeof value === 'object' ? (value as { keys?: unknown }).keys : null;
  if (!Array.isArray(keys) || keys.length > LONGEST_LIST) {
    throw invalidMetadata(`jwks must be a JWK Set of at most ${LONGEST_LIST} keys`);
  }
  return { keys: keys as Record<string, unknown>[] };
}
