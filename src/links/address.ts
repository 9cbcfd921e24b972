import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';

/** An account as it was when its owner asked: a new password, or the end of every session, ends what was asked. */
export interface Asker {
  accountId: string;
  /** Normalized: the address that it has. */
  from: string;
  factorsVersion: number;
  notBefore: Milliseconds;
}

/** A change of address that waits for a look at who has the new one. */
export interface AskedChange extends Asker {
  /** As its owner wrote it. */
  to: string;
}

interface Letter {
  /** For who has said nothing else. */
  language: string;
  by: By;
}

/** Links about the address of an account itself. */
export interface AddressLinks {
  /** To the address that the account has, which is then good for that address alone. False: no such account is active. */
  sendProof(accountId: string, letter: Letter): Promise<boolean>;
  /**
   * Tells the present address, with a link that undoes, and queues the look for whoever has the new one: the same work
   * whether or not somebody does. False where the account is not as it was, and nothing was written.
   */
  askChange(change: AskedChange, letter: Letter): Promise<boolean>;
  /** A link to the new address; it ends the one before. False where the account is not as it was, and nothing was written. */
  offerChange(change: AskedChange, letter: Pick<Letter, 'language'>): Promise<boolean>;
  /**
   * No link: another account has the new address, and its owner is told so, and not who wanted it. For whoever asked it
   * looks like an offer: it ends the one before, and is nothing where the account is not as it was.
   */
  tellTaken(ownerId: string, change: AskedChange): Promise<void>;
}
