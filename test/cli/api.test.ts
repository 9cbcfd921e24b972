import { beforeAll, describe, expect, it } from 'vitest';
import { installation, PASSWORD } from './gatewright.ts';

const { run, json } = installation();
const BLOG = 'https://blog.example.org';
const permissions = ['posts:read=Read your posts', 'posts:write', 'posts:delete:own=Delete = remove your own'];
const refused = (stderr: string, status = 1) => ({ status, stderr: expect.stringContaining(stderr) });

let made: { id: string; secret: string };
let ada: { id: string };
beforeAll(async () => {
  const given = permissions.flatMap((one) => ['--permission', one]);
  made = await json(['api', 'create', '--audience', BLOG, '--name', 'Blog', '--token-lifetime', '10m', ...given]);
  await json(['client', 'create', '--type', 'service', '--name', 'Robot', '--id', 'robot']);
  ada = await json(['account', 'create', '--email', 'ada@example.org', '--password-stdin'], { input: PASSWORD });
});

describe('gatewright api and gatewright role', { timeout: 90_000 }, () => {
  it('register an API that goes by its roles, and print its secret once', async () => {
    expect(made).toMatchObject({
      ...{
        id: expect.stringMatching(/^cli_/),
        secret: expect.stringMatching(/^gws_/),
        type: 'resource',
        audience: BLOG,
      },
      settings: {
        scopes: ['posts:read', 'posts:write', 'posts:delete:own'],
        api: {
          ...{ permissionsBy: 'role', tokenLifetime: 600, signingAlgorithm: 'RS256', refresh: true },
          senderConstrained: 'none',
          permissionTexts: { 'posts:read': 'Read your posts', 'posts:delete:own': 'Delete = remove your own' },
        },
      },
    });
    const shown = await run(['api', 'show', BLOG]);
    expect(shown.stdout).toMatch(
      /^permissions +posts:read {8}Read your posts\n +posts:write\n +posts:delete:own {2}Delete = /m,
    );
    expect(shown.stdout).not.toContain('gws_');
    expect(await json(['api', 'list'])).toMatchObject([{ audience: BLOG, roles: [] }]);
    const again = await run(['api', 'create', '--audience', BLOG, '--name', 'Blog']);
    expect(again).toMatchObject(refused('another API is registered as'));
  });

  it('take no name of this server itself, of which tokens for userinfo are', async () => {
    const named = ['api', 'create', '--name', 'X', '--audience'];
    for (const id of ['gatewright-account', 'gatewright-api-key']) {
      expect(await run([...named, 'https://x.example.org', '--id', id])).toMatchObject(refused('choose another --id'));
    }
    const userinfo = 'http://localhost:9/oauth2/userinfo';
    const updates = ['api', 'client'].map((what) => [what, 'update', made.id, '--audience', userinfo]);
    const another = ['client', 'create', '--type', 'resource', '--name', 'X', '--audience', userinfo];
    for (const command of [[...named, userinfo], another, ...updates]) {
      expect(await run(command)).toMatchObject(refused('choose another --audience'));
    }
  });

  it('say every problem at once', async () => {
    const wrong = ['--permission', 'a b', '--permission', 'openid', '--permission', `x=${'y'.repeat(201)}`];
    const { status, stderr } = await run([
      'api',
      'create',
      '--audience',
      'x',
      '--name',
      'X',
      '--token-lifetime',
      '25h',
      ...wrong,
    ]);
    expect(status).toBe(1);
    for (const problem of ['"a b"', 'absolute address', '"openid"', '1 to 200', 'the API cannot be', '30s to 24h'])
      expect(stderr).toContain(problem);
    const role = await run(['role', 'create', '--api', BLOG, '--name', 'a b', '--permission', 'posts:burn']);
    expect(role).toMatchObject(refused('the API has no "posts:burn"'));
    expect(role.stderr).toContain('a role is named with letters');
    expect(await run(['role', 'create', '--api', 'robot', '--name', 'x'])).toMatchObject(refused('no API'));
  });

  it('take the lifetime of its tokens away by an empty one', async () => {
    const lifetime = async (given: string) =>
      (await json(['api', 'update', BLOG, '--token-lifetime', given])).settings.api.tokenLifetime;
    expect([await lifetime(''), await lifetime('5m')]).toEqual([null, 300]);
  });

  it('give roles to people and services, and take permissions from roles only where it is meant', async () => {
    const editor = ['--api', BLOG, 'editor'];
    const given = ['--permission', 'posts:read', '--permission', 'posts:write'];
    await json(['role', 'create', '--api', BLOG, '--name', 'editor', ...given]);
    expect(await json(['role', 'grant', ...editor, 'ada@example.org'])).toMatchObject({ changed: true });
    expect(await json(['role', 'grant', ...editor, ada.id])).toMatchObject({ changed: false });
    expect(await json(['role', 'grant', ...editor, '--client', 'robot'])).toMatchObject({ changed: true });
    expect(await run(['role', 'grant', ...editor, '--client', made.id])).toMatchObject(refused('services alone'));
    expect(await run(['role', 'grant', ...editor])).toMatchObject(refused('name an account', 2));
    const held = [{ api: { id: made.id, audience: BLOG }, name: 'editor' }];
    expect((await json(['account', 'show', ada.id])).roles).toEqual(held);
    expect((await json(['client', 'show', 'robot'])).roles).toEqual(held);

    const less = ['api', 'update', BLOG, '--remove-permission', 'posts:write'];
    expect(await run(less)).toMatchObject(refused('posts:write by the role editor'));
    expect(await run(['client', 'update', made.id, '--scope', 'posts:read'])).toMatchObject(refused('the role editor'));
    expect(await json([...less, '--force'])).toMatchObject({
      settings: { scopes: ['posts:read', 'posts:delete:own'] },
    });
    expect((await json(['role', 'show', ...editor])).permissions).toEqual(['posts:read']);
  });
});
