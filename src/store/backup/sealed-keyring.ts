import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { OperatorProblem } from '../../lib/errors.ts';

const VERSION = 1;
/** 128 MiB and about half a second for each guess. Fixed per version: what a file asks for is not believed. */
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 192 * 1024 * 1024 };
const KEY = 32;
const TAG = 16;

interface SealedKeyring {
  version: typeof VERSION;
  salt: string;
  nonce: string;
  sealed: string;
}

const derive = promisify<string, Buffer, number, typeof COST, Buffer>(scrypt);

/** A keyring opens everything: it leaves its folder under a passphrase only. */
export async function sealKeyring(keyring: string, passphrase: string): Promise<string> {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', await keyFrom(passphrase, salt), nonce);
  cipher.setAAD(associated(salt));
  const sealed = Buffer.concat([cipher.update(keyring, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  const content: SealedKeyring = { version: VERSION, salt: text(salt), nonce: text(nonce), sealed: text(sealed) };
  return JSON.stringify(content);
}

/** @throws {OperatorProblem} where the passphrase is wrong; that it was changed looks the same */
export async function unsealKeyring(sealedKeyring: string, passphrase: string): Promise<string> {
  try {
    const content = JSON.parse(sealedKeyring) as SealedKeyring;
    const [salt, nonce, sealed] = [bytes(content.salt), bytes(content.nonce), bytes(content.sealed)];
    const decipher = createDecipheriv('aes-256-gcm', await keyFrom(passphrase, salt), nonce, { authTagLength: TAG });
    decipher.setAAD(associated(salt));
    decipher.setAuthTag(sealed.subarray(-TAG));
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG)), decipher.final()]).toString('utf8');
  } catch (err) {
    throw new OperatorProblem('the keyring in the backup does not open: the passphrase is wrong', { cause: err });
  }
}

function keyFrom(passphrase: string, salt: Buffer): Promise<Buffer> {
  return derive(passphrase.normalize('NFKC'), salt, KEY, COST);
}

function associated(salt: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`gatewright keyring ${VERSION}\n`), salt]);
}

const text = (value: Buffer) => value.toString('base64');
const bytes = (value: string) => Buffer.from(value, 'base64');
