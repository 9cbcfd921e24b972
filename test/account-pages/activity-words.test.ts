import { expect, it } from 'vitest';
import { EVENTS } from '../../src/cli/audit-words.ts';
import { textKeys } from '../../src/web/texts.ts';

/** They name no account, or one that nobody can sign in to any more. */
const NOBODYS = [
  ...['account.deleted', 'password.range_unavailable', 'sign_in.spraying', 'limit.lifted'],
  ...['client.created', 'client.updated', 'client.secret_rotated'],
  ...['client.disabled', 'client.enabled', 'client.deleted'],
  ...['client.registered', 'client.self_updated', 'client.self_deleted', 'client.self_management_ended'],
  ...['registration.token_created', 'registration.token_revoked'],
  ...['signing_key.added', 'signing_key.revoked', 'keyring.key_added', 'keyring.key_removed'],
  ...['installation.left', 'installation.reopened', 'installation.restored', 'backup.made'],
  ...['incident.client_ended', 'delivery.retried', 'delivery.dropped'],
  ...['audit.exported', 'audit.pruned', 'setup_link.made'],
  ...['invitation.sent', 'invitation.revoked'],
  ...['role.created', 'role.updated', 'role.deleted'],
  ...['api_key.created', 'api_key.rotated', 'api_key.revoked'],
];

it('says every event of an account in words, and no other', () => {
  const worded = textKeys('en')
    .filter((key) => /^activity\.(?!factor\.|outcome\.)\w+\.\w+$/.test(key))
    .map((key) => key.slice('activity.'.length));
  expect(worded.sort()).toEqual(EVENTS.filter((event) => !NOBODYS.includes(event)).sort());
});
