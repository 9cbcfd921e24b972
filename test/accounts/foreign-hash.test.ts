import { describe, expect, it } from 'vitest';
import { bcryptMatches } from '../../src/accounts/bcrypt.ts';
import { parseHash } from '../../src/accounts/foreign-hash.ts';
import { createPasswords } from '../../src/accounts/passwords.ts';

const passwords = createPasswords({ memory: 1024, passes: 2, lanes: 1, concurrency: 2, queue: 100 });
const phc = (text: string, encoding: 'utf8' | 'hex' = 'utf8') =>
  Buffer.from(text, encoding).toString('base64').replaceAll('=', '');

/** Made by others: where from, a password, its hash. */
const VECTORS: [source: string, password: string, hash: string][] = [
  [
    'argon2id, reference implementation, test.c',
    'password',
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  ],
  [
    'argon2i, reference implementation, test.c',
    'password',
    '$argon2i$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$sDV8zPvvkfOGCw26RHsjSMvv7K2vmQq/6cxAcmxSEnE',
  ],
  [
    'argon2d, passlib, in the tests of go-crypt',
    'apple123',
    '$argon2d$v=19$m=65536,t=4,p=4$PUfIWctZa611rpXSOicEAA$eUtgGpyO1+ylLPGhN8gvRXBXF+Zd97kQIZA7OgX4VIM',
  ],
  [
    'argon2id as Django writes it',
    'password',
    'argon2$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  ],
  ['bcrypt 2a, crypt_blowfish, wrapper.c', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['bcrypt 2b, tests of pyca/bcrypt', 'J8eHUDuxBB520', '$2b$04$VvlCUKbTMjaxaYJ.k5juoecpG/7IzcH1AkmqKi.lIZMVIOLClWAk.'],
  ['bcrypt 2y, libxcrypt 4.4', 'pässwörd with umlauts', '$2y$10$abcdefghijklmnopqrstuu4f01UfUEbCZ7T48pLwv8nnl4vTCt3wm'],
  [
    'scrypt, RFC 7914 12',
    'password',
    `$scrypt$ln=10,r=8,p=16$${phc('NaCl')}$${phc('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640', 'hex')}`,
  ],
  [
    'scrypt, passlib, in the tests of go-crypt',
    'apple123',
    '$scrypt$ln=15,r=8,p=1$m7M2BqBUytk75zznfK91jg$F11VwAGrQanCaexGVmBafSbTs1X2l165eyb+m8uN/mg',
  ],
  [
    'scrypt, tests of Django',
    'lètmein',
    'scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==',
  ],
  [
    'PBKDF2-SHA-1, RFC 6070',
    'password',
    `$pbkdf2-sha1$i=4096,l=20$${phc('salt')}$${phc('4b007901b765489abead49d926f721d065a429c1', 'hex')}`,
  ],
  ['PBKDF2-SHA-1, passlib', 'apple123', '$pbkdf2$131000$OMd4jxFCqFWq9T7HWEvpvQ$MniJ8FEvDtukO8KmKYM1yUV0VWk'],
  ['PBKDF2-SHA-1, tests of Django', 'lètmein', 'pbkdf2_sha1$260000$seasalt2$wAibXvW6jgvatCdONi6SMJ6q7mI='],
  [
    'PBKDF2-SHA-256, RFC 7914 11',
    'Password',
    `$pbkdf2-sha256$i=80000,l=64$${phc('NaCl')}$${phc('4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d', 'hex')}`,
  ],
  [
    'PBKDF2-SHA-256, tests of Django',
    'lètmein',
    'pbkdf2_sha256$260000$seasalt2$UCGMhrOoaq1ghQPArIBK5RkI6IZLRxlIwHWA1dMy7y8=',
  ],
  [
    'PBKDF2-SHA-512, passlib',
    'password',
    '$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww',
  ],
];

describe('the hash of another program', () => {
  it.each(VECTORS)('%s: the right password and no other', async (_source, password, hash) => {
    const kept = parseHash(hash);
    expect(await passwords.verify(kept, password)).toBe(true);
    expect(await passwords.verify(kept, `${password}x`)).toBe(false);
    expect(passwords.isOutdated(kept)).toBe(true);
  });

  it('takes the password in NFKC, and as it was typed where that was hashed', async () => {
    const [, , hash = ''] = VECTORS.find(([source]) => source.startsWith('bcrypt 2y')) ?? [];
    expect(await passwords.verify(hash, 'pa\u0308sswo\u0308rd with umlauts')).toBe(true);
    // libxcrypt 4.4, of a name with the sign U+2122 that NFKC makes two letters of.
    const typed = '$2b$05$abcdefghijklmnopqrstuuhLYuRkE0UaxAqN1FrRsqXU9zqQ1YyHG';
    expect(await passwords.verify(typed, 'Otter\u2122')).toBe(true);
  });

  it('lets others be served while bcrypt works', async () => {
    const [, password = '', hash = ''] = VECTORS.find(([source]) => source.startsWith('bcrypt 2y')) ?? [];
    let turns = 0;
    let done = false;
    const turn = () => {
      turns += 1;
      if (!done) setImmediate(turn);
    };
    turn();
    expect(await bcryptMatches(hash, password)).toBe(true);
    done = true;
    expect(turns).toBeGreaterThan(10);
  });
});

describe('a hash is refused', () => {
  const key = phc('k'.repeat(32));
  it.each([
    ['bcrypt of cost 15', '$2b$15$abcdefghijklmnopqrstuu4f01UfUEbCZ7T48pLwv8nnl4vTCt3wm', 'costs more'],
    ['bcrypt of cost 31', '$2b$31$abcdefghijklmnopqrstuu4f01UfUEbCZ7T48pLwv8nnl4vTCt3wm', 'costs more'],
    ['scrypt with 2^63 blocks', `$scrypt$ln=63,r=8,p=1$c2FsdA$${key}`, 'costs more'],
    ['scrypt in 512 MiB', `$scrypt$ln=19,r=8,p=1$c2FsdA$${key}`, 'costs more'],
    ['scrypt in many lanes', `scrypt$16384$salt$8$999999999$${key}`, 'costs more'],
    ['scrypt in 384 MiB of one wide block', `$scrypt$ln=1,r=1000000,p=1$c2FsdA$${key}`, 'costs more'],
    ['PBKDF2 of a billion turns', `pbkdf2_sha256$999999999$salt$${key}`, 'costs more'],
    ['argon2 in 1 GiB', `$argon2id$v=19$m=1048576,t=1,p=1$c29tZXNhbHQ$${key}`, 'costs more'],
    ['argon2 of many passes', `$argon2id$v=19$m=65536,t=999999,p=1$c29tZXNhbHQ$${key}`, 'costs more'],
    ['argon2 in many lanes', `$argon2id$v=19$m=65536,t=1,p=999$c29tZXNhbHQ$${key}`, 'costs more'],
    ['of one byte, which many passwords have', 'pbkdf2_sha256$1000$salt$QQ==', 'no form'],
    ['bcrypt cut short', '$2b$10$abcdefghijklmnopqrstuu4f01UfUEbCZ7T48pLwv8nnl4vT', 'no form'],
    ['scrypt with what is no power of two', `scrypt$16383$salt$8$1$${key}`, 'no form'],
    ['scrypt with more than its blocks allow', `$scrypt$ln=16,r=1,p=1$c2FsdA$${key}`, 'no form'],
    ['argon2 with a comma too many', `$argon2id$v=19$m=65536,t=2,p=1,$c29tZXNhbHQ$${key}`, 'no form'],
    ['a plain SHA-256', 'a'.repeat(64), 'no form'],
    ['the password itself', 'correct horse battery staple', 'no form'],
  ])('%s', (_what, hash, reason) => {
    expect(() => parseHash(hash)).toThrow(expect.objectContaining({ message: expect.stringContaining(reason) }));
  });
});
