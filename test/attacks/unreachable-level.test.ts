import { expect, it } from 'vitest';
import { databaseFile } from '../../src/store/sqlite/engine.ts';
import { closeSqliteFile, openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { PASSWORD, startTestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { ask, told, visit } from '../support/visit.ts';
import { SEED } from './stations.ts';

it('what is demanded of an account and not offered here is asked of nobody, and lets nobody in', async () => {
  await using server = await startTestServer({ PASSKEYS: 'off' });
  const person = await visit(server, { person: { totpSecret: SEED } });
  const handle = openSqliteFile({ file: databaseFile(server.config.folders.data) });
  handle.prepare('UPDATE Account SET demandedLevel = ? WHERE id = ?').run('phishing-resistant', person.account.id);
  closeSqliteFile(handle);

  const { page } = await ask(person);
  const second = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
  const back = told(await person.agent.submit(second, { code: codeOf(SEED) }));
  expect(back).toMatchObject({ error: 'unmet_authentication_requirements' });
  expect(back.code).toBeUndefined();
  // Nor did it begin a session that would.
  expect(told((await ask(person, { prompt: 'none' })).page).error).toBe('login_required');
});
