import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyringFrom, UnknownKey } from '../../src/lib/keyring.ts';
import { newKey, newKeyring } from '../../src/lib/keyring-file.ts';
import { createSealer, keyIdOf } from '../../src/lib/sealing.ts';

const content = newKeyring();
const sealer = createSealer(keyringFrom(content));
const sealed = sealer.seal('Table.column', 'row-1', 'a secret, ünd more');

describe('a sealed value', () => {
  it('opens where it belongs, and shows nothing', () => {
    expect(sealer.unseal('Table.column', 'row-1', sealed)).toBe('a secret, ünd more');
    expect(sealed.toString('latin1')).not.toContain('secret');
    expect(sealer.unseal('Table.column', 'row-1', sealer.seal('Table.column', 'row-1', ''))).toBe('');
  });

  it('is another one each time', () => {
    expect(sealer.seal('Table.column', 'row-1', 'a secret, ünd more')).not.toEqual(sealed);
  });

  it('opens in no other row and no other column', () => {
    expect(() => sealer.unseal('Table.column', 'row-2', sealed)).toThrow();
    expect(() => sealer.unseal('Table.other', 'row-1', sealed)).toThrow();
  });

  it('opens with no byte changed and none missing', () => {
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => sealer.unseal('Table.column', 'row-1', changed)).toThrow();
      expect(() => sealer.unseal('Table.column', 'row-1', sealed.subarray(0, index))).toThrow();
    }
  });

  it('opens with its whole tag only, also where nothing else would be missing', () => {
    const empty = sealer.seal('Table.column', 'row-1', '');
    for (let length = 0; length < empty.length; length += 1) {
      expect(() => sealer.unseal('Table.column', 'row-1', empty.subarray(0, length))).toThrow();
    }
  });

  it('does not open under the keyring of another installation', () => {
    expect(() => createSealer(keyringFrom(newKeyring())).unseal('Table.column', 'row-1', sealed)).toThrow(/no key/);
    const secret = randomBytes(32).toString('base64');
    const sameId = { ...content, keys: content.keys.map((key) => ({ ...key, secret })) };
    expect(() => createSealer(keyringFrom(sameId)).unseal('Table.column', 'row-1', sealed)).toThrow();
  });

  it('still opens after its key was replaced, while new ones are sealed under the new key', () => {
    const newer = { ...newKey(Date.now(), Date.now), id: 'newer000' };
    const rotated = createSealer(keyringFrom({ ...content, keys: [...content.keys, newer] }));
    expect(rotated.unseal('Table.column', 'row-1', sealed)).toBe('a secret, ünd more');
    const next = rotated.seal('Table.column', 'row-1', 'x');
    expect(keyIdOf(next)).toBe('newer000');
    expect(keyIdOf(sealed)).toBe(content.keys[0]?.id);
    expect(() => sealer.unseal('Table.column', 'row-1', next)).toThrow(new UnknownKey('newer000'));
  });
});
