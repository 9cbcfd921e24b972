import * as openid from 'openid-client';
import { isLoopbackHttp, requireSecureUrl } from './secure-url.ts';

export interface DeviceOptions {
  issuer: string;
  clientId: string;
  /** Without `offline_access` the device is signed out when the person signs out of the browser it was connected in. */
  scope?: string;
  /** Puts on the device's screen what its person needs. */
  show(code: string, address: string, addressWithCode: string | undefined): void;
  /** Ends the waiting. */
  signal?: AbortSignal;
}

export interface Person {
  subject: string;
  email: string | null;
  /** To be kept where nobody else reads it: by it the device stays signed in. */
  refreshToken: string | null;
}

/** Why nobody was signed in; the codes are those of RFC 8628 3.5. */
const REASONS: Record<string, string> = {
  access_denied: 'it was turned down',
  expired_token: 'nobody typed the code in time',
};

/** RFC 8628: shows a code, and waits until somebody has typed it on another device. */
export async function signInOnDevice(options: DeviceOptions): Promise<Person> {
  const { clientId, scope = 'openid email offline_access', show, signal } = options;
  const issuer = requireSecureUrl('ISSUER', options.issuer);
  // The library refuses http; on this machine alone it does no harm.
  const execute = isLoopbackHttp(issuer) ? [openid.allowInsecureRequests] : [];
  const config = await openid.discovery(issuer, clientId, undefined, openid.None(), { execute });

  const shown = await openid.initiateDeviceAuthorization(config, { scope });
  show(shown.user_code, shown.verification_uri, shown.verification_uri_complete);
  try {
    // It waits between its questions as long as it is told, and longer when it is told to slow down.
    const polling = signal ? { signal } : {};
    const tokens = await openid.pollDeviceAuthorizationGrant(config, shown, undefined, polling);
    const subject = tokens.claims()?.sub;
    if (!subject) throw new Error('there is no ID token: is "openid" in the scope?');
    const { email } = await openid.fetchUserInfo(config, tokens.access_token, subject);
    return { subject, email: email ?? null, refreshToken: tokens.refresh_token ?? null };
  } catch (err) {
    const reason = err instanceof openid.ResponseBodyError ? REASONS[err.error] : undefined;
    throw reason ? new Error(reason, { cause: err }) : err;
  }
}
