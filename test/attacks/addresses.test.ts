import { globSync, readFileSync } from 'node:fs';
import Router from '@koa/router';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AccountRoutesDeps } from '../../src/account-pages/routes.ts';
import type { InteractionRoutesDeps } from '../../src/interaction/routes.ts';
import { ROUTES as OF_THE_LIBRARY } from '../../src/oidc/routes.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { ROUTES } from './routes.ts';
import { STATIONS } from './stations.ts';

/*
 * What is attacked is what stands in two tables. Whoever adds an address or a form and forgets them there is told so
 * here, by what the routers know and by what the sources and templates speak of.
 */

const built = vi.hoisted(() => ({ account: [] as AccountRoutesDeps[], interaction: [] as InteractionRoutesDeps[] }));
vi.mock('../../src/account-pages/routes.ts', async (original) => {
  const { accountRoutes } = await original<typeof import('../../src/account-pages/routes.ts')>();
  return {
    accountRoutes(deps: AccountRoutesDeps) {
      built.account.push(deps);
      return accountRoutes(deps);
    },
  };
});
vi.mock('../../src/interaction/routes.ts', async (original) => {
  const { interactionRoutes } = await original<typeof import('../../src/interaction/routes.ts')>();
  return {
    interactionRoutes(deps: InteractionRoutesDeps) {
      built.interaction.push(deps);
      return interactionRoutes(deps);
    },
  };
});

/** Known and tried, but not as a row of the tables. */
const ELSEWHERE: Record<string, string> = {
  '/metrics': 'test/operation/metrics.test.ts: only for whoever watches this process, by any name of the machine',
  '/proc/self/fd': 'a folder of the system',
};
/** Routers that look an address up in a table of their own, which is compared below. */
const LOOKED_UP = ['/account{/*path}', '/interaction/{*rest}'];

let server: TestServer;
let layers: Router['stack'] = [];
beforeAll(async () => {
  const routers = new Set<Router>();
  const { routes } = Router.prototype;
  vi.spyOn(Router.prototype, 'routes').mockImplementation(function (this: Router) {
    routers.add(this);
    return routes.call(this);
  });
  server = await startTestServer();
  layers = [...routers].flatMap(({ stack }) => stack).filter(({ methods }) => methods.length > 0);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await server[Symbol.asyncDispose]();
});

const known: readonly string[] = ROUTES;
// One address may have several forms, told apart in brackets.
const forms = Object.keys(STATIONS).map((name) => name.replace(/ \(.+\)$/, ''));
const parts = () => built.account.flatMap((deps) => deps.parts);
const below = (name: string) => (name === '' ? '/account' : `/account/${name}`);
const missing = (wanted: readonly string[], table: readonly string[]) => wanted.filter((one) => !table.includes(one));

describe('the table of routes', () => {
  it('has an address for everything that a router answers', () => {
    expect(layers.length).toBeGreaterThan(8);
    const unlisted = layers.filter((layer) => !LOOKED_UP.includes(String(layer.path)));
    const forgotten = unlisted.filter((layer) => !known.some((address) => layer.match(address)));
    expect(forgotten.map(({ methods, path }) => `${methods.join(',')} ${path}`)).toEqual([]);
  });

  it('has every page and form of the account, and every endpoint of the library', () => {
    const account = parts().flatMap(({ sections = {}, actions = {} }) => Object.keys({ ...sections, ...actions }));
    expect(account.length).toBeGreaterThan(15);
    expect(missing(account.map(below), known)).toEqual([]);
    expect(missing(Object.values(OF_THE_LIBRARY), known)).toEqual([]);
  });

  it('has every endpoint that discovery names', async () => {
    const document = await (await fetch(`${server.issuer}/.well-known/openid-configuration`)).json();
    const named = Object.values(document as object).filter((value) => String(value).startsWith(`${server.issuer}/`));
    expect(named.length).toBeGreaterThan(6);
    expect(
      missing(
        named.map((value) => new URL(String(value)).pathname),
        known,
      ),
    ).toEqual([]);
  });

  it('has every address that the sources and the templates write down', () => {
    const sources = read('src/{web,interaction,setup,account-pages,link-pages,oidc,metrics,lib}/**/*.ts');
    const written = [
      ...[...sources.matchAll(/'(\/[a-z.][\w./-]*)'/g)].map(([, address]) => String(address)),
      ...[...read('views/**/*.eta').matchAll(/(?:action|href)="(\/[\w./-]*)["<]/g)].map(([, address]) =>
        String(address),
      ),
    ];
    expect(written.length).toBeGreaterThan(40);
    // A beginning or an end of one is written where the rest is put to it.
    const isKnown = (address: string) =>
      address in ELSEWHERE ||
      known.some((one) => one === address || one.startsWith(`${address.replace(/\/$/, '')}/`) || one.endsWith(address));
    expect([...new Set(written.filter((address) => !isKnown(address)))]).toEqual([]);
  });
});

describe('the table of forms', () => {
  it('has every form of the account', () => {
    const actions = parts().flatMap((part) => Object.keys(part.actions ?? {}));
    expect(actions.length).toBeGreaterThan(8);
    expect(missing(actions.map(below), forms)).toEqual([]);
  });

  it('has every step of a sign-in', () => {
    const steps = [...built.interaction.flatMap((deps) => Object.keys(deps.forms))];
    expect(steps.length).toBeGreaterThan(5);
    expect(
      missing(
        steps.map((step) => `/interaction/:uid/${step}`),
        forms,
      ),
    ).toEqual([]);
  });

  it('has a form for everything that takes a POST, and every form that a template names', () => {
    const posts = layers.filter(
      ({ methods, path }) => methods.length === 1 && methods[0] === 'POST' && path !== undefined,
    );
    expect(posts.length).toBeGreaterThan(2);
    const formless = posts.filter((layer) => !forms.some((form) => layer.match(form)));
    expect(formless.map(({ path }) => path)).toEqual([]);
    const named = [...read('views/**/*.eta').matchAll(/action="(\/[\w./-]*)"/g)].map(([, address]) => String(address));
    expect(missing(named, forms)).toEqual([]);
    const written = [...read('src/**/*.ts').matchAll(/action: '(\/[\w/-]+)'/g)].map(([, address]) => String(address));
    expect(missing(written, forms)).toEqual([]);
  });
});

function read(pattern: string): string {
  return globSync(pattern)
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
}
