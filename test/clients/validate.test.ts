import { describe, expect, it } from 'vitest';
import { certificatesAsKeys } from '../../src/cli/certificate-options.ts';
import { DEFAULT_API } from '../../src/clients/api.ts';
import { type ClientSettings, type ClientType, defaultSettings } from '../../src/clients/client.ts';
import { clientProblems } from '../../src/clients/validate.ts';
import { issue } from '../support/certificates.ts';

const HTTPS = 'https://app.example.org/callback';
const PUBLIC_JWKS = { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: '1' }] };

const CERTIFIED = { by: 'subject_dn', value: 'CN=app,O=Example' };
const OWN_CERTIFICATE = certificatesAsKeys(issue().cert);
const [MIXED_UP] = [issue(), issue()].map(({ certificate }, at, all) => ({
  keys: [
    {
      ...certificate.publicKey.export({ format: 'jwk' }),
      x5c: [all[1 - at]?.certificate.raw.toString('base64')],
    },
  ],
}));

type Some = Partial<ClientSettings> & { id?: string; name?: string; audience?: string | null };

function problems(type: ClientType, { id = 'app', name = 'App', audience, ...some }: Some = {}): string[] {
  const signsIn = type === 'web' || type === 'spa' || type === 'native';
  const settings = { ...defaultSettings(type), redirectUris: signsIn ? [HTTPS] : [], ...some };
  const own = type === 'resource' ? 'https://api.example.org' : null;
  return clientProblems({ id, name, type, audience: audience === undefined ? own : audience, settings });
}

describe('a sound registration', () => {
  for (const [name, type, some] of [
    ['a web application', 'web', {}],
    [
      'one on this machine',
      'web',
      { redirectUris: ['http://localhost:8080/cb', 'http://127.0.0.1/cb', 'http://[::1]/cb'] },
    ],
    ['one that authenticates with a key', 'web', { authMethod: 'private_key_jwt', jwks: PUBLIC_JWKS }],
    ['one that cannot send PKCE', 'web', { pkceRequired: false }],
    ['one of the operator', 'web', { firstParty: true }],
    ['one that is told of logouts', 'web', { backchannelLogoutUri: 'https://app.example.org/logout' }],
    ['one that is told of security events', 'spa', { securityEventsUri: 'https://app.example.org/events' }],
    ['one that names an API', 'web', { audiences: ['https://api.example.org', 'urn:example:api'] }],
    ['one with an address that carries a query', 'web', { redirectUris: [`${HTTPS}?tenant=1`] }],
    ['one that demands passkeys', 'web', { minimumLevel: 'phishing-resistant' }],
    ['one that is content with a trusted browser', 'spa', { minimumLevel: 'trusted-browser' }],
    ['a single-page application', 'spa', {}],
    ['a native one with a claimed address', 'native', {}],
    ['a native one with a loopback address', 'native', { redirectUris: ['http://127.0.0.1/cb'] }],
    ['a native one with a private scheme', 'native', { redirectUris: ['org.example.app:/callback'] }],
    ['one for devices with an address too', 'native', { deviceGrant: true }],
    ['one for devices without an address', 'native', { deviceGrant: true, redirectUris: [] }],
    ['a gateway with a secret', 'web', { deviceGrant: true, redirectUris: [] }],
    ['one with a certificate', 'web', { authMethod: 'tls_client_auth', certificateSubject: CERTIFIED }],
    ['one with its own certificate', 'service', { authMethod: 'self_signed_tls_client_auth', jwks: OWN_CERTIFICATE }],
    ['a public one whose tokens are bound', 'spa', { certificateBound: true }],
    ['an API whose tokens live for half a minute', 'resource', { api: { ...DEFAULT_API, tokenLifetime: 30 } }],
    ['an API whose tokens live for a day', 'resource', { api: { ...DEFAULT_API, tokenLifetime: 86_400 } }],
    ['a service', 'service', { scopes: ['notes:read'] }],
    ['an API', 'resource', { scopes: ['read', 'write'] }],
  ] as [string, ClientType, Some][]) {
    it(`is that of ${name}`, () => expect(problems(type, some)).toEqual([]));
  }
});

