import { describe, expect, it } from 'vitest';
import { openStores } from '../../src/store/open.ts';
import { installation, PASSWORD } from './gatewright.ts';

const ADA = ['--email', 'Ada@Example.org'];
const LINK = /http:\/\/localhost:9\/link\/gwl_[\w-]{43}/;

/** Where invitations are on, with the account of Grace. */
async function inviting() {
  const place = installation();
  const { run, json } = place;
  const env = { SIGN_UP: 'invited' };
  await json(['account', 'create', '--email', 'grace@example.org', '--password-stdin'], { input: PASSWORD });
  return {
    ...place,
    run: (...args: string[]) => run(['invite', ...args], { env }),
    json: (...args: string[]) => json(args, { env }),
    off: (...args: string[]) => run(['invite', ...args]),
  };
}

describe.concurrent('gatewright invite', { timeout: 90_000 }, () => {
  it('create queues a letter, shows no link, and list and revoke know of it', async () => {
    const { run, json } = await inviting();
    expect((await run('list')).stdout).toBe('No invitation is open.\n');
    const made = await run('create', ...ADA, '--name', 'Ada', '--expires', '2d', '--language', 'de');
    expect([made.status, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toMatch(/^A letter to Ada@Example\.org is queued\. Its link works once, until 20\S+Z\.\n$/);
    expect(await json('mail', 'list')).toMatchObject([
      { message: 'invitation', accountId: null, to: 'A***@Example.org', attempts: 0 },
    ]);

    const [listed, ...more] = await json('invite', 'list');
    expect([listed, more]).toEqual([
      {
        ...{ id: expect.stringMatching(/^lnk_/), email: 'Ada@Example.org', name: 'Ada', role: 'user', mailed: true },
        ...{ createdAt: expect.stringMatching(/Z$/), expiresAt: expect.stringMatching(/Z$/) },
      },
      [],
    ]);
    expect(Date.parse(listed.expiresAt) - Date.parse(listed.createdAt)).toBe(2 * 24 * 60 * 60 * 1000);
    expect((await run('list')).stdout).toMatch(
      /^EMAIL +NAME +ROLE +MAILED +SINCE +UNTIL\nAda@Example\.org +Ada +user +yes /,
    );

    expect(await json('invite', 'revoke', '--email', 'ADA@example.org')).toMatchObject({ revoked: true });
    const again = await run('revoke', ...ADA);
    expect([again.status, again.stderr]).toEqual([
      1,
      'gatewright: no invitation of Ada@Example.org is open: npx gatewright invite list shows those there are\n',
    ]);
    expect((await json('audit', 'list')).map(({ event }: { event: string }) => event)).toEqual(
      expect.arrayContaining(['invitation.sent', 'invitation.revoked']),
    );
  });

  it('create --print shows a link once, which is kept nowhere, and mails nothing; a newer one ends it', async () => {
    const { run, json, env } = await inviting();
    const made = await run('create', ...ADA, '--role', 'administrator', '--print');
    const [first = ''] = LINK.exec(made.stdout) ?? [];
    expect(first).not.toBe('');
    const { link, mailed, role } = await json('invite', 'create', ...ADA, '--role', 'administrator', '--print');
    expect([link, mailed, role]).toEqual([expect.stringMatching(LINK), false, 'administrator']);
    expect(await json('mail', 'list')).toEqual([]);
    const listed = await json('invite', 'list');
    expect(listed).toMatchObject([{ role: 'administrator', mailed: false, name: null }]);
    const folders = { data: env['DATA_DIR'] ?? '', keys: env['KEYS_DIR'] ?? '' };
    const stores = await openStores({
      ...{ issuer: 'http://localhost:9', folders, redis: null, longestLifetime: 1, clock: Date.now },
      database: { url: null, pool: 2 },
    });
    const rows = JSON.stringify([await stores.newcomers.invitations(), await json('audit', 'list')]);
    await stores.close();
    for (const shown of [first, link]) expect(rows).not.toContain(shown.slice(-43));
  });

  it('says what to do where it cannot be', async () => {
    const { run, off } = await inviting();
    const refused = async (why: RegExp, status: number, ...args: string[]) => {
      const outcome = await run('create', ...args);
      expect([args, outcome.status, outcome.stderr]).toEqual([args, status, expect.stringMatching(why)]);
      expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
    };
    await refused(/there is an account with the address GRACE@example\.org already/, 1, '--email', 'GRACE@example.org');
    for (const email of ['ada', 'a@b@example.org', 'a@example.org\nBcc: b@example.org', 'ada@ex%61mple.org'])
      await refused(/--email must be an address that mail can be sent to/, 1, '--email', email);
    await refused(/from 1h to 30d/, 2, ...ADA, '--expires', '31d');
    await refused(/from 1h to 30d/, 2, ...ADA, '--expires', '0');
    await refused(/Allowed choices are user, administrator/, 2, ...ADA, '--role', 'root');
    await refused(/name must be text/, 1, ...ADA, '--name', 'Ada\u001b[2J');
    await refused(/required option '--email <address>' not specified/, 2);

    const without = await off('create', ...ADA);
    expect([without.status, without.stderr]).toEqual([
      1,
      'gatewright: invitations are off: set SIGN_UP=invited (or domains, or open) for the server and for this command\n',
    ]);
  });
});
