import { userInfo } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import type { TrailFilter } from '../audit/trail.ts';
import type { Findings, Orders, Scope } from '../incident/incident.ts';
import type { Concerned } from '../incident/respond.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { parseAge } from './audit-filter.ts';
import { existingClient, usesSecret } from './client-checks.ts';
import { secretText } from './client-create.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { Failure, UsageFailure } from './failure.ts';
import { eventsAround } from './incident-events.ts';
import { iso } from './layout.ts';
import { confirmation } from './prompt.ts';
import { openSigning } from './signing.ts';
import { type Opened, withStores } from './stores.ts';

const LONGEST_REASON = 2_000;

const NOTES = `Ends sessions, grants and tokens at once, and has applications told. Of accounts, a new password is asked for at the next
sign-in, and passkeys that were added in the last seven days are removed, since each opens the account without any
password; people are told by mail. API keys of a client, or to an API, are revoked with it. Writes a report: what was ended, and what happened before. --everything spares
nobody: your own account too. The server may run or not; what is still to deliver goes out when it runs.

A run that was cut short is repeated as it was, with the same reason, within a day: it goes on where it was.
Keys: what --revoke-keys ends is refused here within seconds, and by those who cached the key set once that expires.`;

interface Options {
  account?: string;
  email?: string;
  client?: string;
  everything?: boolean;
  reason: string;
  report?: string;
  since: string;
  rotateKeys?: boolean;
  revokeKeys?: boolean;
  keepPasswords?: boolean;
  keepPasskeys?: boolean;
  newSecret?: boolean;
  disable?: boolean;
  mail: boolean;
  dryRun?: boolean;
  yes?: boolean;
}

export function incident(cli: Cli): Command {
  return action('incident', 'end what an incident may have given away, and write down what was done', {
    notes: NOTES,
    examples: [
      'incident --email ada@example.org --reason "laptop stolen"',
      'incident --client web-app --new-secret --reason "secret in a public repository"',
      'incident --everything --revoke-keys --reason "backup and keyring stolen" --dry-run',
    ],
  })
    .option('--account <account>', 'one account: its id or email')
    .option('--email <address>', 'the same')
    .option('--client <id>', 'one client, and what people have there')
    .option('--everything', 'every account and every client')
    .requiredOption('--reason <text>', 'what happened, for the report')
    .option('--rotate-keys', 'add a signing key, which takes over once every verifier can know it')
    .option('--revoke-keys', 'refuse everything that was signed so far; a new key signs at once')
    .option('--keep-passwords', 'ask nobody for a new password')
    .option('--keep-passkeys', 'remove no passkey, however lately it was added')
    .option('--new-secret', 'of the client: a new secret, shown once; the old ones end now')
    .option('--disable', 'of the client: it can do nothing until it is enabled')
    .option('--no-mail', 'write to nobody')
    .option('--since <time>', 'how far back the report goes in the audit trail: 30m, 24h, 7d …', '24h')
    .option('--report <file>', 'where the report goes; otherwise incidents/ in the data folder')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--yes', 'do not ask')
    .action((options: Options) => respond(cli, options));
}

async function respond(cli: Cli, options: Options): Promise<void> {
  checkOptions(options);
  const age = parseAge('--since', options.since);
  const confirm = confirmation({ yes: (options.yes ?? false) || (options.dryRun ?? false) });

  await withStores(cli, {}, async (opened) => {
    const { stores, config } = opened;
    const { clock, incidents } = stores;
    const { scope, ...concerned } = await concernedBy(opened, options);
    const { orders, secret } = await ordersOf(opened, options, scope);
    const [{ createResponse }, { openHoldings }, { incidentKeys }, reports, { progressBar }] = await Promise.all([
      import('../incident/respond.ts'),
      import('./incident-holdings.ts'),
      import('./incident-keys.ts'),
      import('./incident-report.ts'),
      import('./progress-bar.ts'),
    ]);
    const keys = incidentKeys(await openSigning(opened, clock));
    const holdings = await openHoldings(stores);
    const response = createResponse({ store: incidents, holdings, keys, clock, by: BY_OPERATOR });
    const since = clock() - age;
    const circumstances = async ({ openedAt }: Findings) => ({
      ...{ issuer: config.issuer, operator: operatorName(), since },
      ...(await eventsAround(stores.auditTrail, filterOf(scope), { since, openedAt })),
    });

    if (options.dryRun) {
      const foreseen = await response.foresee(orders, concerned);
      const report = reports.reportOf(foreseen, orders, await circumstances(foreseen));
      return cli.out.result(reports.reportText(report), report);
    }
    const named = options.report === undefined ? null : path.resolve(options.report);
    const folder = named === null ? path.resolve(config.folders.data, 'incidents') : path.dirname(named);
    reports.checkReportFolder(folder, { isOurs: named === null });
    if (named !== null) reports.checkReportFile(named);
    await confirm(questionOf(scope, concerned));

    let file = named ?? '';
    const bar = scope.kind === 'account' ? null : progressBar(cli.out, 'Ending', concerned.people.length);
    const findings = await response.end(orders, concerned, {
      begun({ id, openedAt }, resumed) {
        file = named ?? path.join(folder, `${iso(openedAt).replaceAll(/[:.]/g, '-')}.json`);
        reports.checkReportName(file, id);
        if (resumed) cli.out.warn(`this goes on with ${id}, which was begun at ${iso(openedAt)} and not finished`);
      },
      progress: (done) => bar?.to(done),
    });
    bar?.done();
    const report = reports.reportOf(findings, orders, await circumstances(findings));
    reports.writeReport(file, report);
    const shown = secret === null ? '' : `\n\n${secretText(secret)}`;
    cli.out.result(`${reports.reportText(report)}\n\nThe report is in ${file}.${shown}`, {
      ...{ ...report, file },
      ...(secret !== null && { secret }),
    });
    // Shown before it is done: a secret that nobody has seen is replaced when the command is repeated.
    await response.done(findings.id, orders);
  });
}

