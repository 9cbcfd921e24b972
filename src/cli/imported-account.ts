import { isEmail } from '../accounts/account.ts';
import { parseHash, UnusableHash } from '../accounts/foreign-hash.ts';
import type { NewAccount } from '../accounts/store.ts';
import { newId } from '../lib/ids.ts';
import { changeClaims } from './claims.ts';
import { Failure } from './failure.ts';

const FIELDS = ['email', 'name', 'verified', 'passwordHash', 'claims'];

/**
 * One line of an import. Roles are no part of it: a file from elsewhere makes no administrators.
 * @throws {Failure} that says what is wrong, never what the hash was
 */
export function parseAccount(line: string): NewAccount {
  const fields = objectIn(line);
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw new Failure(`there is no field ${unknown}: ${FIELDS.join(', ')} are known`);

  const { email, name, verified = false, passwordHash = null, claims = {} } = fields;
  if (typeof email !== 'string' || !isEmail(email.trim())) throw new Failure('email must be an email address');
  if (typeof verified !== 'boolean') throw new Failure('verified must be true or false');
  if (passwordHash !== null && typeof passwordHash !== 'string') throw new Failure('passwordHash must be text or null');
  if (!isTexts(claims)) throw new Failure('claims must be an object of texts, such as {"address.locality": "Paris"}');
  if (name !== undefined && typeof name !== 'string') throw new Failure('name must be text');
  const sets = Object.entries({ ...(name !== undefined && { name }), ...claims }).map(
    ([key, value]) => `${key}=${value}`,
  );
  return {
    ...{ id: newId('acc'), email: email.trim(), emailVerified: verified, role: 'user' },
    passwordHash: passwordHash === null ? null : hashIn(passwordHash),
    claims: changeClaims({}, sets, []),
  };
}

function objectIn(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Its message quotes the line, which holds a hash.
  }
  throw new Failure('this is no JSON object');
}

function isTexts(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === 'string');
}

function hashIn(text: string): string {
  try {
    return parseHash(text);
  } catch (err) {
    throw err instanceof UnusableHash ? new Failure(`passwordHash ${err.message}`) : err;
  }
}
