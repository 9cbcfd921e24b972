import { generateSync, generateURI } from 'otplib';
import { ADA, GRACE } from './people.ts';
import type { Demo } from './start.ts';

/** What to open, whom to sign in as, what to try. */
export function welcome(demo: Demo, { interactive }: { interactive: boolean }): string {
  const { issuer, urls, credentials, folder } = demo;
  const twoFactor = `${urls.webApp}/login?acr_values=urn:gatewright:acr:two-factor`;
  return `
  Gatewright is running, with three applications that rely on it.

    ${urls.webApp}  a web application: start here
    ${urls.singlePageApp}  a single-page application
    ${urls.microservice}  the API that both call
    ${issuer}  the identity provider

  Sign in as
    ${ADA.email.padEnd(19)}with the password ${credentials.password}
    ${GRACE.email.padEnd(19)}with the same password, and a code of her authenticator app:
${codeLine(demo)}${interactive ? '   (Enter shows the next)' : ''}
      To see the codes in an app of yours, give it this address, or the secret in it:
      ${otpauthUri(demo)}

  Try
    ${twoFactor}
      the application asks for two factors: Ada sets up an authenticator app, and gets recovery codes
    DATA_DIR=${folder} KEYS_DIR=${folder}/keys npx gatewright account list
      the operator's commands, while the server runs

  All of it is kept in ${folder}: delete that folder to start over. Ctrl-C stops everything.

`;
}

export function codeLine({ credentials }: Demo): string {
  const code = generateSync({ secret: credentials.totpSecret });
  return `      ${code.slice(0, 3)} ${code.slice(3)}  at ${new Date().toTimeString().slice(0, 8)}, good for half a minute`;
}

function otpauthUri({ siteName, credentials }: Demo): string {
  return generateURI({ issuer: siteName, label: GRACE.email, secret: credentials.totpSecret });
}
