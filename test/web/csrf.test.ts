import type { Context } from 'koa';
import { expect, it } from 'vitest';
import { createCsrf } from '../../src/web/csrf.ts';
import { movedKeyring } from '../lib/moved-keyring.ts';

const issuer = 'https://id.example.org';
const ctx = { get: (name: string) => (name === 'sec-fetch-site' ? 'same-origin' : '') } as Context;
const form = (csrf: string) => new URLSearchParams({ csrf });

it('a form that was open while the keyring moved on is taken until its key is gone', () => {
  const { before, both, after } = movedKeyring();
  const old = createCsrf({ keyring: before, issuer }).token('flow');
  const csrf = createCsrf({ keyring: both, issuer });
  csrf.check(ctx, 'flow', form(old));
  csrf.check(ctx, 'flow', form(csrf.token('flow')));
  expect(() => csrf.check(ctx, 'another', form(old))).toThrow('form_forged');
  expect(() => csrf.check(ctx, 'flow', form(''))).toThrow('form_forged');
  expect(() => createCsrf({ keyring: after, issuer }).check(ctx, 'flow', form(old))).toThrow('form_forged');
  createCsrf({ keyring: after, issuer }).check(ctx, 'flow', form(csrf.token('flow')));
});
