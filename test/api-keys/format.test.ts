import { describe, expect, it } from 'vitest';
import { apiKeyHash, issueApiKey, looksLikeApiKey } from '../../src/api-keys/format.ts';
import { sha256 } from '../../src/lib/hash.ts';

/** What docs/authorization.md gives to secret scanners. */
const PATTERN = /^gwk_[0-9A-Za-z]{49}$/;

describe('an API key', () => {
  it('is random, of one shape, and known by its SHA-256', () => {
    const keys = Array.from({ length: 1000 }, issueApiKey);
    for (const { key, keyHash } of keys) {
      expect(key).toMatch(PATTERN);
      expect(apiKeyHash(key)).toBe(keyHash);
      expect(keyHash).toBe(sha256(key));
    }
    expect(new Set(keys.map(({ key }) => key)).size).toBe(1000);
    // Every digit stands in every place but the first, which 256 bits do not fill.
    for (let place = 5; place < 47; place += 1) {
      expect(new Set(keys.map(({ key }) => key[place])).size).toBeGreaterThan(50);
    }
  });

  it('keeps its checksum where others compute it: CRC-32 of all before, as six digits of 62', () => {
    // Computed apart, with Python: zlib.crc32(b'gwk_' + b'0' * 43)
    expect(apiKeyHash(`gwk_${'0'.repeat(43)}0oVEGz`)).not.toBeNull();
  });

  it('is none with any one character changed, two exchanged, more, fewer, or in another dress', () => {
    const { key } = issueApiKey();
    for (let at = 0; at < key.length; at += 1) {
      for (const digit of ['0', 'A', 'z', '_', ' ', '\u0000', 'é']) {
        const changed = key.slice(0, at) + digit + key.slice(at + 1);
        if (changed !== key) expect(apiKeyHash(changed), changed).toBeNull();
      }
      const [a = '', b = ''] = [key[at], key[at + 1]];
      const exchanged = key.slice(0, at) + b + a + key.slice(at + 2);
      if (exchanged !== key) expect(apiKeyHash(exchanged), exchanged).toBeNull();
    }
    for (const other of [
      '',
      'gwk_',
      `${key} `,
      ` ${key}`,
      `${key}\n`,
      key.slice(0, -1),
      `${key}0`,
      key.toUpperCase(),
      `gwk_${key}`,
    ]) {
      expect(apiKeyHash(other), other).toBeNull();
    }
    expect(apiKeyHash('gwk_'.repeat(100_000))).toBeNull();
  });

  it('means to be one by its beginning alone', () => {
    expect(looksLikeApiKey(issueApiKey().key)).toBe(true);
    expect(looksLikeApiKey('gwk_x')).toBe(true);
    expect(looksLikeApiKey('gws_x')).toBe(false);
  });
});
