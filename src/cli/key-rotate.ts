import { type Command, Option } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { ID_TOKEN_ALGORITHM, SIGNING_ALGORITHMS, type SigningAlgorithm } from '../lib/signing-algorithm.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { iso } from './layout.ts';
import { confirmation } from './prompt.ts';
import { openSigning } from './signing.ts';
import { withStores } from './stores.ts';

const NOTES = `Servers that are running take part by themselves within ten seconds. Without --now nobody notices anything: the new
key is published at once, and signs when the last copy of the older key set has expired wherever it was cached
(JWKS_CACHE and half a minute). What the old key signed stays good. A leaked key is ended with --revoke: what it
signed is refused here within seconds, and by those who cached the key set once that expires. People stay signed in.
Each algorithm has keys of its own: RS256 for ID tokens, the others for the APIs that want them.`;

interface RotateOptions {
  now?: boolean;
  algorithm?: SigningAlgorithm;
  revoke?: string;
  yes?: boolean;
}

export function keyRotate(cli: Cli): Command {
  return action('rotate', 'add a signing key, which takes over once every verifier can know it', {
    notes: NOTES,
    examples: ['key rotate', 'key rotate --now --revoke <kid>    # a private key leaked'],
  })
    .option('--now', 'the new key signs at once; verifiers that cache the key set may refuse its tokens for a while')
    .option(
      '--revoke <kid>',
      'refuse everything that this key signed; if it is the active one, the new key signs at once',
    )
    .addOption(
      new Option('--algorithm <algorithm>', 'which keys: RS256, or those of the key that --revoke names').choices(
        SIGNING_ALGORITHMS,
      ),
    )
    .option('--yes', 'do not ask whether --revoke is meant')
    .action((options: RotateOptions) => rotate(cli, options));
}

async function rotate(cli: Cli, { now = false, revoke, algorithm: named, yes = false }: RotateOptions): Promise<void> {
  const confirm = confirmation({ yes: yes || revoke === undefined });

  await withStores(cli, { mayCreate: true }, async (opened) => {
    const signing = await openSigning(opened, cli.clock);
    const keys = await signing.list();
    const doomed = keys.find(({ kid }) => kid === revoke);
    if (revoke !== undefined && !doomed)
      throw new Failure(`there is no signing key ${revoke}: see npx gatewright key list`);
    if (doomed?.state === 'revoked') throw new Failure(`the key ${revoke} is revoked already`);
    const algorithm = named ?? doomed?.algorithm ?? ID_TOKEN_ALGORITHM;
    if (doomed && doomed.algorithm !== algorithm) {
      throw new Failure(`the key ${revoke} is one of ${doomed.algorithm}: leave --algorithm out`);
    }
    if (doomed) await confirm(`Revoke the ${doomed.state} key ${revoke}, and refuse every token it signed?`);

    const others = keys.filter((key) => key.kid !== revoke && key.algorithm === algorithm);
    const nobodySigns = !others.some(({ state }) => state === 'active');
    const added = await signing.rotate({ immediately: now || nobodySigns, algorithm }, BY_OPERATOR);
    if (doomed) await signing.revoke(doomed.kid, BY_OPERATOR);

    const signsNow = added.activatesAt <= cli.clock();
    const knownBy = iso(signing.schedule.knownBy(cli.clock()));
    const lines = [`New key ${added.kid} (${algorithm}) signs from ${signsNow ? 'now' : iso(added.activatesAt)} on.`];
    if (signsNow && keys.length > 0) {
      lines.push(`Whoever verifies tokens with a cached key set may not know it until ${knownBy}.`);
    }
    if (doomed) {
      lines.push(`Revoked ${doomed.kid}: what it signed is refused here within seconds.`);
      lines.push(`Whoever verifies tokens with a cached key set may trust it until ${knownBy}.`);
    }
    cli.out.result(lines.join('\n'), {
      ...{ kid: added.kid, algorithm, activatesAt: iso(added.activatesAt), knownByCachesFrom: knownBy },
      revoked: doomed ? { kid: doomed.kid, trustedByCachesUntil: knownBy } : null,
    });
  });
}
