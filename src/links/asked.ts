import type { LinkAskedJob } from '../outbox/outbox.ts';
import type { NewcomerLinks } from './newcomers.ts';
import type { Asked, AskedPurpose, LinkStore } from './store.ts';

/** Whoever goes by an address, whatever may be done with the account. */
export interface Owners {
  /** @param email normalized */
  findByEmail(email: string): Promise<{ id: string } | null>;
}

/** What follows when somebody typed an address. Behind the back of whoever did: what is done here shows to nobody. */
export function createAskedJobs({
  links,
  newcomers,
  owners,
}: {
  links: LinkStore;
  newcomers: NewcomerLinks;
  owners: Owners;
}) {
  const answers: Record<AskedPurpose, (asked: Asked, owner: { id: string } | null) => Promise<unknown>> = {
    async 'password-reset'({ language, by }, owner) {
      if (owner) await links.send(owner.id, { purpose: 'password-reset', language, by });
    },
    async 'sign-up'({ email, written = email, language, by }, owner) {
      if (owner) await newcomers.tellKnown(owner.id, language, by);
      else await newcomers.signUp({ email: written, emailNormalized: email }, language, by);
    },
    async 'email-change'({ change, language }, owner) {
      if (!change) return;
      if (owner) await links.tellTaken(owner.id, change);
      else await links.offerChange(change, { language });
    },
    async 'sign-in-unlock'({ language, by }, owner) {
      if (owner) await links.send(owner.id, { purpose: 'sign-in-unlock', language, by });
    },
  };

  return {
    async 'link-asked'({ sealed }: LinkAskedJob, id: string): Promise<void> {
      const asked = links.asked(id, sealed);
      await answers[asked.purpose](asked, await owners.findByEmail(asked.email));
    },
  };
}
