import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import PostalMime, { type Email } from 'postal-mime';
import type { TestServer } from './server.ts';

/** What was mailed to an address, oldest first, read out of the outbox folder. */
export async function lettersTo(server: Pick<TestServer, 'app' | 'folder'>, email: string): Promise<Email[]> {
  await untilSent(server.app);
  const folder = path.join(server.folder, 'data/outbox');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name.endsWith('.eml'))
    .map(({ name }) => path.join(folder, name))
    .map((file) => ({ file, at: statSync(file, { bigint: true }).mtimeNs }))
    .sort((a, b) => (a.at < b.at ? -1 : 1));
  const letters = await Promise.all(files.map(({ file }) => PostalMime.parse(readFileSync(file))));
  return letters.filter(({ to }) => to?.some(({ address }) => address === email));
}

/** What was asked for becomes a letter, and the letter a file: at once, or a little later where another was on its way. */
async function untilSent({ worker, stores }: TestServer['app']): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    if (round > 2) await pause(100);
    await worker.run();
    if (round > 1 && (await stores.mails.list()).every(({ dueAt }) => dueAt === null)) return;
  }
}

/** The address of the newest letter's one-time link, as somebody reads it there. */
export async function mailedLink(server: Pick<TestServer, 'app' | 'folder'>, email: string): Promise<string> {
  const letter = (await lettersTo(server, email)).at(-1);
  const [href] = /\bhttps?:\/\/\S+\/link\/\S+/.exec(letter?.text ?? '') ?? [];
  if (!href) throw new Error(`no link in the last letter to ${email}: ${letter?.subject}`);
  return href;
}
