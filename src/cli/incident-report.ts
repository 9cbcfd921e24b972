import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Findings, Orders } from '../incident/incident.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { entryJson } from './audit-words.ts';
import { Failure } from './failure.ts';
import type { Happened } from './incident-events.ts';
import { details, iso } from './layout.ts';

export interface Circumstances extends Happened {
  issuer: string;
  /** The user of this machine who ran the command. */
  operator: string;
  /** The oldest event that the report has. */
  since: Milliseconds;
}

const LEFT_OUT = ', and more that npx gatewright audit export writes';

export type Report = ReturnType<typeof reportOf>;

/** Ids only, but for what the audit trail says. Never a secret. */
export function reportOf(findings: Findings, orders: Orders, circumstances: Circumstances) {
  const { id, openedAt, finishedAt, accounts, clients, keys, pending } = findings;
  const { scope, reason, keepPasswords, keepPasskeys, mail } = orders;
  const { issuer, operator, since, events, eventsLeftOut } = circumstances;
  return {
    ...{ incidentId: id, dryRun: id === null, issuer, operator, reason },
    ...{ openedAt: iso(openedAt), finishedAt: iso(finishedAt) },
    ...{ scope, orders: { keepPasswords, keepPasskeys, mail, keys: orders.keys, disable: orders.disable } },
    accounts,
    clients,
    keys: keys && {
      ...{ added: keys.added, activatesAt: iso(keys.activatesAt), revoked: keys.revoked },
      knownByCachesFrom: iso(keys.knownByCachesFrom),
    },
    ...{ lettersQueued: accounts.filter(({ mailed }) => mailed).length, pending },
    ...{ eventsSince: iso(since), eventsLeftOut, events: events.map(entryJson) },
  };
}

/** @throws {Failure} before anything is done, where the report could not be written in the end */
export function checkReportFolder(folder: string, { isOurs }: { isOurs: boolean }): void {
  try {
    if (isOurs) mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
  } catch (err) {
    throw new Failure(`the report cannot be written to ${folder} (${(err as NodeJS.ErrnoException).code})`);
  }
}

/** @throws {Failure} before anything is done, where a report cannot have this name */
export function checkReportFile(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Failure(`${file} is a folder: name a file with --report`);
  }
}

/** @throws {Failure} where another incident's report has this name */
export function checkReportName(file: string, id: string): void {
  if (existsSync(file) && !readFileSync(file, 'utf8').includes(`"${id}"`)) {
    throw new Failure(`${file} is there already: name another file with --report`);
  }
}

/** Whole or not at all, and for its owner only. */
export function writeReport(file: string, report: Report): void {
  const draft = `${file}.tmp`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
}

export function reportText(report: Report): string {
  const { accounts, clients, keys, pending, scope, incidentId } = report;
  const sum = (of: (account: (typeof accounts)[number]) => number) => accounts.reduce((all, one) => all + of(one), 0);
  const told = new Set(accounts.flatMap((account) => account.told));
  const required = accounts.filter(({ password }) => password === 'required' || password === 'already').length;
  const waiting = Object.entries(pending).map(([kind, count]) => `${kind} ${count}`);
  return details([
    ['incident', incidentId ?? 'none: this is what would be done'],
    ['scope', scope.kind === 'account' ? scope.accountId : scope.kind === 'client' ? scope.clientId : 'everything'],
    ['reason', report.reason],
    ['operator', report.operator],
    ['accounts', String(accounts.length)],
    ['sessions ended', String(sum(({ sessions }) => sessions))],
    ['grants ended', String(sum(({ grants }) => grants))],
    ['applications told', told.size > 0 ? [...told] : 'none'],
    ['new passwords', String(required)],
    ['passkeys removed', String(sum(({ passkeysRemoved }) => passkeysRemoved))],
    ['letters', String(report.lettersQueued)],
    ['clients', clients.length > 0 ? clients.map(clientText) : 'none'],
    ['key added', keys && `${keys.added}, signs from ${keys.activatesAt} on`],
    ['keys revoked', keys && (keys.revoked.length > 0 ? keys.revoked : 'none')],
    ['key caches', keys && `may trust what was revoked, and not know what is new, until ${keys.knownByCachesFrom}`],
    ['still to deliver', waiting.length > 0 ? waiting : 'nothing'],
    ['events', `${report.events.length} since ${report.eventsSince}${report.eventsLeftOut ? LEFT_OUT : ''}`],
  ]);
}

function clientText({ clientId, disabled, newSecret, apiKeysRevoked }: Report['clients'][number]): string {
  const keys = apiKeysRevoked > 0 && `API keys revoked: ${apiKeysRevoked}`;
  return [clientId, disabled && 'disabled', newSecret && 'with a new secret', keys].filter(Boolean).join(', ');
}
