import type { Account } from '../accounts/account.ts';
import type { AccountStore } from '../accounts/store.ts';
import { Refusal } from '../lib/errors.ts';
import type { OpenedLink } from './link-page.ts';

/** Whose link it is, as long as that account may be signed in to. @throws {Refusal} `link_spent` */
export async function ownerOf(accounts: AccountStore, { link }: OpenedLink): Promise<Account> {
  const account = link.accountId === null ? null : await accounts.find(link.accountId);
  if (account?.status !== 'active') throw new Refusal('link_spent', 410);
  return account;
}
