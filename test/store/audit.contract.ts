import { describe, expect, it } from 'vitest';
import type { TestStores } from '../support/stores.ts';
import { BY } from './samples.ts';

/** Every Audit must pass this. */
export function auditContract(name: string, open: () => Promise<TestStores>): void {
  describe(`the audit in ${name}`, () => {
    it('keeps who, when, whom and the rest of the event apart', async () => {
      const { audit, clock, rows } = await open();
      await audit.write({ event: 'sign_in.failed', accountId: null, clientId: 'web', factor: 'password' }, BY);
      expect(await rows('AuditEvent')).toMatchObject([
        {
          ...{
            at: clock(),
            event: 'sign_in.failed',
            accountId: null,
            clientId: 'web',
            detail: '{"factor":"password"}',
          },
          ...{ actor: BY.actor, outcome: 'failed', requestId: BY.requestId, address: null, person: BY.actor },
        },
      ]);
    });
  });
}
