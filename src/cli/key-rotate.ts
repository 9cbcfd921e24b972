import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { toMilliseconds } from '../lib/duration.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { iso } from './layout.ts';
import { confirmation } from './prompt.ts';
import { openSigning } from './signing.ts';
import { withStores } from './stores.ts';

interface RotateOptions {
  now?: boolean;
  revoke?: string;
  yes?: boolean;
}

export function keyRotate(cli: Cli): Command {
  return action('rotate', 'add a signing key, which takes over once every verifier can know it', {
    examples: ['key rotate', 'key rotate --revoke <kid>    # a private key leaked'],
  })
    .option('--now', 'the new key signs at once; verifiers that cache the key set may refuse its tokens for a while')
    .option(
      '--revoke <kid>',
      'refuse everything that this key signed; if it is the active one, the new key signs at once',
    )
    .option('--yes', 'do not ask whether --revoke is meant')
    .action((options: RotateOptions) => rotate(cli, options));
}

async function rotate(cli: Cli, { now = false, revoke, yes = false }: RotateOptions): Promise<void> {
  const confirm = confirmation({ yes: yes || revoke === undefined });

  await withStores(cli, { mayCreate: true }, async (opened) => {
    const signing = await openSigning(opened, cli.clock);
    const keys = await signing.list();
    const doomed = keys.find(({ kid }) => kid === revoke);
    if (revoke !== undefined && !doomed)
      throw new Failure(`there is no signing key ${revoke}: see npx gatewright key list`);
    if (doomed?.state === 'revoked') throw new Failure(`the key ${revoke} is revoked already`);
    if (doomed) await confirm(`Revoke the ${doomed.state} key ${revoke}, and refuse every token it signed?`);

    const others = keys.filter(({ kid }) => kid !== revoke);
    const nobodySigns = !others.some(({ state }) => state === 'active');
    const added = await signing.rotate({ immediately: now || nobodySigns }, BY_OPERATOR);
    if (doomed) await signing.revoke(doomed.kid, BY_OPERATOR);

    const trustedUntil = iso(cli.clock() + toMilliseconds(opened.config.lifetimes.jwksCache));
    const starts = added.activatesAt > cli.clock() ? `signs from ${iso(added.activatesAt)} on` : 'signs from now on';
    const lines = [`New key ${added.kid} ${starts}.`];
    if (doomed) {
      lines.push(`Revoked ${doomed.kid}: what it signed is refused here within seconds.`);
      lines.push(`Whoever verifies tokens with a cached key set may trust it until ${trustedUntil}.`);
    }
    cli.out.result(lines.join('\n'), {
      ...{ kid: added.kid, activatesAt: iso(added.activatesAt) },
      revoked: doomed ? { kid: doomed.kid, trustedByCachesUntil: trustedUntil } : null,
    });
  });
}
