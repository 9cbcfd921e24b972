import { expect, it } from 'vitest';
import { clientSecretHash, issueClientSecret } from '../../src/clients/secrets.ts';

it('a client secret has 256 bits and is told apart from its hash', () => {
  const { secret, secretHash } = issueClientSecret();
  expect(secret).toMatch(/^gws_[\w-]{43}$/);
  expect(secretHash).toBe(clientSecretHash(secret));
  expect(secretHash).not.toContain(secret.slice(4));
  expect(issueClientSecret().secret).not.toBe(secret);
});
