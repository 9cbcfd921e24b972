import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { startTestServer } from '../support/server.ts';
import { ask, enter, visit } from '../support/visit.ts';
import { CLI, execute, type Installation, installation, NODE } from './gatewright.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';

function tamper({ env }: Pick<Installation, 'env'>, sql: string): void {
  const handle = openSqliteFile({ file: path.join(env['DATA_DIR'] ?? '', 'gatewright.db') });
  handle.exec(sql);
  handle.close();
}

/** A server with its data, a person who came in, one who did not, and the commands run on it. */
async function lived() {
  const heads = installation();
  const headFile = path.join(heads.root, 'heads');
  const server = await startTestServer({ AUDIT_HEAD_FILE: headFile });
  const { data, keys } = server.config.folders;
  const env = { ...heads.env, DATA_DIR: data, KEYS_DIR: keys, ISSUER: server.issuer };
  const run = (...args: string[]) => execute(NODE, [CLI, 'audit', ...args], { cwd: heads.root, env });
  const person = await visit(server);
  await enter(person);
  const { page } = await ask(person, { prompt: 'login' });
  await person.agent.submit(page, { email: person.account.email, password: 'not her password' });
  await expect.poll(async () => (await server.app.stores.auditTrail.pending()).count, { timeout: 10_000 }).toBe(0);
  await expect.poll(() => readFileSync(headFile, 'utf8')).toContain('"sequence"');
  return { server, person, env, run, headFile, folder: heads.root };
}

