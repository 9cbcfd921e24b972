import type { Command } from 'commander';
import type { KnownHead } from '../audit/verify.ts';
import { MINUTE, toMilliseconds } from '../lib/duration.ts';
import { action, type Cli } from './command.ts';
import { Failure, UsageFailure } from './failure.ts';
import { iso } from './layout.ts';
import { withStores } from './stores.ts';

const NOTES = `Without a head that was kept elsewhere it is not noticed that the end of the trail was cut off, or that entries lost
their seal, were changed, and were sealed anew by the server. It writes heads to its log ("audit trail sealed") and to
AUDIT_HEAD_FILE. Events of the last second have no place in the chain yet.`;

interface VerifyOptions {
  head?: string;
  headFile?: string;
}

export function auditVerify(cli: Cli): Command {
  return action('verify', 'check that the audit trail is as it was sealed; exits with 1 where it is not', {
    examples: ['audit verify --head-file /var/log/gatewright-heads', 'audit verify --head 1234:q2Zf…'],
    notes: NOTES,
  })
    .option('--head <sequence:hash>', 'the trail must reach this head, which you vouch for')
    .option('--head-file <file>', 'it must reach every head in a file: AUDIT_HEAD_FILE, or the log of the server')
    .action((options: VerifyOptions) => verify(cli, options));
}

async function verify(cli: Cli, options: VerifyOptions): Promise<void> {
  const [{ verifyTrail }, { readHeads }, { progressBar }] = await Promise.all([
    import('../audit/verify.ts'),
    import('../audit/heads.ts'),
    import('./progress-bar.ts'),
  ]);
  const heads: KnownHead[] = [
    ...(options.head === undefined ? [] : [parseHead(options.head)]),
    ...(options.headFile === undefined ? [] : readHeads(options.headFile)),
  ];
  const { out, clock } = cli;
  await withStores(cli, {}, async ({ stores: { auditTrail: trail, lastingKeys } }) => {
    const bar = progressBar(out, 'Verifying the audit trail', await trail.length());
    const { findings, entries, compared, head } = await verifyTrail({ trail, key: lastingKeys.audit }, heads, bar.to);
    bar.done();
    const { count, oldest } = await trail.pending();
    if (oldest !== null && oldest < clock() - toMilliseconds(MINUTE)) {
      out.warn(`events since ${iso(oldest)} have no place in the chain yet: a running server gives them theirs`);
    }
    const lines = [
      ...findings,
      `${entries} entries, the last is ${head.sequence}:${head.hash}`,
      ...(heads.length > 0 ? [`compared with ${compared} of ${heads.length} heads`] : []),
      `${count} events are not sealed yet, and not covered`,
    ];
    const ok = findings.length === 0;
    out.result(lines.join('\n'), { ok, findings, entries, head, comparedWith: compared, unsealed: count });
    if (!ok) throw new Failure(findings.length === 1 ? 'there is a finding' : `there are ${findings.length} findings`);
  });
}

/** @throws {UsageFailure} */
function parseHead(text: string): KnownHead {
  const [, sequence = '', hash = ''] = /^(\d{1,10}):([\w-]{43})$/.exec(text) ?? [];
  if (sequence === '') throw new UsageFailure('--head must be a number and a hash with a colon between them');
  return { sequence: Number(sequence), hash, at: 0, mac: null };
}
