import { expect } from 'vitest';
import { CALLED_BACK, register } from '../support/registration.ts';
import type { TestServer } from '../support/server.ts';

export const web = { client_name: 'Meadow Notes', redirect_uris: [CALLED_BACK] };
export const native = { application_type: 'native', token_endpoint_auth_method: 'none' };

/** Registers in vain, which leaves nothing behind. @returns the sentence that says why */
export type Refused = (body: unknown, expected?: string, presented?: string) => Promise<string>;

/** @param scene once it is there */
export function refusals(scene: () => { server: TestServer; token: string }): Refused {
  return async (body, expected = 'invalid_client_metadata', presented = scene().token) => {
    const { server } = scene();
    const count = async () => (await server.app.stores.clients.list()).length;
    const before = await count();
    const answer = await register(server, body, presented);
    expect([answer.status, answer.body.error]).toEqual([400, expected]);
    expect(answer.body['error_description']).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]{10,300}$/);
    expect(await count()).toBe(before);
    return String(answer.body['error_description']);
  };
}
