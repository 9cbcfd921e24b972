import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { LEVELS, type Level } from '../assurance/level.ts';
import { AUTH_METHODS, type AuthMethod, type Client, type ClientSettings } from '../clients/client.ts';
import {
  addCertificateOptions,
  type CertificateOptions,
  certificateSubject,
  certificatesAsKeys,
} from './certificate-options.ts';
import { collect } from './command.ts';
import { Failure } from './failure.ts';

export interface ClientOptions extends CertificateOptions {
  redirectUri?: string[];
  postLogoutRedirectUri?: string[];
  backchannelLogoutUri?: string;
  securityEventsUri?: string;
  scope?: string[];
  audience?: string[];
  firstParty?: boolean;
  pkce?: boolean;
  device?: boolean;
  idTokenClaims?: boolean;
  userinfoWithApi?: boolean;
  certificateBound?: boolean;
  minimumLevel?: Level;
  accounts?: ClientSettings['accounts'];
  authMethod?: AuthMethod;
  jwks?: string;
  jwksUri?: string;
  logoUri?: string;
  clientUri?: string;
  policyUri?: string;
  requirePar?: boolean;
  requireSignedRequests?: boolean;
  dpopBound?: boolean;
  tosUri?: string;
}

const SWITCHES: [on: string, onText: string, offText: string, isOnByDefault: boolean][] = [
  ['first-party', 'run by you: people are not asked for consent', 'people are asked for consent', false],
  ['pkce', 'require PKCE', 'let it sign people in without PKCE; have it send a nonce instead', true],
  ['device', 'devices without a browser use it: people sign in on another one (RFC 8628)', 'no device grant', false],
  ['id-token-claims', 'put profile claims into the ID token too', 'profile claims at userinfo only', false],
  ['require-par', 'take its authorization requests by PAR alone (RFC 9126)', 'they need not be pushed', false],
  [
    'require-signed-requests',
    'take its authorization requests signed alone (RFC 9101)',
    'they need no signature',
    false,
  ],
  ['dpop-bound', 'bind its tokens to a key of its own (DPoP, RFC 9449)', 'its tokens need no key (no DPoP)', false],
  ['userinfo-with-api', 'tokens for its APIs open userinfo too', 'tokens for its APIs do not open userinfo', true],
  ['certificate-bound', 'bind its tokens to its TLS certificate (RFC 8705)', 'tokens bound to no certificate', false],
];

/** @param everySwitch offer the side of each switch too that is the default */
export function addClientOptions(command: Command, { everySwitch }: { everySwitch: boolean }): Command {
  command
    .option('--redirect-uri <address>', 'where people return to after signing in (repeatable)', collect)
    .option('--post-logout-redirect-uri <address>', 'where they return to after signing out (repeatable)', collect)
    .option('--backchannel-logout-uri <address>', 'is told when a session ends')
    .option('--security-events-uri <address>', 'is told what happens to the accounts that it knows (RFC 8935)')
    .option('--scope <scopes>', 'what it may ask for; of an API: what it knows (repeatable)', collectWords)
    .option(
      '--audience <address>',
      'an API it may ask for, the first by default (repeatable); of an API: its own name',
      collect,
    );
  for (const [name, onText, offText, isOn] of SWITCHES) {
    command.addOption(new Option(`--${name}`, onText).hideHelp(isOn && !everySwitch));
    command.addOption(new Option(`--no-${name}`, offText).hideHelp(!isOn && !everySwitch));
  }
  return addCertificateOptions(command)
    .addOption(new Option('--minimum-level <level>', 'how strongly people must sign in').choices(LEVELS))
    .addOption(new Option('--accounts <who>', 'who may use it').choices(['everyone', 'listed']))
    .addOption(new Option('--auth-method <method>', 'how it proves itself at the token endpoint').choices(AUTH_METHODS))
    .option('--jwks <file>', 'its public keys, a JWK Set, or its certificates in PEM')
    .option('--jwks-uri <address>', 'where they are fetched instead')
    .option('--logo-uri <address>', 'its logo')
    .option('--client-uri <address>', 'its home page')
    .option('--policy-uri <address>', 'its privacy policy')
    .option('--tos-uri <address>', 'its terms of service');
}

/** What is named replaces what was there, lists as a whole; an empty text takes it away. */
export function applyOptions<T extends Pick<Client, 'type' | 'audience' | 'settings'>>(
  client: T,
  options: ClientOptions,
): T {
  const { type, audience, settings } = client;
  const isApi = type === 'resource';
  const named = options.audience?.filter(Boolean);
  const changed: ClientSettings = {
    ...settings,
    redirectUris: list(options.redirectUri, settings.redirectUris),
    postLogoutRedirectUris: list(options.postLogoutRedirectUri, settings.postLogoutRedirectUris),
    backchannelLogoutUri: text(options.backchannelLogoutUri, settings.backchannelLogoutUri),
    securityEventsUri: text(options.securityEventsUri, settings.securityEventsUri),
    authMethod: options.authMethod ?? settings.authMethod,
    scopes: list(options.scope, settings.scopes),
    audiences: isApi ? [] : list(named, settings.audiences),
    firstParty: options.firstParty ?? settings.firstParty,
    pkceRequired: options.pkce ?? settings.pkceRequired,
    deviceGrant: options.device ?? settings.deviceGrant,
    idTokenClaims: options.idTokenClaims ?? settings.idTokenClaims,
    userinfoWithApi: options.userinfoWithApi ?? settings.userinfoWithApi,
    requirePar: options.requirePar ?? settings.requirePar,
    requireSignedRequests: options.requireSignedRequests ?? settings.requireSignedRequests,
    dpopBound: options.dpopBound ?? settings.dpopBound,
    certificateBound: options.certificateBound ?? settings.certificateBound,
    certificateSubject: certificateSubject(options, settings.certificateSubject),
    minimumLevel: options.minimumLevel ?? settings.minimumLevel,
    accounts: options.accounts ?? settings.accounts,
    logoUri: text(options.logoUri, settings.logoUri),
    clientUri: text(options.clientUri, settings.clientUri),
    policyUri: text(options.policyUri, settings.policyUri),
    tosUri: text(options.tosUri, settings.tosUri),
    jwks: options.jwks === undefined ? settings.jwks : options.jwks === '' ? null : readJwks(options.jwks),
    jwksUri: text(options.jwksUri, settings.jwksUri),
  };
  // An API has exactly one name: none or several make a null, which the check of the client then refuses.
  const name = named === undefined ? audience : named.length === 1 ? (named[0] ?? null) : null;
  return { ...client, audience: isApi ? name : audience, settings: changed };
}

function collectWords(value: string, before: string[] = []): string[] {
  return [...before, ...value.split(/\s+/).filter(Boolean)];
}

function list(named: string[] | undefined, current: string[]): string[] {
  return named === undefined ? current : [...new Set(named.filter(Boolean))];
}

function text(named: string | undefined, current: string | null): string | null {
  return named === undefined ? current : named || null;
}

function readJwks(file: string): ClientSettings['jwks'] {
  try {
    const text = readFileSync(file, 'utf8');
    const certified = certificatesAsKeys(text);
    if (certified) return certified;
    const content: unknown = JSON.parse(text);
    if (typeof content === 'object' && content !== null) return content as NonNullable<ClientSettings['jwks']>;
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code) throw new Failure(`the file ${file} of --jwks cannot be read (${code})`);
  }
  throw new Failure(`the file ${file} of --jwks holds no JSON object and no certificate in PEM`);
}
