import { beforeAll, describe, expect, it } from 'vitest';
import { installation, PASSWORD } from './gatewright.ts';

const { run, json } = installation();
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
const web = (id: string, ...more: string[]) =>
  json([
    'client',
    'create',
    '--type',
    'web',
    '--name',
    'Wiki',
    '--id',
    id,
    '--redirect-uri',
    'http://localhost/',
    ...more,
  ]);
const account = (email: string) =>
  json(['account', 'create', '--email', email, '--password-stdin'], { input: PASSWORD });

let ada: { id: string };
beforeAll(async () => {
  await web('wiki', '--accounts', 'listed');
  await web('blog');
  await json(['client', 'create', '--type', 'service', '--name', 'Robot', '--id', 'robot']);
  ada = await account('ada@example.org');
  await account('grace@example.org');
});

describe('the accounts of a client', { timeout: 90_000 }, () => {
  it('are listed and taken off the list, by id or email, and each once', async () => {
    expect(await json(['client', 'show', 'wiki'])).toMatchObject({ settings: { accounts: 'listed' } });
    const allowed = await json(['client', 'allow', 'wiki', ada.id, 'grace@example.org', 'Grace@Example.org']);
    expect(allowed).toEqual({
      ...{ clientId: 'wiki', listed: true },
      accounts: [
        { id: ada.id, email: 'ada@example.org', changed: true },
        { id: expect.any(String), email: 'grace@example.org', changed: true },
      ],
    });
    expect((await run(['client', 'allow', 'wiki', ada.id])).stdout).toBe('ada@example.org was listed already.\n');
    expect(await json(['client', 'accounts', 'wiki'])).toMatchObject([{ id: ada.id, since: ISO }, { since: ISO }]);

    const taken = await run(['client', 'disallow', 'wiki', 'grace@example.org']);
    expect(taken).toMatchObject({
      status: 0,
      stderr: '',
      stdout: 'grace@example.org is no longer listed for Wiki (wiki).\n',
    });
    expect(await json(['client', 'accounts', 'wiki'])).toHaveLength(1);
    const trail = await run(['audit', 'list']);
    expect(trail.stdout).toMatch(/cli opened an application to grace@example\.org at wiki/);
    expect(trail.stdout).toMatch(/cli closed an application to grace@example\.org at wiki/);
  });

  it('are not changed where one of them is unknown, nor where nobody signs in', async () => {
    const wrong = await run(['client', 'disallow', 'wiki', ada.id, 'nobody@example.org']);
    expect(wrong).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no account nobody@example.org'),
    });
    expect(await json(['client', 'accounts', 'wiki'])).toHaveLength(1);
    for (const command of [
      ['allow', 'robot', ada.id],
      ['accounts', 'robot'],
    ]) {
      const refused = await run(['client', ...command]);
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('nobody signs in to Robot (robot)') });
    }
    const robot = await run(['client', 'update', 'robot', '--accounts', 'listed']);
    expect(robot.stderr).toContain('--accounts has no use for a service client');
  });

  it('say where they do not count, and where nobody is left', async () => {
    const open = await run(['client', 'allow', 'blog', ada.id]);
    expect(open.stderr).toContain('Wiki is open to everybody, and its list does not count');
    await json(['client', 'disallow', 'blog', ada.id]);
    const closed = await run(['client', 'update', 'blog', '--accounts', 'listed']);
    expect(closed.stderr).toContain('nobody can sign in to it before npx gatewright client allow blog ACCOUNT');
    expect(closed.stdout).toMatch(/^open to +listed accounts$/m);
    expect((await run(['client', 'accounts', 'blog'])).stdout).toBe('Nobody is listed for Wiki.\n');
  });
});
