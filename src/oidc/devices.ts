import { randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { AccountStore } from '../accounts/store.ts';
import { DEVICE_GRANT } from '../clients/grant-types.ts';
import type { AskingDevice, Devices } from '../device-pages/device.ts';
import type { Clock } from '../lib/clock.ts';
import { toMilliseconds } from '../lib/duration.ts';
import { CLOCK_TOLERANCE } from './access-tokens.ts';
import { keysOf } from './artifact-keys.ts';
import type { ArtifactStore, Payload } from './artifact-store.ts';
import { registrationOf } from './client-metadata.ts';
import type { DeviceCodes, WaitingDevice } from './device-codes.ts';
import type { Lifetimes } from './lifetimes.ts';
import { ROUTES } from './routes.ts';
import { resumeCookie } from './settings.ts';
import { headOf } from './views.ts';
import type { Visitor } from './visitor.ts';

export interface DevicesDeps {
  provider: () => Provider;
  deviceCodes: DeviceCodes;
  artifacts: ArtifactStore;
  accounts: AccountStore;
  issuer: string;
  lifetimes: Lifetimes;
  clock: Clock;
}

/** The hint was verified when the device asked; the library looks at it then, and never again. */
function namedIn({ params }: Payload): { hinted_subject?: string | undefined } {
  const hint = (params as { id_token_hint?: string } | undefined)?.id_token_hint;
  return hint === undefined ? {} : { hinted_subject: decodeJwt(hint).sub };
}

/**
 * The library's own pages for this keep a session for whoever opens them, and take the code and the answer in one step
 * that two people can both pass. So these pages are ours; what they hand over is an interaction that is to be resumed, as
 * the library makes one for itself.
 */
export function createDevices(deps: DevicesDeps): Devices {
  const { provider, deviceCodes, artifacts, accounts, issuer, lifetimes, clock } = deps;
  const waiting = new WeakMap<AskingDevice, WaitingDevice>();

  return {
    async visitor(ctx) {
      const { accountId } = await provider().Session.get(ctx);
      const account = accountId ? await accounts.find(accountId) : null;
      return account?.status === 'active' ? account : null;
    },

    async find(userCode) {
      const found = await deviceCodes.find(userCode, clock());
      const client = found && (await provider().Client.find(String(found.payload['clientId'])));
      const head = client && headOf(client);
      // Its operator may have taken the grant away since the device asked.
      if (!found || !client || !head || !client.grantTypeAllowed(DEVICE_GRANT)) return null;
      const visitor = (found.payload['deviceInfo'] ?? {}) as Partial<Visitor>;
      const device = {
        ...{ userCode, client: { ...head, id: registrationOf(client).id } },
        ...{ browser: visitor.browser ?? null, system: visitor.system ?? null, address: visitor.address ?? null },
        askedAt: toMilliseconds(Number(found.payload['iat'])),
      };
      waiting.set(device, found);
      return device;
    },

    async begin(ctx, device) {
      const found = waiting.get(device);
      if (!found || !(await deviceCodes.spend(device.userCode))) return null;
      const uid = randomBytes(32).toString('base64url');
      const path = `${ROUTES.code_verification}/${uid}`;
      // The types know of no payload.
      const Interaction = provider().Interaction as unknown as new (
        uid: string,
        payload: object,
      ) => { save(ttl: number): Promise<string> };
      const interaction = new Interaction(uid, {
        ...{
          returnTo: issuer + path,
          prompt: { name: 'login', reasons: [], details: namedIn(found.payload) },
          cid: uid,
        },
        ...{ params: found.payload['params'], trusted: [], deviceCode: found.deviceCode },
      });
      await interaction.save(lifetimes.interaction);
      setCookie(ctx, uid, path);
      return path;
    },

    async deny(device) {
      const found = waiting.get(device);
      if (!found || !(await deviceCodes.spend(device.userCode))) return false;
      const payload = { ...found.payload, error: 'access_denied', errorDescription: 'the person did not allow it' };
      const expiresAt = toMilliseconds(Number(found.payload['exp']) + CLOCK_TOLERANCE);
      await artifacts.put('DeviceCode', found.deviceCode, payload, keysOf('DeviceCode', payload), expiresAt);
      return true;
    },
  };

  /** As the library sets it for an interaction of its own: nobody else's browser can resume this one. */
  function setCookie(ctx: Context, uid: string, path: string): void {
    const { cookies } = provider().createContext(ctx.req, ctx.res);
    const secure = issuer.startsWith('https:');
    cookies.secure = secure;
    const maxAge = toMilliseconds(lifetimes.interaction);
    cookies.set(resumeCookie(secure), uid, { signed: true, httpOnly: true, sameSite: 'lax', secure, path, maxAge });
  }
}
