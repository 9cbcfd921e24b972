import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { checkCertificates } from '../../src/cli/doctor-certificates.ts';
import { parseConfig } from '../../src/config/config.ts';
import { issue, type Wanted } from '../support/certificates.ts';

const DAY = 86_400_000;
const inDays = (days: number) => ({ until: new Date(Date.now() + (days + 0.5) * DAY) });

function findings({ own, authority, otherKey = false }: { own: Wanted; authority: Wanted; otherKey?: boolean }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-doctor-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [cert, key, ca] = ['c.pem', 'k.pem', 'a.pem'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  const issued = issue(own);
  writeFileSync(cert, issued.cert);
  writeFileSync(key, otherKey ? issue().key : issued.key);
  writeFileSync(ca, issue(authority).cert);
  const config = parseConfig({
    ...{ ISSUER: 'https://id.example.org', TLS_CERT_FILE: cert, TLS_KEY_FILE: key },
    ...{ MTLS_PORT: '8443', MTLS_CA_FILE: ca },
  });
  return checkCertificates(config, () => Date.now()).map(({ status, message }) => `${status}: ${message}`);
}

it.each([
  [
    'all is well',
    { own: inDays(80), authority: inDays(400) },
    /^ok: .* good for 80 days$/,
    /^ok: .*8443.* for 400 days$/,
  ],
  ['they expire soon', { own: inDays(3), authority: inDays(5) }, /^warning: .* in 3 days/, /^warning: .* in 5 days/],
  ['they have expired', { own: inDays(-3), authority: inDays(-3) }, /^problem: .* expired/, /^problem: .* expired/],
  ['the key is another', { own: inDays(80), authority: inDays(80), otherKey: true }, /^problem: .* not the key/, /^ok/],
])('says of the files that %s', (_case, { own, authority, ...rest }, ofOwn, ofClients) => {
  const [first, second] = findings({ own, authority: { ...authority, authority: true }, ...rest });
  expect(first).toMatch(ofOwn);
  expect(second).toMatch(ofClients);
});

it('says of an authority that it is none', () => {
  expect(findings({ own: inDays(80), authority: {} })[1]).toMatch(/^problem: MTLS_CA_FILE: .* no authority/);
});

it('says nothing where nothing is configured', () => {
  expect(checkCertificates(parseConfig({ ISSUER: 'https://id.example.org' }), () => Date.now())).toEqual([]);
});
