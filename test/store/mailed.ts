import { MINUTE } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import { createAskedJobs } from '../../src/links/asked.ts';
import { openLetter } from '../../src/mail/sealed-letter.ts';
import type { TestStores } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

export const LETTER = { language: 'en', by: BY };

/** Stores with somebody in them, and what is mailed from there. */
export async function withMail(open: () => Promise<TestStores>) {
  const stores = await open();
  const { accounts, links, newcomers, clock, keyring, rows, execute } = stores;
  const sealer = createSealer(keyring);
  await accounts.create(anAccount(), BY);

  /** What waits under a kind, oldest first, without taking it. */
  async function waiting(kind: string) {
    const jobs = (await rows('OutboxMessage')).filter((row) => row['kind'] === kind);
    return jobs
      .sort((a, b) => Number(a['createdAt']) - Number(b['createdAt']))
      .map(({ id, sealedPayload }) => ({ id: String(id), sealed: String(sealedPayload) }));
  }

  const letters = async () => (await waiting('mail')).map(({ id, sealed }) => openLetter(sealer, id, sealed));

  async function look(id = 'acc_ada') {
    const account = await accounts.find(id);
    if (!account) throw new Error(`there is no account ${id}`);
    return account;
  }

  return {
    ...stores,
    look,
    /** What waits to be sent. */
    letters,
    /** The same, in short, in an order of its own: whom, what, and whether with a link. */
    async told() {
      const all = (await letters()).map(({ to, about, token }) => [to, about.message, Boolean(token)] as const);
      return all.sort(([, a], [, b]) => (a < b ? -1 : 1));
    },
    /** What waits to be looked up. */
    async asked() {
      const [job, ...more] = await waiting('link-asked');
      if (!job || more.length > 0) throw new Error(`${more.length} too many were asked`);
      return job;
    },
    /** Looks it up, as the worker does. */
    lookUp: ({ id, sealed }: { id: string; sealed: string }) =>
      createAskedJobs({ links, newcomers, owners: accounts })['link-asked']({ kind: 'link-asked', sealed }, id),
    /** Of the newest link to this address. */
    async hashTo(to: string): Promise<string> {
      const token = (await letters()).filter((letter) => letter.to === to && letter.token).at(-1)?.token;
      if (!token) throw new Error(`no link to ${to}`);
      return sha256(token);
    },
    /** Empties the queue. */
    deliver: () => execute('DELETE FROM "OutboxMessage"'),
    async askedBy(to: string, id = 'acc_ada') {
      const { email, factorsVersion, notBefore } = await look(id);
      return { accountId: id, from: email.toLowerCase(), factorsVersion, notBefore, to };
    },
    /** Past the instant of what was done, and far from the end of any link. */
    later: () => clock.forward(MINUTE),
  };
}

export type WithMail = Awaited<ReturnType<typeof withMail>>;
