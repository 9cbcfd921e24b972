import { type Account, normalizeEmail } from '../accounts/account.ts';
import type { AccountStore } from '../accounts/store.ts';
import { Failure } from './failure.ts';

/** @param who an id or an email address; no id has an @ @throws {Failure} */
export async function existingAccount(accounts: AccountStore, who: string): Promise<Account> {
  const account = await (who.includes('@') ? accounts.findByEmail(normalizeEmail(who)) : accounts.find(who));
  if (!account) throw new Failure(`there is no account ${who}: npx gatewright account list shows those there are`);
  return account;
}
