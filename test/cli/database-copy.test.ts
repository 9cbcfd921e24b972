import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server.ts';
import { newDatabase, type TestDatabase } from '../support/databases.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent } from '../support/user-agent.ts';
import { again, ask, enter, stepOf } from '../support/visit.ts';
import type { Outcome } from './gatewright.ts';
import { leftIn, operatorOf, type People, populate, startElsewhere } from './moved.ts';

/** Beyond the time in which the loss of an answer is forgiven, so that a spent refresh token ends its family. */
const LATER = 11_000;

let before: TestServer;
let database: TestDatabase;
let people: People;
let whileRunning: Outcome;
let outcome: Outcome;
let after: Server;

beforeAll(async () => {
  before = await startTestServer({}, { engine: 'sqlite' });
  database = await newDatabase();
  people = await populate(before);
  const gatewright = operatorOf(before);
  const secret = path.join(before.folder, 'database_url');
  writeFileSync(secret, `${database.url}\n`);
  whileRunning = await gatewright(['database', 'copy', '--to', database.url, '--yes']);
  await before.close();
  outcome = await gatewright(['database', 'copy', '--to-file', secret, '--yes']);
  after = await startElsewhere(before, { database: { url: database.url, pool: 4 } }, LATER);
}, 120_000);

afterAll(async () => {
  await after?.close();
  await before[Symbol.asyncDispose]();
  await database.drop();
});

describe('database copy', () => {
  it('is refused while the server runs', () => {
    expect(whileRunning.status).toBe(1);
    expect(whileRunning.stderr).toBe(
      `gatewright: a server answers at http://127.0.0.1:${before.config.listen.port}: stop it first, and every other one on this data\n`,
    );
  });

  it('says how far it is, and what it found the same on both sides', () => {
    expect([outcome.status, outcome.stderr]).toEqual([
      0,
      expect.stringMatching(/Copying: 100 %\n.*Comparing: 100 %\n/s),
    ]);
    expect(outcome.stdout).toMatch(/^Moved http:\/\/localhost:\d+ to postgresql:\/\/[^@]*\. Every table is the same/);
    expect(outcome.stdout).toMatch(/^Account {2,}4 {2,}[0-9a-f]{64}$/m);
  });

  it('asks for what it needs, before anything is done', async () => {
    const gatewright = operatorOf(before);
    expect(await gatewright(['database', 'copy', '--to', 'mysql://db/x', '--yes'])).toMatchObject({
      status: 1,
      stderr: 'gatewright: --to must be of the form postgresql://user@host:5432/database\n',
    });
    expect(await gatewright(['database', 'copy', '--to', database.url])).toMatchObject({ status: 2 });
    for (const both of [[], ['--to', database.url, '--to-file', 'x']]) {
      expect(await gatewright(['database', 'copy', '--yes', ...both])).toMatchObject({
        status: 2,
        stderr: 'gatewright: say where to: either --to or --to-file; see npx gatewright database copy --help\n',
      });
    }
    const wrong = await gatewright(['database', 'copy', '--to', database.url, '--yes'], { DATABASE_URL: database.url });
    expect(wrong.stderr).toMatch(/^gatewright: this is about the files in DATA_DIR, but DATABASE_URL is set/);
  });
});

it('is told that a password in the command line is no secret any more, and does not read it again', async () => {
  const { stderr } = await operatorOf(before)([
    'database',
    'copy',
    '--to',
    'postgresql://u:hunter2@127.0.0.1:1/x',
    '--yes',
  ]);
  expect(stderr).toMatch(
    /^gatewright: warning: the password in --to is seen by other users of this machine .*: use --to-file/,
  );
  expect(stderr).not.toContain('hunter2');
  expect(outcome.stderr).not.toContain('--to-file');
});

describe('people, after the move', () => {
  it('are signed in with the cookies they had, and their tokens work', async () => {
    expect(await people.machine.isActive()).toBe(true);
    const { ada } = people;
    expect((await again(ada)).id_token).toBeTruthy();
    expect((await ada.party.userinfo(ada.tokens.access_token, ada.account.id)).sub).toBe(ada.account.id);
    expect((await ada.party.refresh(ada.tokens.refresh_token ?? '')).access_token).toBeTruthy();
  });

  it('prove themselves with the authenticator and the recovery codes they had', async () => {
    const { ada } = people;
    const { email } = ada.account;
    const visitor = { ...ada, agent: createUserAgent(before.issuer) };
    const { page, authorization } = await ask(visitor);
    const asked = await visitor.agent.submit(page, { email, password: PASSWORD });
    // The step of the code that confirmed the enrolment is spent here too.
    const replayed = await visitor.agent.submit(asked, { code: ada.spentCode });
    expect(stepOf(replayed)).toBe('totp');
    const link = /href="([^"]+method=recovery-code)"/.exec(replayed.html)?.[1] ?? '';
    const back = await visitor.agent.submit(await visitor.agent.get(link), { code: ada.codes[0] ?? '' });
    expect((await ada.party.redeem(back, authorization)).id_token).toBeTruthy();

    const other = { ...ada, agent: createUserAgent(before.issuer) };
    const start = await ask(other);
    const second = await other.agent.submit(start.page, { email, password: PASSWORD });
    const done = await other.agent.submit(second, { code: codeOf(ada.seed, 1) });
    expect((await ada.party.redeem(done, start.authorization)).id_token).toBeTruthy();
  });

  it('find what was spent spent: the family of the token falls', async () => {
    const { bob } = people;
    await expect(bob.party.refresh(bob.spent)).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(bob.party.refresh(bob.tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('stay disabled, and signed out', async () => {
    const { eve, joe } = people;
    await expect(eve.party.refresh(eve.tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(stepOf((await ask(eve)).page)).toBe('password');
    expect(stepOf((await ask({ ...joe, agent: joe.thief })).page)).toBe('password');
    await expect(joe.party.refresh(joe.tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});

describe('the way back', () => {
  it('is shut, until the operator says so; then everybody signs in anew', async () => {
    const gatewright = operatorOf(before);
    const shut = await gatewright(['account', 'list']);
    expect([shut.status, shut.stderr]).toEqual([
      1,
      expect.stringMatching(/^gatewright: this installation was moved to \S+: set DATABASE_URL to it, or go back with/),
    ]);
    await after.close();
    expect((await gatewright(['database', 'reopen'])).status).toBe(2);
    const reopened = await gatewright(['database', 'reopen', '--yes']);
    expect(reopened.stdout).toMatch(
      /is open again\. What happened at \S+ since is not here, and everybody has to sign in/,
    );
    expect((await gatewright(['database', 'reopen', '--yes'])).stderr).toMatch(/was not left: start it/);

    expect(leftIn(before.config.folders.data)).toMatchObject({ artifact: 0, session: 0, session_authorization: 0 });
    await before.restart();
    expect(await people.machine.isActive()).toBe(false);
    const { ada } = people;
    expect(stepOf((await ask(ada)).page)).toBe('password');
    await expect(ada.party.refresh(ada.tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
    expect((await ada.party.introspect(ada.tokens.access_token)).active).toBe(false);
    const { bob } = people;
    expect((await enter({ ...bob, agent: createUserAgent(before.issuer) })).id_token).toBeTruthy();
  });
});
