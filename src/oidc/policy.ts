import type { KoaContextWithOIDC } from 'oidc-provider';
import { errors, interactionPolicy } from 'oidc-provider';
import { demandedLevel, isWithin, type LevelPolicy, offeredLevels, requestedLevel } from '../assurance/demand.ts';
import { isAtLeast, type Level, levelOfAcr } from '../assurance/level.ts';
import type { Clock } from '../lib/clock.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { KnownAccount } from './claims.ts';
import { registrationOf } from './client-metadata.ts';
import { requestedConsent } from './grants.ts';
import { mayUse } from './listed.ts';
import type { Registry } from './registry.ts';

const { Check, Prompt, base } = interactionPolicy;

/** Reasons for a sign-in page that leave earlier proofs standing: only what is missing is asked for. */
export const STEP_UP_REASONS: readonly string[] = ['level_required'];

/** Initiating User Registration via OpenID Connect 1.0, 4: the application wishes that an account is made. */
export const CREATE = 'create';
/** Core 3.1.2.1: the application wishes that the person says which account it is to be. */
export const SELECT_ACCOUNT = 'select_account';

/** The application is not open to whoever is signed in. Nobody can ask for it. */
export const NOT_OPEN = 'not_open';

/** What an application may ask for. */
export function offeredPrompts(signUpOffered: boolean): string[] {
  return ['none', 'login', 'consent', SELECT_ACCOUNT, ...(signUpOffered ? [CREATE] : [])];
}

/** Decides, at every authorization request, whether the session is good enough or a page comes first. */
export function createPolicy({
  levelPolicy,
  signUpOffered,
  registry,
  clock,
}: {
  levelPolicy: LevelPolicy;
  signUpOffered: boolean;
  registry: Pick<Registry, 'isListed'>;
  clock: Clock;
}) {
  const policy = base();
  const login = policy.get('login');
  if (!login) throw new Error('the library has no login prompt');

  // The library wants the very value; whoever has proved more could never satisfy it, and would go round in circles. For
  // us a higher level meets a lower one, and `level_required` knows about essential values too.
  login.checks.remove('essential_acrs');
  login.checks.remove('essential_acr');
  // The library looks at the hint of the request alone, and so no more once a page came in between.
  login.checks.remove('id_token_hint');
  login.checks.add(
    new Check('id_token_hint', 'the person is not the one of id_token_hint', 'login_required', (ctx) => {
      const [hinted, { session }] = [hintedSubject(ctx), ctx.oidc];
      return hinted !== undefined && session?.accountId !== undefined && session.accountId !== hinted;
    }),
  );
  // Enforced on silent sign-in too: whoever can edit the request must not lower what the client is registered with.
  login.checks.add(
    new Check('level_required', 'a stronger authentication is required', 'login_required', (ctx) => {
      const demanded = demandedBy(ctx, levelPolicy, clock());
      return ctx.oidc.session?.accountId !== undefined && !isAtLeast(levelOfAcr(ctx.oidc.acr), demanded);
    }),
  );
  login.checks.add(
    new Check('account_gone', 'the account is not there any more', 'login_required', (ctx) => {
      return ctx.oidc.session?.accountId !== undefined && ctx.oidc.account === undefined;
    }),
  );
  const details = login.details;
  login.details = async (ctx) => ({
    ...(await details(ctx)),
    hinted_subject: hintedSubject(ctx),
    claimed_subject: claimedSubject(ctx),
  });
  // Before the sign-in, so that what is demanded is asked of the account that was chosen.
  policy.add(new Prompt({ name: SELECT_ACCOUNT, requestable: true }, login.details), 0);
  // Before the sign-in, which is what it becomes once the account is there.
  if (signUpOffered) policy.add(new Prompt({ name: CREATE, requestable: true }, login.details), 0);
  // After the sign-in, so that nobody else learns whom an application is open to; before anything is allowed.
  policy.add(
    new Prompt(
      { name: NOT_OPEN, requestable: false },
      new Check('not_listed', 'this application is not open to the person who is signed in', 'access_denied', (ctx) =>
        isClosedTo(ctx, registry),
      ),
    ),
    policy.findIndex(({ name }) => name === 'consent'),
  );
  const consent = policy.get('consent');
  if (!consent) throw new Error('the library has no consent prompt');
  consent.details = async (ctx) => ({ requested: requestedConsent(ctx), hinted_subject: hintedSubject(ctx) });
  return policy;
}

async function isClosedTo({ oidc }: KoaContextWithOIDC, registry: Pick<Registry, 'isListed'>): Promise<boolean> {
  const { client, session } = oidc;
  if (!client || session?.accountId === undefined) return false;
  return !(await mayUse(registry, registrationOf(client), session.accountId));
}

/** The hint itself is an ID token; an interaction keeps only whom it names, for the pages and for the one that follows. */
function hintedSubject({ oidc }: KoaContextWithOIDC): string | undefined {
  const { IdTokenHint: hint, Interaction: before } = oidc.entities;
  const kept = before?.prompt.details['hinted_subject'] as string | undefined;
  return (hint as { payload: { sub: string } } | undefined)?.payload.sub ?? kept;
}

/** Core 5.5.1: whom the application asks for by the `claims` parameter. */
function claimedSubject({ oidc }: KoaContextWithOIDC): unknown {
  return (oidc.claims?.id_token as { sub?: { value?: unknown } | null } | undefined)?.sub?.value;
}

function demandedBy(ctx: KoaContextWithOIDC, policy: LevelPolicy, now: Milliseconds): Level {
  const { client, params, account } = ctx.oidc;
  if (!client) throw new Error('a policy check without a client');
  const offered = offeredLevels(policy);
  const asked = {
    acrValues: params?.['acr_values'] as string | undefined,
    claims: params?.['claims'] as string | undefined,
  };
  const requested = requestedLevel(asked, offered);
  if (requested === 'unmet') {
    throw new errors.UnmetAuthenticationRequirements('none of the requested essential acr values can be reached');
  }
  const { minimumLevel } = registrationOf(client).settings;
  if (!isWithin(minimumLevel, offered)) {
    throw new errors.UnmetAuthenticationRequirements('the level that this client is registered with cannot be reached');
  }
  const known = (account as KnownAccount | undefined)?.account ?? null;
  return demandedLevel({ policy, account: known, client: minimumLevel, requested }, now);
}
