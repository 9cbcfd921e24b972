import { expect, it } from 'vitest';
import type { TrailEvent } from '../../src/audit/trail.ts';
import { entryJson, lineOf } from '../../src/cli/audit-words.ts';

const EVENT: TrailEvent = {
  ...{ id: 'evt_1', at: 0, event: 'audit.exported', outcome: 'succeeded', actor: 'cli', detail: '{"entries":3}' },
  ...{ accountId: null, clientId: null, requestId: null, person: null, personalHash: null },
  ...{ sequence: 1, previous: '', mac: 'mac', personal: null, personalState: 'none' },
};
const line = (detail: string) => lineOf({ ...EVENT, detail }, (id) => id);

it('shows an entry whose detail somebody made unreadable', () => {
  expect(line('{"entries":3}')).toBe('1970-01-01T00:00:00.000Z cli exported the audit trail (entries: 3)');
  expect(line('{"entries":')).toBe('1970-01-01T00:00:00.000Z cli exported the audit trail ({"entries":)');
  expect(line('null')).toBe('1970-01-01T00:00:00.000Z cli exported the audit trail');
  expect(entryJson({ ...EVENT, detail: 'x' })).toMatchObject({ id: 'evt_1', detail: 'x' });
});
