import { describe, expect, it } from 'vitest';
import { matchesSubject, subjectProblem } from '../../src/clients/certificate-subject.ts';
import type { CertificateSubject } from '../../src/clients/client.ts';
import { CN, issue, type Wanted } from '../support/certificates.ts';

/*
 * The attacker has a certificate of a listed authority for a name of their own, and wants it to pass for another's: by a
 * value that looks like two, a longer name, another order, a wildcard, a name of another kind, another type of text.
 */
const O = '2.5.4.10';
const OU = '2.5.4.11';
const C = '2.5.4.6';

type Steps = NonNullable<Wanted['subject']>;
const matches = (wanted: Wanted, by: CertificateSubject['by'], value: string) =>
  matchesSubject(issue(wanted).certificate, { by, value });

describe('a subject (RFC 4514)', () => {
  const BILLING: Steps = [[[C, 'DE']], [[O, 'Example']], [[CN, 'billing']]];

  it.each<[Steps, string]>([
    [BILLING, 'CN=billing,O=Example,C=DE'],
    [BILLING, 'cn=billing, o = Example , 2.5.4.6=DE'],
    [
      [[[O, 'Ex, am+ple "x" \\y;<z>=#']], [[CN, ' # spaced ']]],
      'CN=\\ # spaced\\ ,O=Ex\\, am\\+ple \\"x\\" \\\\y\\;\\<z\\>=#',
    ],
    [[[[CN, 'Müller']]], 'CN=Müller'],
    [[[[CN, 'Müller', 0x1e]]], 'CN=M\\C3\\BCller'],
    [
      [
        [
          [OU, 'a'],
          [CN, 'b'],
        ],
      ],
      'CN=b+OU=a',
    ],
    [
      [
        [
          [OU, 'a'],
          [CN, 'b'],
        ],
      ],
      'OU=a + CN=b',
    ],
    [[[['1.2.3.4567.8', 'x']]], '1.2.3.4567.8=x'],
    [[[[CN, 'a\nO=b']]], 'CN=a\\0AO\\=b'],
  ])('%j is %s', (subject, value) => {
    expect(matches({ subject }, 'subject_dn', value)).toBe(true);
    expect(subjectProblem({ by: 'subject_dn', value })).toBeNull();
  });

  it.each<[Steps, string]>([
    [[[[CN, 'billing,O=Example,C=DE']]], 'CN=billing,O=Example,C=DE'],
    [[[[CN, 'billing\nO=Example\nC=DE']]], 'CN=billing,O=Example,C=DE'],
    [[[[CN, 'b+OU=a']]], 'CN=b+OU=a'],
    [[[[OU, 'a']], [[CN, 'b']]], 'CN=b+OU=a'],
    [BILLING, 'C=DE,O=Example,CN=billing'],
    [BILLING, 'CN=billing,O=Example'],
    [BILLING, 'CN=billing'],
    [BILLING, 'CN=bill,O=Example,C=DE'],
    [BILLING, 'CN=Billing,O=Example,C=DE'],
    [BILLING, 'CN=billing,CN=billing,O=Example,C=DE'],
    [[...BILLING, [[CN, 'x']]], 'CN=billing,O=Example,C=DE'],
    [[[[CN, 'billing\u0000.evil']]], 'CN=billing'],
    [
      [
        [
          [CN, 'billing '],
          [CN, 'x'],
        ],
      ],
      'CN=billing',
    ],
    [[[[CN, 'billing ']]], 'CN=billing'],
    [[[[O, 'billing']]], 'CN=billing'],
    [[], 'CN=billing'],
  ])('%j is not %s', (subject, value) => {
    expect(matches({ subject }, 'subject_dn', value)).toBe(false);
  });

  it.each([
    '',
    'billing',
    'CN=',
    'CN=a,',
    ',CN=a',
    'CN=a,,C=DE',
    'XX=a',
    'CN=#0401',
    'CN=a"b',
    'CN=a\\',
    'CN=\\C3',
    'CN=a+',
    '=a',
  ])('nobody is called %s', (value) => {
    expect(subjectProblem({ by: 'subject_dn', value })).toContain('--certificate-subject-dn must be');
    expect(matches({ subject: [] }, 'subject_dn', value)).toBe(false);
  });
});

describe('another name (RFC 5280 4.2.1.6)', () => {
  const NAMES = [
    { dns: 'Billing.example.org' },
    { uri: 'spiffe://example.org/billing' },
    { email: 'billing@example.org' },
    { ip: [192, 0, 2, 1] },
    { ip: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] },
  ];

  it.each<[CertificateSubject['by'], string]>([
    ['san_dns', 'billing.EXAMPLE.org'],
    ['san_uri', 'spiffe://example.org/billing'],
    ['san_email', 'billing@example.org'],
    ['san_ip', '192.0.2.1'],
    ['san_ip', '2001:DB8::1'],
    ['san_ip', '2001:db8:0:0:0:0:0:1'],
  ])('%s %s', (by, value) => {
    expect(matches({ names: NAMES }, by, value)).toBe(true);
    expect(subjectProblem({ by, value })).toBeNull();
  });

  it.each<[CertificateSubject['by'], string, Wanted]>([
    ['san_dns', 'evil.billing.example.org', { names: NAMES }],
    ['san_dns', 'example.org', { names: NAMES }],
    ['san_dns', 'billing.example.org', { names: [{ dns: '*.example.org' }] }],
    ['san_dns', 'billing.example.org', { names: [{ dns: 'evil.org, DNS:billing.example.org' }] }],
    ['san_dns', 'billing.example.org', { names: [{ dns: 'billing.example.org\u0000.evil.org' }] }],
    ['san_dns', 'billing.example.org', { names: [{ uri: 'billing.example.org' }] }],
    ['san_dns', 'billing.example.org', { subject: [[[CN, 'billing.example.org']]] }],
    ['san_dns', '192.0.2.1', { names: NAMES }],
    ['san_uri', 'spiffe://example.org/', { names: NAMES }],
    ['san_uri', 'spiffe://example.org/Billing', { names: NAMES }],
    ['san_email', 'illing@example.org', { names: NAMES }],
    ['san_ip', '192.0.2.2', { names: NAMES }],
    ['san_ip', '::ffff:192.0.2.1', { names: NAMES }],
    ['san_ip', 'nothing', { names: [{ ip: [] }] }],
  ])('%s %s is not in it', (by, value, wanted) => {
    expect(matches(wanted, by, value)).toBe(false);
  });

  it.each<[CertificateSubject['by'], string]>([
    ['san_dns', '.example.org'],
    ['san_dns', '*.example.org'],
    ['san_dns', ''],
    ['san_uri', 'billing'],
    ['san_email', 'example.org'],
    ['san_ip', '192.0.2.0/24'],
    ['san_ip', 'fe80::1%eth0'],
  ])('%s cannot be %s', (by, value) => {
    expect(subjectProblem({ by, value })).toContain(`--certificate-${by.replace('_', '-')} must be`);
  });
});
