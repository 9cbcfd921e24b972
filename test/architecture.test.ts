import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

/** A folder may import itself and the folders named after it, type imports included. `lib` is open to all. */
const MAY_IMPORT: Record<string, string[]> = {
  lib: [],
  // What the rules speak of.
  assurance: [],
  audit: [],
  outbox: [],
  // The rules: they see neither HTTP nor a driver, and not one another.
  accounts: ['assurance'],
  clients: ['assurance'],
  authorization: [],
  'api-keys': [],
  consents: [],
  signing: [],
  limits: [],
  mail: ['outbox'],
  links: ['outbox'],
  incident: ['audit'],
  config: ['assurance'],
  tls: [],
  // Counts what the others do.
  metrics: ['audit', 'limits'],
  // Puts together what several of them keep about one person.
  'own-data': ['accounts', 'audit', 'consents'],
  // What speaks HTTP.
  web: [],
  interaction: ['web', 'assurance', 'accounts', 'consents', 'limits', 'audit'],
  registration: ['web', 'assurance', 'clients', 'limits'],
  'device-pages': ['web', 'accounts', 'limits', 'audit'],
  setup: ['web', 'assurance', 'accounts', 'limits'],
  'link-pages': ['web', 'assurance', 'accounts', 'limits', 'links'],
  'account-pages': ['web', 'assurance', 'accounts', 'consents', 'limits', 'links', 'audit', 'own-data'],
  oidc: [
    'api-keys',
    'authorization',
    'limits',
    'web',
    'assurance',
    'accounts',
    'clients',
    'consents',
    'signing',
    'outbox',
    'audit',
    'interaction',
    'account-pages',
    'device-pages',
  ],
  // Implements the interfaces that the others declare.
  store: [
    'accounts',
    'api-keys',
    'authorization',
    'clients',
    'consents',
    'signing',
    'limits',
    'audit',
    'outbox',
    'mail',
    'links',
    'setup',
    'incident',
    'registration',
    'oidc',
    'generated',
  ],
  cli: [
    'api-keys',
    'assurance',
    'authorization',
    'audit',
    'own-data',
    'accounts',
    'clients',
    'signing',
    'limits',
    'mail',
    'outbox',
    'links',
    'web',
    'setup',
    'incident',
    'registration',
    'config',
    'store',
    'oidc',
    'tls',
    'main.ts',
  ],
};

/** The only files that know every part. */
const ROOTS = [
  'main.ts',
  'server.ts',
  'app.ts',
  'account-site.ts',
  'api-key-site.ts',
  'live-provider.ts',
  'sign-in-site.ts',
  'links-site.ts',
  'device-site.ts',
  'registration-site.ts',
  'background.ts',
  'defences.ts',
  'factors.ts',
  'letters.ts',
  'mutual-tls.ts',
  'observed-stores.ts',
  'provider-events.ts',
  'cli.ts',
];

const LONGEST_FILE = 250;

const files = globSync('src/**/*.ts', { exclude: ['src/generated/**'] }).map((file) => ({
  file,
  home: homeOf(file),
  text: readFileSync(file, 'utf8'),
}));

describe('each folder imports only what it may', () => {
  it.each(files.filter(({ home }) => !ROOTS.includes(home)))('$file', ({ file, home, text }) => {
    const allowed = MAY_IMPORT[home];
    expect(allowed, `${home}/ has no row in MAY_IMPORT`).toBeDefined();
    const foreign = importsOf(file, text)
      .map(homeOf)
      .filter((to) => to !== home && to !== 'lib' && !allowed?.includes(to));
    expect(foreign).toEqual([]);
  });
});

describe('one folder owns each door', () => {
  const using = (pattern: RegExp) => files.filter(({ text }) => pattern.test(text)).map(({ file }) => file);
  const outside = (found: string[], homes: string[]) =>
    found.filter((file) => !homes.some((home) => file.startsWith(home)));

  it('the protocol library', () => expect(outside(using(/from 'oidc-provider/), ['src/oidc/'])).toEqual([]));
  it('the Prisma client', () => expect(outside(using(/generated\/|from '@prisma/), ['src/store/prisma/'])).toEqual([]));
  it('the environment', () =>
    expect(outside(using(/process\.env|process\.loadEnvFile/), ['src/main.ts', 'src/cli'])).toEqual([]));
  it('the clock', () => expect(outside(using(/Date\.now|new Date\(\)/), ['src/lib/clock.ts'])).toEqual([]));
  it('no file of the library but its front door', () => expect(using(/from 'oidc-provider\//)).toEqual([]));
});

describe('the shape of the tree', () => {
  it('has no circle, type imports included', () => {
    const arrows = new Map(files.map(({ file, text }) => [file, importsOf(file, text)]));
    const done = new Set<string>();
    function visit(file: string, trail: string[]): string[] | null {
      if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
      if (done.has(file)) return null;
      for (const next of arrows.get(file) ?? []) {
        const circle = visit(next, [...trail, file]);
        if (circle) return circle;
      }
      done.add(file);
      return null;
    }
    expect(files.map(({ file }) => visit(file, [])).find((circle) => circle !== null)).toBeUndefined();
  });

  it('has no barrels and no drawers', () => {
    expect(
      files
        .map(({ file }) => file)
        .filter((file) => /(^|\/)(index|utils?|helpers?|common|shared|misc|types)(\.ts|\/)/.test(file)),
    ).toEqual([]);
  });

  it.each(files)('$file is short enough to read', ({ text }) => {
    expect(text.split('\n').length).toBeLessThanOrEqual(LONGEST_FILE);
  });
});

function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, to = '']) => path.join(path.dirname(file), to));
}

function homeOf(file: string): string {
  return file.split(path.sep)[1] ?? '';
}
