import type { Context } from 'koa';
import type { Account } from '../accounts/account.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { Device } from '../web/device.ts';
import type { ClientHead } from '../web/view-data.ts';

/** A device that waits for a person's answer, and what is known of it. */
export interface AskingDevice extends Device {
  userCode: string;
  client: ClientHead & { id: string };
  /** Where it asked from. */
  address: string | null;
  askedAt: Milliseconds;
}

/** All that the pages see of the protocol. Built in src/oidc/devices.ts. */
export interface Devices {
  /** Who is signed in in this browser. Stores nothing. */
  visitor(ctx: Context): Promise<Account | null>;
  /** Null where no device waits for it. */
  find(userCode: string): Promise<AskingDevice | null>;
  /** Goes on to the sign-in. @returns where that is; null where somebody was faster */
  begin(ctx: Context, device: AskingDevice): Promise<string | null>;
  /** The device is told. False where somebody was faster. */
  deny(device: AskingDevice): Promise<boolean>;
}

const SHAPE = /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/;

/** What somebody typed, in whatever case and with whatever between the letters; null where it cannot be such a code. */
export function userCodeIn(typed: string): string | null {
  const letters = typed.toUpperCase().replaceAll(/[\s.·_\-‐-―]/g, '');
  return SHAPE.test(letters) ? letters : null;
}

/** As the device shows it. */
export function shownCode(userCode: string): string {
  return `${userCode.slice(0, 4)}-${userCode.slice(4)}`;
}
