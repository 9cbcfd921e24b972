import type { Audit } from '../audit/audit.ts';
import { MINUTE, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { keyedHash } from '../lib/hash.ts';
import type { Keyring } from '../lib/keyring.ts';
import type { ArtifactKeys, ArtifactStore, Payload } from './artifact-store.ts';
import { byCurrentVisitor } from './visitor.ts';

/** The time to find another device, to sign in there and to allow it. */
export const DEVICE_CODE: Seconds = 10 * MINUTE;

/** RFC 8628 6.1: no vowels, so that no words come of it, and nothing that looks like something else. */
export const USER_CODE = { charset: 'base-20', mask: '****-****' } as const;

const USER_CODE_KEY = 'user-code';

/** A device whose person has not answered. */
export interface WaitingDevice {
  userCode: string;
  deviceCode: string;
  payload: Payload;
}

export type DeviceCodes = ReturnType<typeof createDeviceCodes>;

/** RFC 8628 3.3: neither allowed nor denied, and not too late for either. */
export function isWaiting({ accountId, error, exp }: Payload, now: Milliseconds): boolean {
  return accountId === undefined && error === undefined && now < toMilliseconds(Number(exp));
}

/**
 * Devices by what people type for them. That is short, so it is kept as a keyed hash, in a record of its own: spending it
 * is what makes one answer of many count.
 */
export function createDeviceCodes({
  artifacts,
  keyring,
  audit,
}: {
  artifacts: ArtifactStore;
  keyring: Keyring;
  audit: Audit;
}) {
  const hashed = (userCode: string, keyId?: string) => keyedHash(keyring.subkey(USER_CODE_KEY, keyId), userCode);

  async function begin(userCode: string, deviceCode: string, keys: ArtifactKeys, expiresAt: Milliseconds) {
    const own = { uid: null, grantId: null, accountId: null, clientId: keys.clientId, sessionUid: null };
    if (await artifacts.putOnce('UserCode', hashed(userCode), { deviceCode }, own, expiresAt)) return;
    // One try in 25,600,000,000, times the devices that wait at the moment.
    throw new Error('a user code came up that a device waits with already');
  }

  return {
    /** @param payload what the library keeps of it, at first with the code that people type */
    async keep(id: string, payload: Payload, keys: ArtifactKeys, expiresAt: Milliseconds): Promise<void> {
      const { userCode, ...rest } = payload;
      const { accountId, clientId } = payload as Record<string, string | undefined>;
      if (typeof userCode === 'string') await begin(userCode, id, keys, expiresAt);
      // Before it is so: no device is connected without a trace.
      if (accountId && clientId) {
        await audit.write({ event: 'device.approved', accountId, clientId }, byCurrentVisitor(accountId));
      }
      await artifacts.put('DeviceCode', id, rest, keys, expiresAt);
    },
    /** Null where none waits for it: there never was one, it is too late, or somebody has answered. */
    async find(userCode: string, now: Milliseconds): Promise<WaitingDevice | null> {
      for (const keyId of keyring.keyIds) {
        const found = await artifacts.get('UserCode', hashed(userCode, keyId));
        if (!found) continue;
        const deviceCode = String(found.payload['deviceCode']);
        const device = found.consumedAt === null ? await artifacts.get('DeviceCode', deviceCode) : null;
        return device && isWaiting(device.payload, now) ? { userCode, deviceCode, payload: device.payload } : null;
      }
      return null;
    },
    /** True for exactly one of those who answer, however many race. */
    async spend(userCode: string): Promise<boolean> {
      for (const keyId of keyring.keyIds) {
        if (await artifacts.consume('UserCode', hashed(userCode, keyId))) return true;
      }
      return false;
    },
  };
}
