import type { LinkAskedJob } from '../outbox/outbox.ts';
import type { Asked, AskedPurpose, LinkStore } from './store.ts';

/** Whoever goes by an address, whatever may be done with the account. */
export interface Owners {
  /** @param email normalized */
  findByEmail(email: string): Promise<{ id: string } | null>;
}

/** What follows when somebody typed an address. Behind the back of whoever did: what is done here shows to nobody. */
export function createAskedJobs({ links, owners }: { links: LinkStore; owners: Owners }) {
  const answers: Record<AskedPurpose, (asked: Asked, owner: { id: string } | null) => Promise<unknown>> = {
    async 'password-reset'({ purpose, language, by }, owner) {
      if (owner) await links.send(owner.id, { purpose, language, by });
    },
    async 'sign-in-unlock'({ purpose, language, by }, owner) {
      if (owner) await links.send(owner.id, { purpose, language, by });
    },
  };

  return {
    async 'link-asked'({ sealed }: LinkAskedJob, id: string): Promise<void> {
      const asked = links.asked(id, sealed);
      await answers[asked.purpose](asked, await owners.findByEmail(asked.email));
    },
  };
}