describe('a registration is refused', () => {
  for (const [why, type, some, expected] of [
    ['an id with a space', 'web', { id: 'my app' }, /--id may have/],
    ['an empty id', 'web', { id: '' }, /--id may have/],
    ['an id of 101 characters', 'web', { id: 'a'.repeat(101) }, /--id may have/],
    ['the id of an account', 'web', { id: 'acc_123' }, /--id must not look like/],
    ['an empty name', 'web', { name: ' ' }, /--name must have/],
    ['no redirect address', 'spa', { redirectUris: [] }, /--redirect-uri is missing: a spa client/],
    ['a certificate of no name', 'web', { authMethod: 'tls_client_auth' }, /tls_client_auth needs what the cert/],
    [
      'a name that proves nothing',
      'web',
      { certificateSubject: CERTIFIED },
      /are for --auth-method tls_client_auth only/,
    ],
    [
      'a name that is none',
      'web',
      { authMethod: 'tls_client_auth', certificateSubject: { by: 'san_dns', value: '*.example.org' } },
      /--certificate-san-dns must be a host name, without a wildcard/,
    ],
    ['no own certificate', 'web', { authMethod: 'self_signed_tls_client_auth' }, /needs the certificate of the client/],
    [
      'keys without certificates',
      'web',
      { authMethod: 'self_signed_tls_client_auth', jwks: PUBLIC_JWKS },
      /needs the certificate of the client/,
    ],
    [
      'a certificate of another key',
      'web',
      { authMethod: 'self_signed_tls_client_auth', jwks: MIXED_UP },
      /needs the certificate of the client/,
    ],
    ['two keys for its tokens', 'web', { certificateBound: true, dpopBound: true }, /exclude one another/],
    ['tokens of an API', 'resource', { certificateBound: true }, /--certificate-bound has no use for a resource/],
    [
      'a public client with a certificate',
      'spa',
      { authMethod: 'tls_client_auth', certificateSubject: CERTIFIED },
      /its --auth-method is none/,
    ],
    [
      'a redirect address of a service',
      'service',
      { redirectUris: [HTTPS] },
      /--redirect-uri has no use for a service/,
    ],
    ['http elsewhere', 'web', { redirectUris: ['http://app.example.org/cb'] }, /--redirect-uri .* must be https/],
    [
      'http on a host that looks like this one',
      'web',
      { redirectUris: ['http://localhost.example.org/'] },
      /must be https/,
    ],
    ['a fragment', 'web', { redirectUris: [`${HTTPS}#part`] }, /without a fragment/],
    ['an empty fragment', 'web', { redirectUris: [`${HTTPS}#`] }, /without a fragment/],
    ['a name in the address', 'web', { redirectUris: ['https://trusted.example@evil.example/'] }, /must be https/],
    ['a password in the address', 'web', { redirectUris: ['https://:trusted@evil.example/'] }, /must be https/],
    ['a relative address', 'web', { redirectUris: ['/callback'] }, /must be https/],
    ['a private scheme for a web client', 'web', { redirectUris: ['org.example.app:/cb'] }, /must be https/],
    ['a private scheme without a dot', 'native', { redirectUris: ['myapp:/cb'] }, /private scheme with a dot/],
    ['a script', 'native', { redirectUris: ['javascript:alert(1)//a.b'] }, /--redirect-uri/],
    ['data', 'native', { redirectUris: ['data:text/html,a.b'] }, /--redirect-uri/],
    ['a file', 'native', { redirectUris: ['file:///etc/a.b'] }, /--redirect-uri/],
    ['http for a native client elsewhere', 'native', { redirectUris: ['http://app.example.org/'] }, /--redirect-uri/],
    [
      'a bad address after logout',
      'web',
      { postLogoutRedirectUris: ['http://app.example.org/'] },
      /--post-logout-redirect-uri/,
    ],
    [
      'http for logout tokens',
      'web',
      { backchannelLogoutUri: 'http://app.example.org/' },
      /--backchannel-logout-uri must be an https/,
    ],
    [
      'http for security events',
      'web',
      { securityEventsUri: 'http://app.example.org/' },
      /--security-events-uri must be an https/,
    ],
    [
      'security events for a service',
      'service',
      { securityEventsUri: 'https://app.example.org/events' },
      /--security-events-uri has no use for a service/,
    ],
    ['a script as its home', 'web', { clientUri: 'javascript:alert(1)' }, /--client-uri must be an https/],
    ['a script as its logo', 'web', { logoUri: 'javascript:alert(1)' }, /--logo-uri must be an https/],
    ['a script as its policy', 'web', { policyUri: 'javascript:alert(1)' }, /--policy-uri must be an https/],
    ['a script as its terms', 'web', { tosUri: 'javascript:alert(1)' }, /--tos-uri must be an https/],
    ['a scope with a space', 'web', { scopes: ['a b'] }, /--scope: "a b" is not a scope/],
    ['a scope with a quote', 'web', { scopes: ['a"b'] }, /is not a scope/],
    [
      'an audience with a fragment',
      'web',
      { audiences: ['https://api.example.org#x'] },
      /--audience must be an absolute/,
    ],
    ['a relative audience', 'resource', { audience: 'api' }, /--audience must be an absolute/],
    ...[0, 29, 1.5, -60, 86_401, Number.NaN].map((tokenLifetime): [string, ClientType, Some, RegExp] => [
      `an API whose tokens live for ${tokenLifetime} seconds`,
      'resource',
      { api: { ...DEFAULT_API, tokenLifetime } },
      /--token-lifetime is from 30s to 24h/,
    ]),
    ['an API without an audience', 'resource', { audience: null }, /needs --audience, exactly once/],
    ['an audience of its own for a web client', 'web', { audience: 'https://api.example.org' }, /needs --audience/],
    ['a secret in a browser', 'spa', { authMethod: 'client_secret_basic' }, /a spa client cannot keep a secret/],
    [
      'a key on a device',
      'native',
      { authMethod: 'private_key_jwt', jwks: PUBLIC_JWKS },
      /a native client cannot keep/,
    ],
    ['a public web client', 'web', { authMethod: 'none' }, /--auth-method none is for spa and native/],
    ['a public service', 'service', { authMethod: 'none' }, /--auth-method none is for spa and native/],
    ['a key that is not there', 'web', { authMethod: 'private_key_jwt' }, /needs the public keys of the client/],
    [
      'a private key',
      'web',
      { jwks: { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', d: 'x' }] } },
      /--jwks must hold public keys only/,
    ],
    ['a symmetric key', 'web', { jwks: { keys: [{ kty: 'oct', k: 'x' }] } }, /--jwks must hold public keys only/],
    ['no key at all', 'web', { jwks: { keys: [] } }, /--jwks must hold public keys only/],
    ['something else for keys', 'web', { jwks: { keys: 'x' } as never }, /--jwks must hold public keys only/],
    [
      'keys in two places',
      'web',
      { jwks: PUBLIC_JWKS, jwksUri: 'https://app.example.org/jwks' },
      /--jwks and --jwks-uri exclude each other/,
    ],
    ['http for its keys', 'web', { jwksUri: 'http://app.example.org/jwks' }, /--jwks-uri must be an https/],
    ['signed requests without a key', 'web', { requireSignedRequests: true }, /--require-signed-requests is for/],
    ['signed requests of a machine', 'service', { jwks: PUBLIC_JWKS, requireSignedRequests: true }, /--require-signed/],
    ['pushed requests of a machine', 'service', { requirePar: true }, /--require-par has no use for a service/],
    [
      'an API that is bound',
      'resource',
      { audience: 'https://api.example.org', dpopBound: true },
      /--dpop-bound is for/,
    ],
    ['a level that nobody signs in with', 'service', { minimumLevel: 'two-factor' }, /--minimum-level has no use/],
    ['a public client without PKCE', 'spa', { pkceRequired: false }, /--no-pkce is for confidential clients only/],
    ['a device of a page in a browser', 'spa', { deviceGrant: true }, /--device is for native and web clients only/],
    [
      'a device without an address, in a browser',
      'spa',
      { deviceGrant: true, redirectUris: [] },
      /--redirect-uri is missing/,
    ],
    ['a device of a service', 'service', { deviceGrant: true }, /--device is for native and web clients only/],
    ['a public client without consent', 'native', { firstParty: true }, /--first-party is for confidential clients/],
  ] as [string, ClientType, Some, RegExp][]) {
    it(`for ${why}`, () =>
      expect(problems(type, some)).toEqual(expect.arrayContaining([expect.stringMatching(expected)])));
  }

  it('with all its problems at once', () => {
    const found = problems('spa', { id: '?', name: '', redirectUris: [], pkceRequired: false, scopes: ['a b'] });
    expect(found).toHaveLength(5);
  });

  it('without falling over whatever stands in an address', () => {
    const junk = ['', ' ', 'http://', 'https://[', '::', '\u0000'];
    const some = { redirectUris: junk, postLogoutRedirectUris: junk, audiences: junk, firstParty: true };
    expect(problems('web', some).length).toBeGreaterThanOrEqual(junk.length * 3);
  });
});