/** @throws {UsageFailure} */
function checkOptions({ account, email, client, everything, ...options }: Options): void {
  if ([account, email, client, everything].filter((one) => one !== undefined).length !== 1) {
    throw new UsageFailure('say what it is about: one of --account, --email, --client and --everything');
  }
  if (options.reason.trim() === '' || options.reason.length > LONGEST_REASON) {
    throw new UsageFailure(`--reason must say what happened, in ${LONGEST_REASON} characters at most`);
  }
  if ((options.newSecret || options.disable) && client === undefined) {
    throw new UsageFailure('--new-secret and --disable are about one client: name it with --client');
  }
  if (options.keepPasswords && client !== undefined) {
    throw new UsageFailure('--keep-passwords is about accounts: with --client passwords stay anyway');
  }
  if (options.keepPasskeys && client !== undefined) {
    throw new UsageFailure('--keep-passkeys is about accounts: with --client passkeys stay anyway');
  }
  if (options.rotateKeys && options.revokeKeys) {
    throw new UsageFailure('--revoke-keys adds a new key too: leave --rotate-keys out');
  }
}

async function concernedBy({ stores }: Opened, options: Options): Promise<Concerned & { scope: Scope }> {
  const { accounts, clients } = stores;
  const who = options.account ?? options.email;
  const all = who === undefined ? await accounts.list() : [await existingAccount(accounts, who)];
  const people = all.map(({ id, passwordHash, mustChangePassword, notBefore }) => ({
    ...{ id, mustChangePassword, notBefore, hasPassword: passwordHash !== null },
  }));
  if (who !== undefined) {
    return { scope: { kind: 'account', accountId: people[0]?.id ?? '' }, people, clientIds: [] };
  }
  if (options.client !== undefined) {
    const { id } = await existingClient(clients, options.client);
    return { scope: { kind: 'client', clientId: id }, people, clientIds: [id] };
  }
  return { scope: { kind: 'everything' }, people, clientIds: (await clients.list()).map(({ id }) => id) };
}

async function ordersOf(
  { stores: { clients } }: Opened,
  {
    reason,
    keepPasswords = false,
    keepPasskeys = false,
    mail,
    rotateKeys,
    revokeKeys,
    newSecret,
    disable = false,
  }: Options,
  scope: Scope,
): Promise<{ orders: Orders; secret: string | null }> {
  const keys = revokeKeys ? 'revoked' : rotateKeys ? 'rotated' : 'kept';
  const orders = { scope, reason, keepPasswords, keepPasskeys, mail, keys, disable, newSecretHash: null } as const;
  if (!newSecret || scope.kind !== 'client') return { orders, secret: null };
  const { name, settings } = await existingClient(clients, scope.clientId);
  if (!usesSecret(settings)) {
    throw new Failure(`${name} has no secret to replace: its authentication is ${settings.authMethod}`);
  }
  const { issueClientSecret } = await import('../clients/secrets.ts');
  const { secret, secretHash } = issueClientSecret();
  return { orders: { ...orders, newSecretHash: secretHash }, secret };
}

function filterOf(scope: Scope): TrailFilter {
  if (scope.kind === 'account') return { accountId: scope.accountId };
  return scope.kind === 'client' ? { clientId: scope.clientId } : {};
}

function questionOf(scope: Scope, { people, clientIds }: Concerned): string {
  if (scope.kind === 'account') return `End every session and token of ${scope.accountId}?`;
  if (scope.kind === 'client') return `End every token of ${scope.clientId}, and every sign-in there?`;
  return `End every session and token of ${people.length} accounts, your own too, and ${clientIds.length} clients?`;
}

/** An account of the machine may have no name, in a container for one. */
function operatorName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
