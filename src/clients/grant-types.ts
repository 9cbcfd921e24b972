import type { Client } from './client.ts';

/** RFC 8628 3.4 */
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** By which grants a client gets tokens (`grant_types`, RFC 7591 2). */
export function grantTypesOf({ type, settings }: Pick<Client, 'type' | 'settings'>): string[] {
  if (type === 'service') return ['client_credentials'];
  if (type === 'resource') return [];
  return [
    ...(settings.redirectUris.length > 0 ? ['authorization_code'] : []),
    ...(settings.deviceGrant ? [DEVICE_GRANT] : []),
    'refresh_token',
  ];
}
