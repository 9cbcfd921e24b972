import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Account, normalizeEmail } from '../../src/accounts/account.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DAY } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { MAIL_NAMES } from '../../src/web/mail-views.ts';
import { aPasskey, aTotp } from '../store/samples.ts';
import { startMailServer } from '../support/mail-server.ts';
import { startTestServer } from '../support/server.ts';

const FROM = 'no-reply@example.org';
const TEXTS = JSON.parse(readFileSync(new URL('../../views/texts/en.json', import.meta.url), 'utf8'));

/** Whether a letter is the one of this name, by its subject and by what it tells. */
function says(name: string, subject = '', text = ''): boolean {
  const pattern = (words: string) => new RegExp(RegExp.escape(words).replaceAll(/\\\{\w+\\\}/g, '.+'));
  const told = Object.keys(TEXTS).filter((key) => key.startsWith(`mail.${name}.what`));
  return pattern(TEXTS[`mail.${name}.subject`]).test(subject) && told.some((key) => pattern(TEXTS[key]).test(text));
}

/** Sent past the queue, by `mail test`, which test/cli/mail.test.ts tries. */
const BY_COMMAND = ['test'];

it('every letter there is arrives at a mail server', async () => {
  await using post = await startMailServer();
  await using server = await startTestServer({ SMTP_URL: post.url, MAIL_FROM: FROM, LIMIT_PER_ADDRESS: '10000' });
  const { accounts, links, newcomers, deletions, incidents, mails, knownBrowsers, passkeys, recoveries } =
    server.app.stores;
  const by = BY_OPERATOR;
  const letter = { language: 'en', by };
  const arrived = new Map<string, string[]>();

  async function account(): Promise<{ id: string; look(): Promise<Account> }> {
    const { id } = await server.addAccount();
    return { id, look: async () => (await accounts.find(id)) as Account };
  }
  /** Sends what waits, and keeps the newest link of each kind of letter. */
  async function sent(): Promise<void> {
    // What was asked for becomes a letter; what comes while its mail server is spoken to waits for five seconds.
    for (let round = 0; round < 20 && (round < 2 || (await mails.list()).length > 0); round += 1) {
      await server.app.worker.run();
      server.passTime(6_000);
    }
    for (const { mail } of post.received) {
      const name = MAIL_NAMES.find((one) => says(one, mail.subject, mail.text));
      if (!name) throw new Error(`no letter of ours: ${mail.subject}`);
      const href = /http:\S+\/link\/\S+/.exec(mail.text ?? '')?.[0];
      arrived.set(name, [...(arrived.get(name) ?? []), ...(href ? [href] : [])]);
    }
    post.received.length = 0;
  }
  const hashOf = (name: string) => sha256(arrived.get(name)?.at(-1)?.split('/').at(-1) ?? '');

  const ada = await account();
  const change = async (whose: typeof ada, to: string) => {
    const { email, factorsVersion, notBefore } = await whose.look();
    return { accountId: whose.id, from: normalizeEmail(email), to, factorsVersion, notBefore };
  };
  await accounts.enrolTotp(ada.id, 1, aTotp({ id: 'otp_one', recoveryCodeHashes: ['a', 'b'] }), by);
  await accounts.spendRecoveryCode(ada.id, ['a'], by);
  await accounts.replaceRecoveryCodes(await ada.look(), ['c'], by);
  await accounts.removeAuthenticator(ada.id, 'otp_one', by);
  await accounts.changePassword(await ada.look(), 'hash', by);
  await accounts.setPassword(ada.id, 'hash', by);
  await accounts.requirePasswordChange(ada.id, by);
  await accounts.resetFactors(ada.id, by);
  await passkeys.enrol(await ada.look(), aPasskey(), by);
  await passkeys.refuseCounter({ id: 'psk_1', accountId: ada.id }, 'web', by);
  await accounts.removePassword(await ada.look(), by);
  await passkeys.remove(await ada.look(), 'psk_1', by);
  for (const browser of ['one', 'two']) {
    await knownBrowsers.add(browser, ada.id, { provedAt: Date.now() + 1000, most: 3, by });
  }
  const { factorsVersion } = await ada.look();
  const trust = { until: Date.now() + 60_000, factorsVersion, replaces: null };
  await knownBrowsers.add('three', ada.id, { provedAt: Date.now() + 1000, most: 3, by, trust });
  await links.send(ada.id, { purpose: 'password-reset', ...letter });
  await links.send(ada.id, { purpose: 'sign-in-unlock', ...letter });
  await links.sendProof(ada.id, letter);
  await links.askChange(await change(ada, 'new.ada@example.org'), letter);
  await links.tellTaken(ada.id, await change(await account(), 'taken@example.org'));
  await sent();
  await accounts.changeEmail(ada.id, hashOf('email-change'), 'en', by);
  await sent();
  await accounts.undoEmail(ada.id, hashOf('email-changed'), 'en', by);

  const eve = await account();
  await accounts.setPassword(eve.id, 'hash', by);
  await sent();
  await accounts.lockByLink(eve.id, hashOf('password-set'), by);
  await accounts.setEmail(eve.id, 'new.eve@example.org', true, by);
  await accounts.disable(eve.id, by);
  await accounts.enable(eve.id, by);
  const opened = await incidents.open('inc_1', { kind: 'account', accountId: eve.id }, 'match', by);
  const held = { sessions: 0, grants: 0, told: [], removePasskeys: true };
  await incidents.endAccount(opened, { accountId: eve.id, password: 'required', mail: true, ...held }, by);

  const loser = await account();
  await recoveries.start(loser.id, { wait: 0, mailed: true }, by);
  await sent();
  await recoveries.recover(loser.id, hashOf('account-recovery-link'), 'hash', true, by);

  const leaver = await account();
  await deletions.order(leaver.id, 14 * DAY, by);
  await sent();
  await deletions.undo(leaver.id, hashOf('deletion-asked'), by);
  await deletions.order(leaver.id, 0, by);
  const newcomer = { email: 'new@example.org', emailNormalized: 'new@example.org' };
  await newcomers.signUp(newcomer, 'en', by);
  await newcomers.tellKnown(eve.id, 'en', by);
  await newcomers.invite({ ...newcomer, name: null, role: 'user', lifetime: DAY }, 'en', by);
  await sent();

  expect([...arrived.keys(), ...BY_COMMAND].sort()).toEqual([...MAIL_NAMES].sort());
});
