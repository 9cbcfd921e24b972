import type { Account } from '../../src/accounts/account.ts';
import { type Answer, basic, post } from './endpoint.ts';
import { CALLBACK } from './relying-party.ts';
import type { AddClient, Site, TestClient } from './seed.ts';
import { signIn } from './sign-in.ts';
import type { Page, UserAgent } from './user-agent.ts';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** What a device is told, and shows. */
export interface Shown {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
  expires_in: number;
  interval: number;
}

/** An application on devices that can be sent nowhere. */
export function addDevices(server: Site, settings: AddClient = {}): Promise<TestClient> {
  return server.addClient('native', { name: 'Living room TV', deviceGrant: true, ...settings });
}

/** One that runs in a cabinet of its own and keeps a secret, by whoever runs the server. */
export function addGateways(server: Site, settings: AddClient = {}): Promise<TestClient> {
  return server.addClient('web', { redirectUris: [CALLBACK], deviceGrant: true, firstParty: true, ...settings });
}

const proofOf = (client: TestClient): Record<string, string> =>
  client.settings.authMethod === 'none' ? {} : basic(client);

export async function askAsDevice(
  server: Site,
  client: TestClient,
  parameters: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<Answer & { body: Answer['body'] & Shown }> {
  const body = { client_id: client.id, scope: 'openid offline_access', ...parameters };
  const answer = await post(server, '/oauth2/device', body, { ...proofOf(client), ...headers });
  return answer as Answer & { body: Answer['body'] & Shown };
}

export function poll(server: Site, client: TestClient, deviceCode: string): Promise<Answer> {
  const parameters = { grant_type: DEVICE_GRANT, client_id: client.id, device_code: deviceCode };
  return post(server, '/oauth2/token', parameters, proofOf(client));
}

/** As far as the page that asks whose device it is. */
export async function typeCode(agent: UserAgent, userCode: string): Promise<Page> {
  return agent.submit(await agent.follow('/device'), { user_code: userCode });
}

/** Types the code, says that the device is theirs, signs in and allows what is asked for. */
export async function connect(
  agent: UserAgent,
  userCode: string,
  account: Pick<Account, 'email'>,
  options: { totpSecret?: string; stepsAhead?: number } = {},
): Promise<Page> {
  const page = await agent.submit(await typeCode(agent, userCode), { decision: 'allow' });
  return signIn(agent, page, account, options);
}
