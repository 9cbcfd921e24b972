import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEFAULT_API } from '../../src/clients/api.ts';
import { newId } from '../../src/lib/ids.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { type Page, textOf } from '../support/user-agent.ts';
import { ask, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

const OPEN = ['posts:read', 'posts:write', 'posts:pin', 'constructor'];
const TEXTS = { 'posts:read': 'Read your posts', 'posts:write': '<b>Write</b> & "publish" posts' };

/** An API with words for some of what may be done there, and an application that asks for all of it. */
async function asked() {
  const audience = `https://${newId('cli').toLowerCase().replaceAll('_', '-')}.example.org`;
  await server.addClient('resource', {
    ...{ name: 'The <Blog>', audience, scopes: OPEN },
    api: { ...DEFAULT_API, permissionTexts: TEXTS },
  });
  const scopes = ['openid', 'email', ...OPEN];
  const person = await visit(server, { firstParty: false, audiences: [audience], scopes });
  const { page } = await ask(person, { scope: scopes.join(' '), resource: audience });
  const consent = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
  return { ...person, consent };
}

const items = (page: Page, list: string) => {
  const [, html = ''] = new RegExp(`<ul class="${list}">([\\s\\S]*?)</ul>`).exec(page.html) ?? [];
  return [...html.matchAll(/<li>([\s\S]*?)<\/li>/g)].map(([, item = '']) => textOf(item).trim());
};

const WORDS = [
  'See who you are a name for your account that this application can recognise',
  'See your email address',
  'Read your posts The <Blog>',
  '<b>Write</b> & "publish" posts The <Blog>',
  'Use “posts:pin” The <Blog>',
  'Use “constructor” The <Blog>',
];

it('the consent page says what permissions mean, and of which API, as text', async () => {
  const { consent } = await asked();
  expect(items(consent, 'asks')).toEqual(WORDS);
  expect(consent.html).not.toMatch(/<b>Write|<Blog>/);
});

it('the list of applications says the same', async () => {
  const { agent, consent } = await asked();
  await agent.submit(consent, { decision: 'allow' });
  const page = await agent.follow('/account/applications');
  expect(items(page, 'may')).toEqual(WORDS);
  expect(page.html).not.toMatch(/<b>Write|<Blog>/);
});
