import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, execute, installation, NODE } from './gatewright.ts';

const { root, env, run } = installation();

/** The system's Node, as the script sees it: it then looks for the one that npm installed. */
const ON_NODE_20 = [
  '--import',
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})',
];

const GROUPS = {
  client: [
    'create',
    'list',
    'show',
    'update',
    'rotate-secret',
    'disable',
    'enable',
    'delete',
    'allow',
    'disallow',
    'accounts',
  ],
  account: [
    ...['create', 'list', 'show', 'update', 'set-password', 'disable', 'enable', 'reset-mfa', 'sign-out', 'unlock'],
    ...['delete', 'require-password-change', 'recover'],
  ],
  key: ['list', 'rotate'],
  delivery: ['list', 'retry', 'drop'],
};
const COMMANDS = [
  ...Object.entries(GROUPS).flatMap(([group, names]) => names.map((name) => [group, name])),
  ...[['setup-link'], ['migrate'], ['incident'], ['doctor'], ['serve']],
];

describe('help', () => {
  it('is there for every command, mentions --json, and touches nothing', async () => {
    const outcomes = await Promise.all(COMMANDS.map((command) => run([...command, '--help'])));
    for (const [index, { status, stdout, stderr }] of outcomes.entries()) {
      expect([COMMANDS[index], status, stderr]).toEqual([COMMANDS[index], 0, '']);
      expect(stdout).toContain(`Usage: gatewright ${COMMANDS[index]?.join(' ')}`);
      expect(stdout).toContain('--json');
    }
    expect(existsSync(env['DATA_DIR'] ?? '')).toBe(false);
  });

  it('lists every command with its group', async () => {
    for (const [group, names] of Object.entries(GROUPS)) {
      const { stdout } = await run([group, '--help']);
      for (const name of names) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
  });

  it('prints the version of the package', async () => {
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe.concurrent('wrong usage ends with 2, one sentence and where to read on', { timeout: 90_000 }, () => {
  it.for([
    [[], 'a command is missing; see npx gatewright --help'],
    [['client'], 'a command is missing; see npx gatewright client --help'],
    [['clients'], "unknown command 'clients' (Did you mean client?); see npx gatewright --help"],
    [['client', 'crate'], "unknown command 'crate' (Did you mean create?); see npx gatewright client --help"],
    [['client', 'show'], "missing required argument 'id'; see npx gatewright client show --help"],
    [['client', 'list', '--al'], "unknown option '--al'; see npx gatewright client list --help"],
    [['client', 'list', 'x'], 'too many arguments'],
    [
      ['client', 'create', '--name', 'x'],
      "required option '--type <type>' not specified; see npx gatewright client create --help",
    ],
    [['client', 'create', '--type', 'x', '--name', 'x'], 'Allowed choices are web, spa, native, service, resource;'],
    [['client', 'update', 'x'], 'name what to change; see npx gatewright client update --help'],
    [['account', 'update', 'x'], 'name what to change; see npx gatewright account update --help'],
    [['account', 'update', 'x', '--verified', '--unverified'], 'contradict'],
    [['account', 'create', '--email', 'a@example.org'], 'pipe it in, with --password-stdin'],
    [['account', 'set-password', 'a@example.org'], 'pipe it in, with --password-stdin'],
    [['account', 'create', '--email', 'a@example.org', '--password', 'x'], "unknown option '--password'"],
    [['client', 'rotate-secret', 'x', '--overlap', 'soon'], 'It is 0, or a number and s, m, h or d, 90d at most;'],
    [['client', 'rotate-secret', 'x', '--overlap', '91d'], '90d at most'],
    [['client', 'rotate-secret', 'x', '--overlap', '1h', '--compromised'], 'cannot be used with'],
    [['client', 'rotate-secret', 'x', '--compromised'], 'confirm with --yes'],
    [['client', 'delete', 'x'], 'confirm with --yes'],
    [['account', 'delete', 'x'], 'confirm with --yes'],
    [['account', 'reset-mfa', 'x'], 'confirm with --yes'],
    [['account', 'recover', 'x', '--wait', '31d'], 'from 0h to 30d'],
    [['account', 'recover', 'x', '--wait', 'soon'], 'from 0h to 30d'],
    [['account', 'recover', 'x', '--wait', '-1h'], 'from 0h to 30d'],
    [['account', 'recover', 'x', '--cancel', '--mail'], 'see npx gatewright account recover --help'],
    [['account', 'recover', 'x', '--cancel', '--wait', '1h'], '--cancel goes with neither'],
    [['key', 'rotate', '--revoke', 'x'], 'confirm with --yes'],
  ] as const)('%j', async ([args, sentence]) => {
    const { status, stdout, stderr } = await run([...args]);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    const last = stderr.trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^gatewright: /);
    expect(last).toContain(sentence);
  });

  it('is JSON with --json', async () => {
    const { status, stdout, stderr } = await run(['client', 'show', '--json']);
    expect([status, stdout]).toEqual([2, '']);
    expect(JSON.parse(stderr)).toEqual({ error: expect.stringContaining("missing required argument 'id'") });
  });
});

describe('configuration', () => {
  it('ends with 78 and lists every problem', async () => {
    const bad = { ISSUER: 'http://id.example.org', PORT: 'many' };
    const [text, json] = await Promise.all([
      run(['client', 'list'], { env: bad }),
      run(['client', 'list', '--json'], { env: bad }),
    ]);
    expect(text.status).toBe(78);
    expect(text.stderr).toMatch(/^gatewright: the configuration is not usable:\n {2}- ISSUER .*\n {2}- PORT .*\n$/);
    expect(json.status).toBe(78);
    expect(JSON.parse(json.stderr)).toEqual({
      error: expect.any(String),
      problems: [expect.any(String), expect.any(String)],
    });
  });

  it('comes from .env in the current folder too, where the environment says nothing', async () => {
    writeFileSync(path.join(root, '.env'), 'PORT=many\nISSUER=nonsense\n');
    const { status, stderr } = await run(['key', 'list']);
    writeFileSync(path.join(root, '.env'), '');
    expect(status).toBe(78);
    expect(stderr).toContain('PORT');
    expect(stderr).not.toContain('ISSUER');
  });
});

describe.concurrent('an installation that is not there', { timeout: 90_000 }, () => {
  it.for(['client list', 'client show x', 'account list', 'account sign-out x', 'key list'])(
    'is not made by %s',
    async (line) => {
      const { status, stderr } = await run(line.split(' '));
      expect([status, stderr]).toEqual([1, expect.stringMatching(/^gatewright: there is no installation in .* yet: /)]);
      expect(existsSync(env['DATA_DIR'] ?? '')).toBe(false);
    },
  );
});

describe('bin/gatewright.mjs', () => {
  it('passes on arguments, output and exit status', async () => {
    const [help, wrong] = await Promise.all([
      execute(BIN, ['key', '--help'], { cwd: root, env }),
      execute(BIN, ['nonsense'], { cwd: root, env }),
    ]);
    expect([help.status, help.stdout]).toEqual([0, expect.stringContaining('Usage: gatewright key')]);
    expect(wrong.status).toBe(2);
  });

  it('says what to do where nothing is installed', async () => {
    const { status, stderr } = await execute(NODE, [...ON_NODE_20, copy('empty')], { cwd: root, env });
    expect([status, stderr]).toEqual([1, expect.stringContaining('run npm ci first')]);
  });

  it('ends by the signal that ended the program', async () => {
    const bin = copy('signalled');
    const stub = path.join(path.dirname(bin), '../node_modules/.bin/node');
    mkdirSync(path.dirname(stub), { recursive: true });
    writeFileSync(stub, '#!/bin/sh\nkill -TERM $$\n', { mode: 0o755 });
    const { status, signal } = await execute(NODE, [...ON_NODE_20, bin], { cwd: root, env });
    expect([status, signal]).toEqual([null, 'SIGTERM']);
  });
});

function copy(folder: string): string {
  const bin = path.join(root, folder, 'bin/gatewright.mjs');
  mkdirSync(path.dirname(bin), { recursive: true });
  cpSync(BIN, bin);
  return bin;
}
