import fc from 'fast-check';
import type { Level } from '../../src/assurance/level.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { turnClocks } from '../support/time.ts';
import type { Page } from '../support/user-agent.ts';
import { type Filled, filled, type Target, targetsOf, WRONG } from './fuzz-forms.ts';
import { ACRS, aNetwork, type Browser, demandOf, giveApp, type Person, type World } from './fuzz-world.ts';

/** What somebody does. Numbers choose among what there is. */
export type Command =
  | {
      do: 'authorize';
      browser: number;
      application: number;
      acr: string[];
      essential: string[];
      maxAge: number | null;
      prompt: string | null;
    }
  | {
      do: 'fill';
      browser: number;
      person: number;
      back: number;
      choice: number;
      wrong: boolean;
      elsewhere: string | null;
    }
  | { do: 'look'; browser: number; back: number; method: string }
  | { do: 'resume'; browser: number; back: number }
  | { do: 'steal'; browser: number }
  /** Another browser, or the same with its cookies cleared. */
  | { do: 'leave'; browser: number }
  | { do: 'wait'; seconds: number }
  | { do: 'operate'; person: number; change: 'sign-out' | 'must-change' | 'reset' | 'app' | 'two' | 'passkey' };

const small = (max: number) => fc.nat({ max });
const acrs = fc.subarray(Object.keys(ACRS), { maxLength: 2 });
/** `go` does what a person would; the others are what an attacker adds. */
const FORMS = [
  'password',
  'totp',
  'recovery-code',
  'totp-enrolment',
  'passkey',
  'passkey-enrolment',
  'recovery-codes',
  'recovery-codes-left',
  'new-password',
  'consent',
  'cancel',
];

const authorize = fc.record({
  ...{ do: fc.constant('authorize' as const), browser: small(1), application: fc.constantFrom(0, 0, 0, 1, 2, 3) },
  ...{
    acr: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: acrs }),
    essential: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: acrs }),
  },
  maxAge: fc.oneof(
    { weight: 3, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(0, 1, 40, 300) },
  ),
  prompt: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom('none', 'login', 'consent', 'select_account') },
  ),
});
const go = fc.record({
  ...{ do: fc.constant('fill' as const), browser: small(1), person: small(3), back: fc.constant(0), choice: small(3) },
  ...{ wrong: fc.constant(false), elsewhere: fc.constant(null) },
});
const stray = fc.record({
  ...{ do: fc.constant('fill' as const), browser: small(1), person: small(3), back: small(5), choice: small(3) },
  ...{ wrong: fc.boolean(), elsewhere: fc.option(fc.constantFrom(...FORMS)) },
});
const others = fc.oneof(
  fc.record({ do: fc.constant('look' as const), browser: small(1), back: small(5), method: fc.constantFrom(...FORMS) }),
  fc.record({ do: fc.constant('resume' as const), browser: small(1), back: small(3) }),
  fc.record({ do: fc.constant('steal' as const), browser: small(1) }),
  fc.record({ do: fc.constant('leave' as const), browser: small(1) }),
  fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(2, 45, 310) }),
);
const operate = fc.record({
  ...{ do: fc.constant('operate' as const), person: small(3) },
  change: fc.constantFrom(
    'sign-out' as const,
    'must-change' as const,
    'reset' as const,
    'app' as const,
    'two' as const,
    'passkey' as const,
  ),
});

export const commands = fc.array(
  fc.oneof(
    { weight: 14, arbitrary: go },
    { weight: 7, arbitrary: authorize },
    { weight: 4, arbitrary: stray },
    { weight: 3, arbitrary: others },
    { weight: 1, arbitrary: operate },
  ) as fc.Arbitrary<Command>,
  { minLength: 20, maxLength: 45, size: 'max' },
);

/** @returns where a browser left this server to, if one did */
export async function run(world: World, command: Command): Promise<Page | null> {
  switch (command.do) {
    case 'authorize':
      return authorized(world, command);
    case 'fill':
      return fill(world, command);
    case 'wait':
      turnClocks(command.seconds);
      return null;
    case 'operate':
      await operated(world, world.people[command.person] as Person, command.change);
      return null;
    case 'leave': {
      const browser = world.browsers[command.browser] as Browser;
      browser.agent.jar.clear();
      browser.given.length = 0;
      return null;
    }
    case 'steal':
      steal(world, command.browser);
      return null;
  }
  const browser = world.browsers[command.browser] as Browser;
  const uid = targetsOf(pageOf(browser, command.back) ?? NO_PAGE)[0]?.uid;
  if (!uid) return null;
  const address = command.do === 'resume' ? `/auth/${uid}` : `/interaction/${uid}?method=${command.method}`;
  return arrived(browser, await browser.agent.follow(address));
}

const NO_PAGE: Page = { url: '', status: 0, headers: new Headers(), html: '', forms: [] };
const pageOf = ({ pages }: Browser, back: number): Page | undefined => pages[pages.length - 1 - back] ?? pages.at(-1);

