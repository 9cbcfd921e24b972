import { expect, it } from 'vitest';
import type { RegisteredClient } from '../../src/oidc/registry.ts';
import { createSessionEnds } from '../../src/oidc/session-ends.ts';
import type { Job } from '../../src/outbox/outbox.ts';
import { openTestState } from '../support/stores.ts';

it('an application that is signed in to while its session ends is told as well', async () => {
  const { artifacts, clock } = openTestState();
  const keys = { uid: 'uid', grantId: null, accountId: 'ada', clientId: null, sessionUid: null };
  const payload = {
    jti: 'session',
    uid: 'uid',
    accountId: 'ada',
    authorizations: { first: { sid: 'one', grantId: 'g1' } },
  };
  await artifacts.put('Session', 'session', payload, keys, clock() + 60_000);

  const jobs: Job[] = [];
  const settings = { backchannelLogoutUri: 'https://app.example.org/logout' };
  const ends = createSessionEnds({
    artifacts,
    registry: {
      account: async () => null,
      client: async () => ({ settings }) as RegisteredClient,
      api: async () => null,
      roles: async () => [],
      isListed: async () => false,
      apiKey: async () => null,
    },
    outbox: {
      async add(job: Job) {
        if (jobs.length === 0) await artifacts.claimAuthorization('uid', 'second', { sid: 'two', grantId: 'g2' });
        jobs.push(job);
      },
    } as Parameters<typeof createSessionEnds>[0]['outbox'],
  });
  await ends.end('session');
  expect(jobs.map((job) => 'sid' in job && job.sid)).toEqual(['one', 'two']);
});
