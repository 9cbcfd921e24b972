import { startSecurityEventReceiver } from './security-event-receiver.ts';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = 'web-app', PORT = '4006' } = process.env;

/** What an application does about them; it ignores what it does not know. */
const ACTIONS: Record<string, string> = {
  'session-revoked': 'end every session of',
  'credential-change': 'show a notice to',
  'account-credential-change-required': 'end every session of',
  'account-disabled': 'lock out, with keys and tokens of our own,',
  'account-enabled': 'let in again',
  'account-purged': 'delete what we keep of',
  'identifier-changed': 'ask userinfo for the new address of',
};

const { url } = await startSecurityEventReceiver({
  ...{ issuer: ISSUER, clientId: CLIENT_ID, port: Number(PORT) },
  act(type, subject, detail) {
    const action = ACTIONS[type];
    if (action) console.log(`${type}: ${action} ${subject} ${JSON.stringify(detail)}`);
  },
});
console.log(`Security events are taken at ${url}/security-events`);
