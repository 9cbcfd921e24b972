import { generateSync } from 'otplib';
import type { Account } from '../../src/accounts/account.ts';
import { PASSWORD } from './server.ts';
import type { Page, UserAgent } from './user-agent.ts';

/** A code of an authenticator app. Each step is good for one use, so a test that needs two asks for the next. */
export function codeOf(secret: string, stepsAhead = 0): string {
  return generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + 30 * stepsAhead });
}

/** From the sign-in page on: password, then whatever comes; consent is given. Ends where the browser leaves. */
export async function signIn(
  agent: UserAgent,
  start: Page,
  account: Pick<Account, 'email'>,
  { totpSecret, stepsAhead = 0 }: { totpSecret?: string; stepsAhead?: number } = {},
): Promise<Page> {
  let page = await agent.submit(start, { email: account.email, password: PASSWORD });
  if (totpSecret) page = await agent.submit(page, { code: codeOf(totpSecret, stepsAhead) });
  return allow(agent, page);
}

/** Gives consent where it is asked for. */
export async function allow(agent: UserAgent, page: Page): Promise<Page> {
  const asked = page.forms.some(({ buttons }) => buttons.some(({ value }) => value === 'allow'));
  return asked ? agent.submit(page, { decision: 'allow' }) : page;
}
