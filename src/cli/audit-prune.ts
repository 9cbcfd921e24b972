import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { parseAge } from './audit-filter.ts';
import { action, type Cli } from './command.ts';
import { iso } from './layout.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

interface PruneOptions {
  olderThan: string;
  force?: boolean;
  yes?: boolean;
}

export function auditPrune(cli: Cli): Command {
  return action('prune', 'remove the beginning of the audit trail for good; what remains still verifies', {
    examples: ['audit prune --older-than 400d'],
  })
    .requiredOption('--older-than <time>', 'what is older, such as 400d')
    .option('--force', 'also where it does not verify, which destroys the proof that somebody changed it')
    .option('--yes', 'do not ask')
    .action((options: PruneOptions) => prune(cli, options));
}

async function prune(cli: Cli, { olderThan, force = false, yes = false }: PruneOptions): Promise<void> {
  const before = cli.clock() - parseAge('--older-than', olderThan);
  const confirm = confirmation({ yes });
  const [{ pruneTrail }, { progressBar }] = await Promise.all([
    import('../audit/prune.ts'),
    import('./progress-bar.ts'),
  ]);
  await withStores(cli, {}, async ({ stores: { auditTrail: trail, lastingKeys } }) => {
    const through = await trail.lastBefore(before);
    const from = (await trail.anchor())?.sequence ?? 0;
    const total = through === null ? 0 : through - from;
    if (total > 0) await confirm(`Remove ${total} entries from before ${iso(before)} for good?`);
    const bar = progressBar(cli.out, 'Removing', total);
    const options = { force, toldHowMany: bar.to };
    const entries = await pruneTrail({ trail, key: lastingKeys.audit }, before, BY_OPERATOR, options);
    bar.done();
    cli.out.result(`Removed ${entries} entries from before ${iso(before)}.`, { entries, before: iso(before) });
  });
}
