import { describe, expect, it } from 'vitest';
import { newId, newSecret } from '../../src/lib/ids.ts';

describe('ids', () => {
  it('say their kind and are safe everywhere', () => {
    for (let index = 0; index < 500; index += 1) expect(newId('acc')).toMatch(/^acc_[A-Za-z0-9]{22}$/);
  });

  it('never repeat', () => {
    expect(new Set(Array.from({ length: 1000 }, () => newId('evt'))).size).toBe(1000);
  });
});

describe('secrets', () => {
  it('have 256 bits and never repeat', () => {
    const secrets = Array.from({ length: 1000 }, () => newSecret('gws'));
    expect(new Set(secrets).size).toBe(1000);
    for (const secret of secrets) {
      expect(secret).toMatch(/^gws_[\w-]{43}$/);
      expect(Buffer.from(secret.slice(4), 'base64url')).toHaveLength(32);
    }
  });
});
