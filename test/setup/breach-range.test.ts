import { hash } from 'node:crypto';
import path from 'node:path';
import { expect, it } from 'vitest';
import { newLink, seen, setupPage } from '../attacks/stations.ts';
import { startRangeServer } from '../support/range-server.ts';
import { startTestServer } from '../support/server.ts';
import { sqliteTables } from '../support/tables.ts';
import { textOf } from '../support/user-agent.ts';

const BREACHED = 'quiet otter lost elsewhere';
const OWN = 'quiet otter ladder';

it('a new password is looked up by five digits of its hash, and nothing else of it leaves', async () => {
  await using range = await startRangeServer([BREACHED], [OWN]);
  await using server = await startTestServer({ PASSWORD_RANGE_URL: range.url });
  const { agent, page } = await setupPage(server);
  const refused = await agent.submit(page, { email: 'root@example.org', password: BREACHED });
  expect([refused.status, textOf(refused.html)]).toEqual([422, expect.stringContaining('known from other services')]);
  expect(seen(await agent.submit(refused, { email: 'root@example.org', password: OWN }))).toMatch(/authenticator app/);

  expect(range.requests).toHaveLength(2);
  for (const [i, password] of [BREACHED, OWN].entries()) {
    const digest = hash('sha1', password, 'hex').toUpperCase();
    expect(range.requests[i]?.line).toBe(`GET /range/${digest.slice(0, 5)}`);
    expect(range.requests[i]?.headers['add-padding']).toBe('true');
    const wire = JSON.stringify(range.requests[i]).toUpperCase();
    for (const secret of [digest.slice(5, 12), password.toUpperCase(), 'ROOT@']) expect(wire).not.toContain(secret);
  }
});

it('when the range cannot be asked the password is taken, and that is audited without a word about whose', async () => {
  await using range = await startRangeServer([BREACHED]);
  await using server = await startTestServer({ PASSWORD_RANGE_URL: range.url });
  const ways = ['with an error', 'with a page', 'elsewhere', 'never'] as const;
  for (const way of ways) {
    range.behaves = way;
    await newLink(server);
    const { agent, page } = await setupPage(server);
    const next = await agent.submit(page, { email: 'root@example.org', password: BREACHED });
    expect([way, seen(next)]).toEqual([way, expect.stringMatching(/Add your authenticator app/)]);
  }
  // None of them was followed elsewhere.
  expect(range.requests.map(({ line }) => line.slice(0, 11))).toEqual(Array(4).fill('GET /range/'));
  const { rows } = sqliteTables(path.join(server.folder, 'data/gatewright.db'));
  const events = (await rows('AuditEvent')).filter(({ event }) => event === 'password.range_unavailable');
  expect(events).toHaveLength(ways.length);
  for (const event of events) expect([event['accountId'], event['detail']]).toEqual([null, '{}']);
});

it('unless it is configured, nobody is asked', async () => {
  await using range = await startRangeServer([BREACHED]);
  await using server = await startTestServer();
  const { agent, page } = await setupPage(server);
  expect(seen(await agent.submit(page, { email: 'root@example.org', password: BREACHED }))).toMatch(/authenticator/);
  expect(range.requests).toEqual([]);
});
