import type { AuthMethod } from '../clients/client.ts';
import { DEVICE_GRANT } from '../clients/grant-types.ts';
import { isOnThisMachine } from './addresses.ts';
import type { Asked } from './asked.ts';
import type { RegistrableType } from './policy.ts';
import { REGISTRABLE_AUTH_METHODS } from './policy.ts';
import { invalidMetadata } from './refusal.ts';

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', DEVICE_GRANT];

export interface Kind {
  type: RegistrableType;
  authMethod: AuthMethod;
  deviceGrant: boolean;
}

/** RFC 7591 2: grants, response types and the way of authentication say together what a client is. */
export function kindOf(asked: Asked): Kind {
  const grants = asked.grantTypes ?? ['authorization_code'];
  const unknown = grants.find((grant) => !GRANTS.includes(grant));
  if (unknown) throw invalidMetadata(`grant_types: ${unknown} is none of ${GRANTS.join(' ')}`);
  const isService = grants.includes('client_credentials');
  if (isService && grants.length > 1) {
    throw invalidMetadata(
      'grant_types: a client of client_credentials acts for itself alone; register another for people',
    );
  }
  if (grants.length === 0) throw invalidMetadata('grant_types is empty: leave it out for authorization_code');

  const responses = asked.responseTypes ?? (grants.includes('authorization_code') ? ['code'] : []);
  if (responses.some((response) => response !== 'code')) throw invalidMetadata('response_types: code is the only one');
  if (responses.includes('code') !== grants.includes('authorization_code')) {
    throw invalidMetadata('response_types code and grant_types authorization_code belong together (RFC 7591 2.1)');
  }
  if (!grants.includes('authorization_code') && asked.redirectUris.length > 0) {
    throw invalidMetadata('redirect_uris have no use without authorization_code in grant_types');
  }

  const type = isService ? 'service' : typeOf(asked);
  const named = REGISTRABLE_AUTH_METHODS.find((method) => method === asked.authMethod);
  if (asked.authMethod !== null && !named) {
    throw invalidMetadata(`token_endpoint_auth_method must be one of ${REGISTRABLE_AUTH_METHODS.join(' ')}`);
  }
  // What stands on a device cannot keep the secret that is the default (RFC 8252 8.5).
  const authMethod = named ?? (type === 'native' ? 'none' : 'client_secret_basic');
  return { type, authMethod, deviceGrant: grants.includes(DEVICE_GRANT) };
}

function typeOf({ applicationType, authMethod, redirectUris }: Asked): 'web' | 'spa' | 'native' {
  if (applicationType === 'native') return 'native';
  if (authMethod !== 'none') return 'web';
  // Command-line programs often do not say what they are. A page in a browser is not served by the person's own machine.
  const comesBackHere = redirectUris.length > 0 && redirectUris.every(isOnThisMachine);
  return applicationType === null && comesBackHere ? 'native' : 'spa';
}
