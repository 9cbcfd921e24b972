import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generateSecret } from 'otplib';
import { issueClientSecret } from '../../src/clients/secrets.ts';
import { OperatorProblem } from '../../src/lib/errors.ts';

/** All that the demo must know again at its next start. Made at random at the first one: nothing here has a default. */
export interface Credentials {
  password: string;
  /** Base32 seed of the second person's authenticator. */
  totpSecret: string;
  webAppSecret: string;
}

/** @throws {OperatorProblem} */
export function openCredentials(dataFolder: string): Credentials {
  const file = path.join(dataFolder, 'credentials');
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Credentials;
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new OperatorProblem(`${file} cannot be read: delete ${dataFolder} to start over`, { cause: err });
    }
  }
  const credentials = {
    password: newPassword(),
    totpSecret: generateSecret(),
    webAppSecret: issueClientSecret().secret,
  };
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return credentials;
}

/** 16 letters without look-alikes in groups that are easy to type: 72 bits. */
function newPassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz';
  const group = () => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('');
  return [group(), group(), group(), group()].join('-');
}
