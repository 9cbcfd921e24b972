import { type LevelPolicy, policyLevel } from '../assurance/demand.ts';
import { isAtLeast, levelOf, provedHere } from '../assurance/level.ts';
import { DAY } from '../lib/duration.ts';
import type { TrustOffer } from '../web/view-data.ts';
import type { Interaction } from './interaction.ts';

export type TrustBrowser = ReturnType<typeof createTrustBrowser>;

/** The tick by which a browser stands in for the second factor from the next sign-in on. */
export function createTrustBrowser({ levelPolicy }: { levelPolicy: LevelPolicy }) {
  /**
   * Not where the next sign-in, at the same application, would ask for the second factor all the same, nor beside a
   * password that a session brought along.
   */
  function daysFor({ account, demanded, progress }: Interaction): number | null {
    if (levelOf(provedHere(progress.proofs)) === null) return null;
    if (levelPolicy.trustedBrowser === null || account === null || account.role === 'administrator') return null;
    const asked = [demanded, policyLevel(levelPolicy, account.role), account.demandedLevel ?? 'one-factor'] as const;
    if (asked.some((level) => !isAtLeast('trusted-browser', level))) return null;
    return levelPolicy.trustedBrowser / DAY;
  }

  return {
    /** For the pages of the second factor. @param form what was sent, where the page is shown again */
    offer(interaction: Interaction, form?: URLSearchParams): TrustOffer | null {
      const days = daysFor(interaction);
      return days === null ? null : { days, ticked: isTicked(form) };
    },
    /** Whether the person asked for it where it was offered. */
    isWished: (interaction: Interaction, form: URLSearchParams): boolean =>
      daysFor(interaction) !== null && isTicked(form),
  };
}

function isTicked(form: URLSearchParams | undefined): boolean {
  return form?.get('trust') === 'yes';
}
