import type { TestServer } from '../support/server.ts';
import { PASSWORD } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';

export const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

/** A person on the account pages, signed in by the normal pages. */
export async function atAccount(
  server: TestServer,
  {
    email,
    seed,
    agent = createUserAgent(server.issuer),
    path = '/account',
    stepsAhead = 0,
    password = PASSWORD,
  }: {
    email: string;
    seed?: string;
    agent?: UserAgent;
    path?: string;
    stepsAhead?: number;
    password?: string;
  },
) {
  return { agent, page: await prove(agent, await agent.follow(path), { email, seed, stepsAhead, password }) };
}

/** From a sign-in page on. */
export async function prove(
  agent: UserAgent,
  start: Page,
  {
    email,
    seed,
    stepsAhead = 0,
    password = PASSWORD,
  }: { email: string; seed?: string | undefined; stepsAhead?: number; password?: string },
): Promise<Page> {
  const page = await agent.submit(start, { email, password });
  return seed ? agent.submit(page, { code: codeOf(seed, stepsAhead) }) : page;
}

/** The first form that posts to this address below /account, with these fields changed or added. */
export async function send(agent: UserAgent, page: Page, path: string, values: Record<string, string> = {}) {
  const form = page.forms.find(({ action }) => action === `/account/${path}`);
  if (!form) throw new Error(`no form for ${path} on ${page.url} (${page.status}): ${textOf(page.html)}`);
  return agent.submit({ ...page, forms: [{ ...form, fields: { ...form.fields, ...values } }] });
}
