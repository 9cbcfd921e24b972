import { type Client, type ClientSettings, defaultSettings, OIDC_SCOPES } from '../clients/client.ts';
import type { NewClient } from '../clients/store.ts';
import { clientProblems, redirectProblems } from '../clients/validate.ts';
import { hostOf, isLoopback, isPlainlyWritten, mayBeCalled } from './addresses.ts';
import type { Asked } from './asked.ts';
import { nameProblem } from './display-name.ts';
import { METADATA } from './field-names.ts';
import { type Kind, kindOf } from './kind.ts';
import { isAllowedHost, type RegistrationPolicy } from './policy.ts';
import { invalidMetadata, RegistrationRefusal } from './refusal.ts';

export interface Surroundings {
  siteName: string;
  /** The issuer is http on this machine: a try-out, whose applications are there too. */
  loopback: boolean;
}

/**
 * The client that an application asks to be.
 * @param before as it is registered: what stands there was allowed, by the policy or by an operator since
 * @throws {RegistrationRefusal} at the first thing that policy or rules do not allow
 */
export function wantedClient(
  id: string,
  asked: Asked,
  policy: RegistrationPolicy,
  before: Client | null,
  { siteName, loopback }: Surroundings,
): NewClient {
  const kind = kindOf(asked);
  const { type } = kind;
  if (before && before.type !== type) {
    throw invalidMetadata(`this would make a ${type} client of a ${before.type} client: register another`);
  }
  if (!before && !policy.types.includes(type)) {
    throw invalidMetadata(`this would be a ${type} client: those that may register are ${policy.types.join(', ')}`);
  }
  const settings = settingsOf(asked, kind, policy, before);
  // RFC 7591 2: where an application has no name, its id is shown.
  const client = { id, name: asked.name ?? id, type, audience: null, settings };

  checkAllowed(client, policy, before?.settings ?? null);
  checkAddresses(client, policy, before?.settings ?? null, loopback);
  const [problem = nameProblem(client.name, siteName)] = clientProblems(client, METADATA);
  if (problem) throw invalidMetadata(problem);
  return client;
}

function settingsOf(asked: Asked, kind: Kind, policy: RegistrationPolicy, before: Client | null): ClientSettings {
  const { type, authMethod, deviceGrant } = kind;
  const byDefault = {
    ...defaultSettings(type),
    audiences: policy.audiences,
    minimumLevel: type === 'service' ? 'one-factor' : policy.minimumLevel,
  } as const;
  const { name: _, applicationType: __, grantTypes: ___, responseTypes: ____, scopes, ...said } = asked;
  const ofPeople = (scope: string) => (OIDC_SCOPES as readonly string[]).includes(scope);
  const usual = type === 'service' ? policy.scopes.filter((scope) => !ofPeople(scope)) : policy.scopes;
  return {
    // What has no name in the metadata stays as the operator has set it since.
    ...(before?.settings ?? byDefault),
    ...said,
    ...{ authMethod, deviceGrant, scopes: [...new Set(scopes ?? usual)], firstParty: false },
  };
}

function checkAllowed({ settings }: NewClient, policy: RegistrationPolicy, before: ClientSettings | null): void {
  const { authMethod, deviceGrant, jwks, jwksUri } = settings;
  if (!policy.authMethods.includes(authMethod) && authMethod !== before?.authMethod) {
    const allowed = policy.authMethods.join(', ');
    throw invalidMetadata(`token_endpoint_auth_method ${authMethod} is not allowed here: choose one of ${allowed}`);
  }
  if (deviceGrant && !policy.deviceGrant && !before?.deviceGrant) {
    throw invalidMetadata('grant_types: the device grant is not allowed here');
  }
  const scopes = [...policy.scopes, ...(before?.scopes ?? [])];
  const refused = settings.scopes.find((scope) => !scopes.includes(scope));
  if (refused !== undefined) {
    throw invalidMetadata(`scope: ${refused} is not allowed here; leave scope out for all that is`);
  }
  if (jwks && jwksUri) throw invalidMetadata('jwks and jwks_uri exclude one another (RFC 7591 2)');
}

function checkAddresses(
  client: NewClient,
  policy: RegistrationPolicy,
  before: ClientSettings | null,
  loopback: boolean,
): void {
  const { type, settings } = client;
  const { redirectUris, postLogoutRedirectUris, backchannelLogoutUri, jwksUri } = settings;
  const { logoUri, clientUri, policyUri, tosUri } = settings;
  const [unsound] = redirectProblems(client, METADATA);
  if (unsound) throw new RegistrationRefusal('invalid_redirect_uri', unsound);

  // What stands among the one kind was not allowed for the other: codes go to the first.
  const added = [
    ...redirectUris.filter((address) => !before?.redirectUris.includes(address)),
    ...postLogoutRedirectUris.filter((address) => !before?.postLogoutRedirectUris.includes(address)),
  ];
  for (const address of added) {
    const refuse = (why: string) => new RegistrationRefusal('invalid_redirect_uri', `${address} ${why}`);
    if (!isPlainlyWritten(address)) throw refuse('must be written as browsers write it: lower case, no default port');
    if (policy.redirectHosts.length > 0) {
      if (!isAllowedHost(policy, hostOf(address))) throw refuse(`must be at ${policy.redirectHosts.join(' or ')}`);
    } else if (type !== 'native' && isLoopback(address) && !loopback) {
      throw refuse('is the own machine of whoever signs in: application_type native is for programs there');
    }
  }
  for (const [name, address] of Object.entries({ backchannel_logout_uri: backchannelLogoutUri, jwks_uri: jwksUri })) {
    if (address === null || (loopback && isLoopback(address)) || mayBeCalled(address)) continue;
    throw invalidMetadata(`${name} must be https, at a host by its name and without a fragment`);
  }
  const shown = { logo_uri: logoUri, client_uri: clientUri, policy_uri: policyUri, tos_uri: tosUri };
  for (const [name, address] of Object.entries(shown)) {
    if (address && !isPlainlyWritten(address)) throw invalidMetadata(`${name} must be written as browsers write it`);
  }
}
