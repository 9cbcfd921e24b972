import { LEVELS, type Level, levelOfAcr } from '../../src/assurance/level.ts';
import type { Browser, Factor, Given, Person, Request, World } from './fuzz-world.ts';

export interface IdToken {
  sub: string;
  acr?: unknown;
  amr?: unknown;
  auth_time?: unknown;
}

/** Times in tokens are whole seconds, and a request takes some. */
const SLACK = 2;

/** What is wrong with a token that an application was given just now; nothing, as a rule. */
export function wrongsOf(world: World, request: Request, token: IdToken): string[] {
  const person = world.people.find(({ id }) => id === token.sub);
  const level = levelOfAcr(token.acr as string);
  const amr = token.amr as string[];
  const authTime = token.auth_time as number;
  if (!person || !level || !Array.isArray(amr) || typeof authTime !== 'number') return ['it does not say who, and how'];
  const wrongs: [boolean, string][] = [
    ...demandsOn(request, person).map(([who, demanded]): [boolean, string] => [
      isBelow(level, demanded),
      `${who} demands ${demanded}`,
    ]),
    [!fits(level, amr), `amr ${amr.join()} does not amount to ${level}`],
    // Where the factor was there when the sign-in began. Times are cut off, so that later by a second is later.
    [
      person.guardedAt !== null && authTime > person.guardedAt / 1000 && isBelow(level, 'trusted-browser'),
      'the second factor that the account has was not asked for',
    ],
    [
      person.mustChangeAt !== null && authTime > person.mustChangeAt / 1000,
      'the password that must go was enough for a new sign-in',
    ],
    // Counted from the request: whoever takes a minute over the code has signed in since all the same.
    [
      request.maxAge !== null && request.startedAt / 1000 - authTime > request.maxAge + SLACK,
      `max_age ${request.maxAge} is not kept`,
    ],
    [request.fresh && authTime < Math.floor(request.startedAt / 1000), 'prompt=login counted what was proved before'],
    [
      level === 'trusted-browser' &&
        !request.browser.given.some((one) => one.person === person && one.factor !== 'pwd'),
      'a browser is trusted in which no second factor was proved',
    ],
    ...unproved(request.browser, person, amr, level, authTime),
  ];
  return wrongs.filter(([isWrong]) => isWrong).map(([, text]) => text);
}

function demandsOn({ application, demanded }: Request, { role, demanded: ofAccount }: Person): [string, Level][] {
  return [
    ['the registration of the client', application.minimum],
    ['the request', demanded],
    ['the operator', ofAccount],
    // SECOND_FACTOR=administrators.
    ['the policy', role === 'administrator' ? 'two-factor' : 'one-factor'],
  ];
}

function isBelow(level: Level, demanded: Level): boolean {
  return LEVELS.indexOf(level) < LEVELS.indexOf(demanded);
}

/** The table of docs/levels.md. */
function fits(level: Level, amr: string[]): boolean {
  const has = (name: string) => amr.includes(name);
  const key = has('hwk') || has('swk');
  if (level === 'phishing-resistant') return key && has('user') && has('mfa');
  if (key || has('user') || !has('pwd')) return false;
  return level === 'two-factor' ? has('mfa') : amr.length === 1;
}

/** Every method that it names was given in this browser, by this person, and not after `auth_time`. */
function unproved(
  browser: Browser,
  person: Person,
  amr: string[],
  level: Level,
  authTime: number,
): [boolean, string][] {
  const needed: Factor[][] = [
    ...(amr.includes('pwd') ? [['pwd'] as Factor[]] : []),
    ...(amr.includes('otp') ? [['otp'] as Factor[]] : []),
    ...(amr.includes('hwk') || amr.includes('swk') ? [['passkey'] as Factor[]] : []),
    // A recovery code has no name of its own.
    ...(level === 'two-factor' && !amr.includes('otp') ? [['recovery'] as Factor[]] : []),
  ];
  return needed.flatMap((factors): [boolean, string][] => {
    const newest = browser.given.filter((one) => factors.includes(one.factor) && stillGood(one, person)).at(-1);
    return [
      [newest === undefined, `nobody gave ${factors.join()} for it that still counts`],
      [newest !== undefined && authTime > newest.at / 1000, `auth_time is younger than ${factors.join()}`],
    ];
  });
}

function stillGood({ person, at, uid }: Given, owner: Person): boolean {
  return person === owner && (at > owner.endedAt || uid === owner.endedBy);
}
