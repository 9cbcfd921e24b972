import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { mailedLink } from '../support/letters.ts';
import { PASSWORD, type TestServer } from '../support/server.ts';
import { createUserAgent, type Page, type UserAgent } from '../support/user-agent.ts';
import type { Station } from './stations.ts';

/** The forms about the address of an account. */
export const EMAIL_STATIONS: Record<string, (server: TestServer) => Promise<Station>> = {
  '/account/email/verify': async (server) => {
    const { agent, page } = await unprovedPage(server);
    return { agent, page, good: {}, next: /Look into your mailbox/ };
  },
  '/account/email/new': async (server) => {
    const { email } = await server.addAccount();
    const { agent, page } = await signedIn(server, email, '/account/email/new');
    return { agent, page, good: { email: newAddress() }, next: /Look into your new mailbox/ };
  },
  '/link (email verification)': async (server) => {
    const { agent, page, email } = await unprovedPage(server);
    await agent.submit(page);
    return { agent, page: await agent.follow(await mailedLink(server, email)), good: {}, next: /address is confirmed/ };
  },
  '/link (email change)': async (server) => {
    const { agent, to } = await otherAddress(server);
    return { agent, page: await agent.follow(await mailedLink(server, to)), good: {}, next: /address is changed/ };
  },
  '/link (email undo)': async (server) => {
    const { email } = await otherAddress(server);
    const agent = createUserAgent(server.issuer);
    return { agent, page: await agent.follow(await mailedLink(server, email)), good: {}, next: /has its address back/ };
  },
};

const newAddress = () => `${newId('acc')}@example.net`;

/** On a page about the address, with its own form alone. */
async function signedIn(server: TestServer, email: string, path: string): Promise<{ agent: UserAgent; page: Page }> {
  const agent = createUserAgent(server.issuer);
  const page = await agent.submit(await agent.follow(path), { email, password: PASSWORD });
  return { agent, page: { ...page, forms: page.forms.filter(({ action }) => action.startsWith('/account/email')) } };
}

/** Before the button that has an address proved. */
async function unprovedPage(server: TestServer) {
  const { id, email } = await server.addAccount();
  await server.app.stores.accounts.setClaims(id, {}, false, BY_OPERATOR);
  return { ...(await signedIn(server, email, '/account/email')), email };
}

/** Somebody who has asked for another address. */
async function otherAddress(server: TestServer) {
  const { email } = await server.addAccount();
  const to = newAddress();
  const { agent, page } = await signedIn(server, email, '/account/email/new');
  await agent.submit(page, { email: to });
  return { agent, email, to };
}
