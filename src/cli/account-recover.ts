import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Account } from '../accounts/account.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { DAY, HOUR, type Seconds } from '../lib/duration.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { Failure, UsageFailure } from './failure.ts';
import { iso } from './layout.ts';
import { lengthOfTime } from './length-of-time.ts';
import { confirmation } from './prompt.ts';
import { type Opened, withStores } from './stores.ts';

const LONGEST = 30 * DAY;

interface RecoverOptions {
  wait?: Seconds;
  mail?: boolean;
  cancel?: boolean;
  yes?: boolean;
}

export function accountRecover(cli: Cli): Command {
  return action('recover', 'make a link for somebody who has lost everything; their addresses are told at once', {
    notes: [
      'Make sure who is asking. The link opens after the wait, and is good for 72 hours: whoever has it sets a new password,',
      'and every authenticator app, passkey and recovery code is gone. Where there was one, the next sign-in asks for another',
      'before it is done. Until the link is used, its owner can stop it by a letter, or by signing in with a second factor.',
      'Only the newest link of an account opens anything.',
    ].join('\n'),
    examples: ['account recover ada@example.org', 'account recover ada@example.org --wait 3d --mail'],
  })
    .argument('<account>', 'its id or email')
    .addOption(
      new Option('--wait <time>', 'until the link opens: 0h, 12h … 30d (RECOVERY_WAIT_HOURS, 24h)').argParser(
        parseWait,
      ),
    )
    .option('--mail', 'mail the link to the address of the account instead of showing it')
    .option('--cancel', 'end the one that is under way')
    .option('--yes', 'with a --wait that is shorter than RECOVERY_WAIT_HOURS: do not ask')
    .action((who: string, options: RecoverOptions) => recover(cli, who, options));
}

async function recover(cli: Cli, who: string, options: RecoverOptions): Promise<void> {
  const { wait, mail = false, cancel = false } = options;
  if (cancel && (wait !== undefined || mail)) {
    throw new UsageFailure('--cancel goes with neither --wait nor --mail', 'gatewright account recover');
  }
  await withStores(cli, {}, async (opened) => {
    const account = await existingAccount(opened.stores.accounts, who);
    await (cancel ? end(cli, opened, account) : start(cli, opened, account, options));
  });
}

async function start(cli: Cli, { config, stores }: Opened, account: Account, options: RecoverOptions): Promise<void> {
  const { id, email, status } = account;
  const { wait = config.recoveryWait, mail: mailed = false } = options;
  if (status !== 'active') {
    throw new Failure(`the account of ${email} is ${status}: npx gatewright account enable ${email} comes first`);
  }
  if (config.mail.by === 'off') {
    if (mailed) throw new Failure('no mail goes out from here: set SMTP_URL, or leave --mail out');
    cli.out.warn('no mail goes out from here: nobody will tell the owner of the account, who cannot stop this');
  }
  if (wait < config.recoveryWait) {
    const less = `The owner of ${email} has ${inWords(wait)} to stop it, not the ${inWords(config.recoveryWait)}`;
    await confirmation(options)(`${less} of RECOVERY_WAIT_HOURS. Go on?`);
  }
  const started = await stores.recoveries.start(id, { wait, mailed }, BY_OPERATOR);
  if (!started) throw new Failure(`the account of ${email} was changed meanwhile: look at it, then try again`);

  const [opensAt, expiresAt] = [iso(started.opensAt), iso(started.expiresAt)];
  const link = started.token === null ? null : `${config.issuer}/link/${started.token}`;
  const when = `It opens at ${opensAt}, and works once, until ${expiresAt}`;
  const text =
    link === null
      ? `Letters to ${email} are queued, one of them with the link. ${when}.`
      : `Give this link to the owner of ${email}, in person. ${when}; it is not shown again:\n\n  ${link}`;
  cli.out.result(text, { id, email, opensAt, expiresAt, mailed, ...(link !== null && { link }) });
}

async function end(cli: Cli, { stores }: Opened, { id, email }: Account): Promise<void> {
  if (!(await stores.recoveries.stop(id, 'operator', BY_OPERATOR))) {
    throw new Failure(`no recovery of ${email} is under way`);
  }
  cli.out.result(`The recovery of ${email} is stopped: its link opens nothing.`, { id, email, stopped: true });
}

function inWords(time: Seconds): string {
  return time % HOUR === 0 ? `${time / HOUR} h` : `${time} s`;
}

function parseWait(text: string): Seconds {
  const wait = lengthOfTime(text);
  if (wait === null || wait > LONGEST) throw new InvalidArgumentError('It is a number and m, h or d, from 0h to 30d.');
  return wait;
}
