import { codeOf } from '../support/sign-in.ts';
import { turnClocks } from '../support/time.ts';
import { type Page, unescapeHtml } from '../support/user-agent.ts';
import { type Browser, type Factor, type Person, SEEDS, type World } from './fuzz-world.ts';

/** Where a form of an interaction is sent to. */
export interface Target {
  uid: string;
  form: string;
  csrf: string;
}

export function targetsOf(page: Page): Target[] {
  return page.forms.flatMap(({ action, fields }) => {
    const [, uid, form] = /^\/interaction\/([^/]+)\/([^/]+)$/.exec(action) ?? [];
    return uid && form ? [{ uid, form, csrf: fields['csrf'] ?? '' }] : [];
  });
}

export interface Filled {
  fields: Record<string, string>;
  /** What is proved if it is taken. */
  factor: Factor | null;
  /** Whose it is. */
  by: Person;
  /** What is true afterwards of the account that it changed, if it changed one. */
  then?: (changed: Person) => void;
}

/** What this person would put into it. Null: there is nothing to give. */
export function filled(
  world: World,
  browser: Browser,
  page: Page,
  { uid, form }: Target,
  person: Person,
): Filled | null {
  const shown = form === 'password' ? undefined : world.people.find(({ email }) => page.html.includes(email));
  const whoever = shown ?? browser.known.get(uid) ?? person;
  switch (form) {
    case 'password':
      return { fields: { email: person.email, password: person.password }, factor: 'pwd', by: person };
    case 'totp': {
      const seed = whoever.seeds.at(-1);
      return seed ? { fields: { code: freshCode(seed), ...TRUST }, factor: 'otp', by: whoever } : null;
    }
    case 'recovery-code': {
      const code = whoever.recoveryCodes.pop();
      return code ? { fields: { code, ...TRUST }, factor: 'recovery', by: whoever } : null;
    }
    case 'totp-enrolment': {
      const seed = /class="key">([A-Z2-7 ]+)</.exec(page.html)?.[1]?.replaceAll(' ', '');
      const then = (changed: Person) => enrolled(changed, seed);
      return seed ? { fields: { code: freshCode(seed) }, factor: 'otp', by: whoever, then } : null;
    }
    case 'passkey':
    case 'passkey-enrolment':
      return ceremony(world, page, form, whoever);
    case 'new-password': {
      const password = `a rather different secret ${Math.floor(Date.now())}`;
      const then = (changed: Person) =>
        void Object.assign(changed, { password, mustChangeAt: null, endedAt: Date.now(), endedBy: uid });
      return { fields: { new_password: password }, factor: null, by: whoever, then };
    }
    case 'consent':
      return { fields: { decision: 'allow' }, factor: null, by: whoever };
    default:
      return { fields: {}, factor: null, by: whoever };
  }
}

export const WRONG: Record<string, Record<string, string>> = {
  password: { email: 'nobody@example.org', password: 'not the password' },
  totp: { code: codeOf(SEEDS[1] as string) },
  'recovery-code': { code: 'abcd-efgh-jkmn' },
  passkey: { credential: '{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{}}' },
  'new-password': { new_password: 'short' },
};

/** The box of a browser of one's own. */
const TRUST = { trust: 'yes' };

/** Each step of thirty seconds is good for one. */
function freshCode(seed: string): string {
  turnClocks(30);
  return codeOf(seed);
}

function enrolled(person: Person, seed?: string): void {
  if (seed) person.seeds.push(seed);
  person.guardedAt ??= Date.now();
}

function ceremony({ server }: World, page: Page, form: string, person: Person): Filled | null {
  const mode = form === 'passkey' ? 'get' : 'create';
  const [, head = ''] = new RegExp(`<form\\b([^>]*data-passkey="${mode}"[^>]*)>`).exec(page.html) ?? [];
  const options = /data-options="([^"]*)"/.exec(head)?.[1];
  if (!options) return null;
  const asked = JSON.parse(unescapeHtml(options));
  try {
    const answer =
      mode === 'get' ? person.device.getJSON(server.issuer, asked) : person.device.createJSON(server.issuer, asked);
    const then = (changed: Person) => enrolled(changed);
    return {
      fields: { credential: JSON.stringify(answer) },
      factor: 'passkey',
      by: person,
      ...(mode === 'create' && { then }),
    };
  } catch {
    // Nothing on this device that was asked for.
    return null;
  }
}