function arrived(browser: Browser, page: Page): Page | null {
  if (page.url.startsWith(CALLBACK)) return page;
  if (targetsOf(page).length > 0) browser.pages.push(page);
  return null;
}

async function authorized(world: World, asked: Extract<Command, { do: 'authorize' }>): Promise<Page | null> {
  const browser = world.browsers[asked.browser] as Browser;
  const application = world.applications[asked.application] as World['applications'][number];
  const { maxAge, prompt } = asked;
  const values = (names: string[]) => names.map((name) => ACRS[name] as string);
  const claims = { id_token: { acr: { essential: true, values: values(asked.essential) } } };
  const authorization = await application.party.authorization({
    ...(asked.acr.length > 0 && { acr_values: values(asked.acr).join(' ') }),
    ...(asked.essential.length > 0 && { claims: JSON.stringify(claims) }),
    ...(maxAge !== null && { max_age: String(maxAge) }),
    ...(prompt !== null && { prompt }),
  });
  // What is no essential claim is a wish.
  const demanded = asked.essential.length > 0 ? weakestOf(asked.essential) : 'one-factor';
  world.requests.set(authorization.state, {
    ...{ application, authorization, browser, startedAt: Date.now(), maxAge, demanded, fresh: prompt === 'login' },
  });
  browser.agent.moveTo(aNetwork());
  return arrived(browser, await browser.agent.follow(authorization.url));
}

/** Each value would do; of those that this server does not know, none counts. */
function weakestOf(names: string[]): Level {
  if (names.includes('one')) return 'one-factor';
  if (names.includes('two')) return 'two-factor';
  return names.includes('passkey') ? 'phishing-resistant' : 'one-factor';
}

async function fill(world: World, asked: Extract<Command, { do: 'fill' }>): Promise<Page | null> {
  const browser = world.browsers[asked.browser] as Browser;
  const page = pageOf(browser, asked.back);
  if (!page) return null;
  // Going back to the application, and denying it, are for strays alone.
  const open = targetsOf(page).filter(({ form }) => form !== 'cancel');
  const there = open[asked.choice % Math.max(open.length, 1)];
  if (!there) return null;
  const person = world.people[asked.person] as Person;
  const target = { ...there, form: asked.elsewhere ?? there.form };
  const given = asked.wrong
    ? { fields: WRONG[target.form] ?? {}, factor: null, by: person }
    : filled(world, browser, page, target, person);
  return given && post(world, browser, target, given);
}

async function post(world: World, browser: Browser, target: Target, { fields, factor, by, then }: Filled) {
  const { issuer, app } = world.server;
  const versions = () =>
    Promise.all(world.people.map(async ({ id }) => (await app.stores.accounts.find(id))?.factorsVersion));
  const before = await versions();
  const url = new URL(`/interaction/${target.uid}/${target.form}`, issuer).href;
  browser.agent.moveTo(aNetwork());
  const values = { csrf: target.csrf, ...fields };
  const form = { action: url, method: 'post', fields: values, buttons: [] };
  const answer = await browser.agent.post({ ...NO_PAGE, url, forms: [form] }, values);
  const at = Date.now();
  const after = await versions();
  const changed = world.people.find((_, index) => before[index] !== after[index]);
  if (changed) then?.(changed);
  if (answer.status >= 300 && answer.status < 400 && factor) {
    browser.given.push({ person: by, factor, at, uid: target.uid });
    if (['password', 'passkey'].includes(target.form)) browser.known.set(target.uid, by);
  }
  const next = answer.headers.get('location') ?? /^0; url=(.*)$/.exec(answer.headers.get('refresh') ?? '')?.[1];
  return arrived(browser, next ? await browser.agent.follow(next) : answer);
}

/** The session of one browser in the other one, without its interactions. */
function steal({ browsers }: World, from: number): void {
  const [owner, thief] = from === 0 ? browsers : browsers.toReversed();
  if (!owner || !thief) return;
  for (const [key, cookie] of owner.agent.jar) if (cookie.path === '/') thief.agent.jar.set(key, cookie);
  thief.given.push(...owner.given);
  thief.given.sort((a, b) => a.at - b.at);
}

async function operated({ server }: World, person: Person, change: string): Promise<void> {
  const { accounts } = server.app.stores;
  const ends = () => Object.assign(person, { endedAt: Date.now(), endedBy: null });
  if (change === 'sign-out' && (await accounts.signOut(person.id, BY_OPERATOR))) ends();
  if (change === 'must-change' && (await accounts.requirePasswordChange(person.id, BY_OPERATOR))) {
    ends();
    person.mustChangeAt ??= Date.now();
  }
  if (change === 'reset' && (await accounts.resetFactors(person.id, BY_OPERATOR))) {
    ends();
    Object.assign(person, { guardedAt: null, seeds: [], recoveryCodes: [] });
  }
  if (change === 'app') await giveApp(server, person);
  if (change === 'two') demandOf(server, person, 'two-factor');
  if (change === 'passkey') demandOf(server, person, 'phishing-resistant');
}
