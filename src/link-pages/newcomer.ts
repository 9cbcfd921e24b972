import type { Context } from 'koa';
import type { Role, StandardClaims } from '../accounts/account.ts';
import type { NewPasskey } from '../accounts/passkey-store.ts';
import { profileOf, wrongFieldOf } from '../accounts/profile.ts';
import type { AccountStore, NewAccount } from '../accounts/store.ts';
import { Refusal } from '../lib/errors.ts';
import type { NewcomerPurpose } from '../links/link.ts';
import { admits, type SignUpRules } from '../links/sign-up.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { OpenedLink } from './link-page.ts';

/** Whom a link makes an account for, as the link has it. */
export interface Newcomer {
  email: string;
  emailVerified: boolean;
  name: string;
  role: Role;
}

/** @throws {Refusal} `link_spent` where such an address may have none any more */
export function newcomerIn({ link: { detail } }: OpenedLink, purpose: NewcomerPurpose, signUp: SignUpRules): Newcomer {
  const { email = '', name = '', mailed } = detail;
  if (!admits(signUp, purpose, email)) throw new Refusal('link_spent', 410);
  const role = purpose === 'invitation' && detail['role'] === 'administrator' ? 'administrator' : 'user';
  return { email, name, role, emailVerified: purpose === 'sign-up' || mailed === 'yes' };
}

/** With the name that was typed, whether or not it will do. */
export function named(newcomer: Newcomer, form: URLSearchParams): Newcomer & { isFit: boolean } {
  const name = (form.get('name') ?? '').normalize('NFC').trim();
  return { ...newcomer, name, isFit: wrongFieldOf(profileOf({ name })) === null };
}

export function claimsOf({ name }: Newcomer, pages: Pages, ctx: Context): StandardClaims {
  return { ...(name !== '' && { name }), locale: pages.language(ctx) };
}

/**
 * @throws {Refusal} `link_spent`
 * @throws {Conflict} `email` where the address was taken since the letter went out, `passkey` where that is registered
 */
export async function createByLink(
  accounts: Pick<AccountStore, 'createByLink'>,
  ctx: Context,
  account: NewAccount,
  link: { purpose: NewcomerPurpose; tokenHash: string },
  passkey?: NewPasskey,
): Promise<void> {
  const done = await accounts.createByLink(account, link, byVisitor(ctx.state, account.id), passkey);
  if (!done) throw new Refusal('link_spent', 410);
}
