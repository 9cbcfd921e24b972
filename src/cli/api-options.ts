import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type ApiSettings,
  SENDER_CONSTRAINTS,
  type SenderConstraint,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
} from '../clients/api.ts';
import type { Client } from '../clients/client.ts';
import { type FieldNames, OPTIONS } from '../clients/field-names.ts';
import type { Seconds } from '../lib/duration.ts';
import { lengthOfTime } from './length-of-time.ts';

export const API_OPTIONS: FieldNames = { ...OPTIONS, scopes: '--permission' };

export interface Permission {
  name: string;
  /** What it means, for people who are asked for consent. */
  text: string | null;
}

export interface ApiOptions {
  name?: string;
  audience?: string;
  /** Empty: that of all others. */
  tokenLifetime?: Seconds | '';
  signingAlgorithm?: SigningAlgorithm;
  refresh?: boolean;
  senderConstrained?: SenderConstraint;
  permissionsBy?: ApiSettings['permissionsBy'];
}

export function addApiOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--token-lifetime <time>', 'of its access tokens: 30s, 10m, 1h …; default: as all others').argParser(
        parseLifetime,
      ),
    )
    .addOption(new Option('--signing-algorithm <algorithm>', 'of its access tokens').choices(SIGNING_ALGORITHMS))
    .addOption(
      new Option('--sender-constrained <how>', 'its tokens must be bound to a key of their user').choices(
        SENDER_CONSTRAINTS,
      ),
    )
    .addOption(
      new Option(
        '--permissions-by <what>',
        'a person may do what their roles give, or all that they consent to',
      ).choices(['role', 'consent']),
    );
}

/** What is named replaces what was there. */
export function applyApiOptions<T extends Pick<Client, 'name' | 'audience' | 'settings'>>(
  client: T,
  { name, audience, tokenLifetime, signingAlgorithm, refresh, senderConstrained, permissionsBy }: ApiOptions,
  permissions: Permission[],
): T {
  const before = client.settings.api;
  const api: ApiSettings = {
    tokenLifetime: tokenLifetime === '' ? null : (tokenLifetime ?? before.tokenLifetime),
    signingAlgorithm: signingAlgorithm ?? before.signingAlgorithm,
    refresh: refresh ?? before.refresh,
    senderConstrained: senderConstrained ?? before.senderConstrained,
    permissionsBy: permissionsBy ?? before.permissionsBy,
    permissionTexts: Object.fromEntries(permissions.flatMap(({ name, text }) => (text ? [[name, text]] : []))),
  };
  const scopes = permissions.map((permission) => permission.name);
  const settings = { ...client.settings, scopes, api };
  return { ...client, name: name ?? client.name, audience: audience ?? client.audience, settings };
}

/** Of several by one name the last one counts. */
export function permissionsOf({ scopes, api }: Pick<Client['settings'], 'scopes' | 'api'>): Permission[] {
  return scopes.map((name) => ({ name, text: api.permissionTexts[name] ?? null }));
}

/** `posts:read` or `posts:read=Read your posts` */
export function collectPermission(value: string, before: Permission[] = []): Permission[] {
  const [name = '', ...rest] = value.split('=');
  const text = rest.length > 0 ? rest.join('=').trim() : null;
  return [...before.filter((one) => one.name !== name), { name, text }];
}

/** An empty one takes it away, and stays a text: commander takes null for no value. */
function parseLifetime(text: string): Seconds | '' {
  if (text === '') return text;
  const lifetime = lengthOfTime(text);
  if (lifetime === null) throw new InvalidArgumentError('It is a number and s, m, h or d.');
  return lifetime;
}
