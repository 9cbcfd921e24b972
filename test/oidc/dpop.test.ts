import type { Context } from 'koa';
import Provider from 'oidc-provider';
import { describe, expect, it, vi } from 'vitest';
import { keyringFrom } from '../../src/lib/keyring.ts';
import { newKeyring } from '../../src/lib/keyring-file.ts';
import { dpopFeature } from '../../src/oidc/dpop.ts';
import { onKeyTurn } from '../../src/oidc/key-turn.ts';
import { movedKeyring } from '../lib/moved-keyring.ts';

const { before, both, after } = movedKeyring();
const secretOf = (keyring: typeof before) => dpopFeature({ keyring, nonces: 'offered' }).nonceSecret.toString('hex');

describe('the secret of nonces', () => {
  it('is the same on every instance, another per installation, and follows the current key', () => {
    expect(secretOf(both)).toBe(secretOf(after));
    expect(secretOf(before)).not.toBe(secretOf(after));
    expect(secretOf(keyringFrom(newKeyring()))).not.toBe(secretOf(before));
    expect(secretOf(before)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is one that the library takes', () => {
    vi.spyOn(console, 'warn').mockReturnValue();
    const dPoP = dpopFeature({ keyring: before, nonces: 'required' });
    expect(() => new Provider('https://id.example.org', { features: { dPoP } })).not.toThrow();
    vi.restoreAllMocks();
  });
});

describe('a key that takes over', () => {
  it('is noticed with the next request, once', async () => {
    const keyring = { currentKeyId: 'one' };
    const turned = vi.fn();
    const middleware = onKeyTurn(keyring, turned);
    const next = vi.fn(async () => {});
    const ask = () => middleware({} as Context, next);
    await ask();
    expect(turned).not.toHaveBeenCalled();
    keyring.currentKeyId = 'two';
    await ask();
    await ask();
    expect(turned).toHaveBeenCalledOnce();
    expect(next).toHaveBeenCalledTimes(3);
  });
});
