import { startLogoutReceiver } from './logout-receiver.ts';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = 'web-app', PORT = '4005' } = process.env;

const { url } = await startLogoutReceiver({
  ...{ issuer: ISSUER, clientId: CLIENT_ID, port: Number(PORT) },
  // Yours deletes the session that it made for this `sid`, or all of this `sub`.
  end: ({ sid, sub }) => console.log(`end ${sid ? `session ${sid}` : 'every session'} of ${sub}`),
});
console.log(`Logout tokens are taken at ${url}/backchannel-logout`);