describe('audit', { timeout: 90_000 }, () => {
  it('verifies what a server sealed, against the heads that it wrote, and finds what was changed', async () => {
    const { server, env, run, headFile } = await lived();
    const good = await run('verify', '--head-file', headFile);
    expect([good.status, good.stdout, good.stderr]).toEqual([
      0,
      expect.stringMatching(
        /^\d+ entries, the last is \d+:[\w-]{43}\ncompared with (\d+) of \1 heads\n0 events are not sealed yet, and not covered\n$/,
      ),
      expect.stringContaining('Verifying the audit trail: 100 %\n'),
    ]);
    expect(statSync(headFile).mode & 0o777).toBe(0o600);
    const log = path.join(path.dirname(headFile), 'log');
    writeFileSync(log, server.logged.join(''));
    expect((await run('verify', '--head-file', log)).status).toBe(0);
    const [, head = ''] = /last is (\S+)/.exec(good.stdout) ?? [];
    const last = Number(head.split(':')[0]);
    await server.close();

    tamper({ env }, `DELETE FROM AuditEvent WHERE sequence = ${last}`);
    expect((await run('verify')).status).toBe(0);
    const missing = `the trail ends with entry ${last - 1}, but reached at least entry ${last}: its end is missing`;
    for (const how of [
      ['--head', head],
      ['--head-file', headFile],
      ['--head-file', log],
    ]) {
      const { status, stdout, stderr } = await run('verify', ...how);
      expect([status, stdout.split('\n')[0]]).toEqual([1, missing]);
      expect(stderr).toContain('gatewright: there is a finding\n');
    }
    tamper({ env }, `UPDATE AuditEvent SET actor = 'somebody' WHERE sequence = 2`);
    const { status, json } = await run('verify', '--json');
    expect([status, json.ok, json.findings]).toEqual([
      1,
      false,
      [expect.stringMatching(/^entry 2 \(.*\) was changed or put in$/)],
    ]);
    tamper({ env }, `UPDATE AuditEvent SET detail = '{' || char(10) || 'another line' WHERE sequence = 2`);
    expect((await run('list')).stdout).toContain('({\\u000aanother line)\n');
  });

  it('lists in words, exports in lines, by person and kind, and records the export', async () => {
    const { server, person, run, folder } = await lived();
    const { id, email } = person.account;
    const { stdout } = await run('list', '--account', email, '--event', 'sign_in.failed');
    expect(stdout).toMatch(
      new RegExp(
        `^\\S+Z visitor failed to sign in as ${email} at ${person.client.id} from 127.0.0.1 \\(factor: password\\)\n$`,
      ),
    );
    const { json } = await run('list', '--account', id, '--event', 'sign_in.succeeded', '--since', '1h', '--json');
    expect(json).toMatchObject([
      { actor: id, accountId: id, outcome: 'succeeded', address: '127.0.0.1', detail: { amr: ['pwd'] } },
    ]);
    expect((await run('list', '--until', '2026-01-01')).stdout).toBe('There is no such event.\n');
    expect((await run('list', '--limit', '1')).stdout.trim().split('\n')).toHaveLength(1);

    const file = path.join(folder, 'trail.jsonl');
    const exported = await run('export', file);
    expect(exported.stdout).toMatch(/^Exported \d+ entries/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const lines = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ sequence }) => sequence)).toEqual(lines.map((_, index) => index + 1));
    expect(lines.at(-1)).toMatchObject({
      event: 'sign_in.failed',
      address: '127.0.0.1',
      mac: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect((await run('export', file)).stderr).toContain('is there already: name another file');
    const [first] = (await run('export', '-', '--event', 'sign_in.failed')).stdout.trim().split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({ event: 'sign_in.failed' });
    expect((await run('list', '--event', 'audit.exported')).stdout).toContain(
      `cli exported the audit trail (entries: ${lines.length})`,
    );
    await server.close();
  });

  it('follows what a running server seals, once each', async () => {
    const { server, person, env, folder } = await lived();
    const child = spawn(NODE, [CLI, 'audit', 'list', '--follow', '--event', 'sign_in.failed', '--json'], {
      cwd: folder,
      env,
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    try {
      await expect.poll(() => text.split('\n').length, { timeout: 20_000 }).toBe(2);
      const { page } = await ask(person, { prompt: 'login' });
      await person.agent.submit(page, { email: person.account.email, password: 'nor this one' });
      await expect.poll(() => text.split('\n').length, { timeout: 20_000 }).toBe(3);
      const ids = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).id);
      expect(new Set(ids).size).toBe(2);
    } finally {
      child.kill();
      await server.close();
    }
  });

  it('prunes after it was told yes, and what remains verifies', async () => {
    const { server, run } = await lived();
    await server.close();
    const nobodyToAsk = await run('prune', '--older-than', '400d');
    expect([nobodyToAsk.status, nobodyToAsk.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    expect((await run('prune', '--older-than', '400d', '--yes')).stdout).toMatch(/^Removed 0 entries from before /);
  });

  it.each([
    [['list', '--limit', '0'], '--limit must be a whole number'],
    [['list', '--event', 'nonsense'], 'there is no event nonsense: there are account.created'],
    [['list', '--since', 'yesterday'], '--since must be a date'],
    [['prune', '--older-than', 'soon'], '--older-than must be a length of time'],
    [['verify', '--head', '12'], '--head must be a number and a hash'],
  ])('says what is wrong with %j', async (args, sentence) => {
    const place = installation();
    const { status, stderr } = await place.run(['audit', ...args]);
    expect([status, stderr]).toEqual([2, expect.stringContaining(sentence)]);
  });

  it('says what is wrong with a file of heads', async () => {
    const place = installation();
    await place.json(['key', 'rotate']);
    const file = path.join(place.root, 'empty');
    writeFileSync(file, 'nothing\n');
    expect((await place.run(['audit', 'verify', '--head-file', file])).stderr).toContain(
      'holds no head of an audit trail',
    );
    expect((await place.run(['audit', 'verify', '--head-file', `${file}-not`])).stderr).toContain(
      'cannot be read (ENOENT)',
    );
  });
});

it('keeps family and system of the browser, and nothing else of what it sent', async () => {
  await using server = await startTestServer();
  const person = await visit(server);
  const { page } = await ask(person);
  const form = page.forms[0];
  await person.agent.request(form?.action ?? '', {
    method: 'POST',
    headers: {
      'user-agent': FIREFOX,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      ...form?.fields,
      email: person.account.email,
      password: 'not her password',
    }).toString(),
  });
  const [event] = await server.app.stores.auditTrail.latest(1, { event: 'sign_in.failed' });
  expect(event?.personal).toEqual({ address: '127.0.0.1', browser: 'Firefox on Linux' });
});
