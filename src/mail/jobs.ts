import type { Sealer } from '../lib/sealing.ts';
import type { MailJob } from '../outbox/outbox.ts';
import type { Mailer } from './mailer.ts';
import type { Letter } from './message.ts';
import { openLetter } from './sealed-letter.ts';

/** A letter in its receiver's language. */
export type Render = (letter: Letter) => { language: string; subject: string; text: string; html: string };

/** @param mailer null: mail is off, and what was queued is dropped rather than sent on some later day */
export function createMailJobs({ mailer, render, sealer }: { mailer: Mailer | null; render: Render; sealer: Sealer }) {
  return {
    async mail({ sealed }: MailJob, id: string): Promise<void> {
      if (mailer === null) return;
      const letter = openLetter(sealer, id, sealed);
      await mailer.send({ id, to: letter.to, ...render(letter) });
    },
  };
}
