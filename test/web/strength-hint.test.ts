import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { strengthHint } from '../../passwords/write-strength-hint.ts';

it('the strength hint is what its script writes, small, and evaluates no text as code', async () => {
  const code = readFileSync('views/assets/password-strength.js', 'utf8');
  expect(await strengthHint()).toBe(code);
  expect(Buffer.byteLength(code)).toBeLessThan(50_000);
  expect(code).not.toMatch(/\beval\(|new Function|innerHTML|document\.write/);
});
