import type { Role } from '../authorization/role.ts';
import type { Client } from '../clients/client.ts';
import type { ClientStore } from '../clients/store.ts';
import { permissionsOf } from './api-options.ts';
import { clientJson, secretText, yesNo } from './client-view.ts';
import { details, iso } from './layout.ts';

type Secrets = Awaited<ReturnType<ClientStore['secrets']>>;

const BOUND = { none: 'no', any: 'by DPoP or certificate', dpop: 'by DPoP', mtls: 'by certificate' };
const BY = { role: 'what the roles of a person give', consent: 'what a person consents to' };

export function apiJson(api: Client, secrets: Secrets, roles: Role[]) {
  const permissions = permissionsOf(api.settings);
  return { ...clientJson(api, secrets), permissions, roles: roles.map(({ name }) => name) };
}

export function apiText(api: Client, secrets: Secrets, roles: Role[], now: number): string {
  const { tokenLifetime, signingAlgorithm, refresh, senderConstrained, permissionsBy } = api.settings.api;
  const longest = Math.max(...api.settings.scopes.map((name) => name.length));
  return details([
    ['client id', api.id],
    ['name', api.name],
    ['audience', api.audience],
    ['status', api.status],
    [
      'permissions',
      permissionsOf(api.settings).map(({ name, text }) => (text ? `${name.padEnd(longest)}  ${text}` : name)),
    ],
    ['given by', BY[permissionsBy]],
    ['roles', roles.length > 0 ? roles.map(({ name }) => name) : 'none'],
    ['token lifetime', tokenLifetime === null ? 'as all others' : `${tokenLifetime} s`],
    ['token algorithm', signingAlgorithm],
    ['tokens bound', BOUND[senderConstrained]],
    ['refresh tokens', yesNo(refresh)],
    ['introspects with', api.settings.authMethod],
    ['secrets', secrets.length > 0 ? secrets.map((secret) => secretText(secret, now)) : null],
    ['created', iso(api.createdAt)],
    ['updated', iso(api.updatedAt)],
  ]);
}
