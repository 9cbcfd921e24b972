import { isMailAddress } from '../lib/mail-address.ts';
import { domainOf } from '../lib/mail-domain.ts';
import type { NewcomerPurpose } from './link.ts';

/** What the operator allows. */
export interface SignUpRules {
  mode: 'off' | 'invited' | 'domains' | 'open';
  /** As `plainDomain` writes them. */
  domains: readonly string[];
}

/**
 * An address that a letter can prove, as its owner writes it; null for any other. NFKC, since a mail server may have another
 * box for a look-alike that would open the account of the plain one; nothing that cannot be seen.
 */
export function newcomerAddress(typed: string): string | null {
  const address = typed.normalize('NFKC').trim();
  return isMailAddress(address) && domainOf(address) !== null && !/\p{C}/u.test(address) ? address : null;
}

/** Whether an account may be made of this address by such a link. What allowed the letter may have ended since. */
export function admits({ mode, domains }: SignUpRules, purpose: NewcomerPurpose, address: string): boolean {
  if (mode === 'off') return false;
  if (purpose === 'invitation' || mode === 'open') return true;
  return mode === 'domains' && domains.includes(domainOf(address) ?? '');
}
