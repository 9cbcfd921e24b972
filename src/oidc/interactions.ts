import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { Interaction as ProviderInteraction } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Account } from '../accounts/account.ts';
import type { RecoveryStore } from '../accounts/recovery.ts';
import type { AccountStore } from '../accounts/store.ts';
import { demandedLevel, type LevelPolicy, offeredLevels, postponable, requestedLevel } from '../assurance/demand.ts';
import { acrOf, amrOf, authTimeOf, isAtLeast, levelOf, proofsFrom, provedHere, strongest } from '../assurance/level.ts';
import type { Audit } from '../audit/audit.ts';
import type { Consent } from '../consents/store.ts';
import type { Interaction, Interactions, Progress } from '../interaction/interaction.ts';
import { aboutAnother, NOTHING_PROVED, standsSince, stillCounts } from '../interaction/interaction.ts';
import type { Clock } from '../lib/clock.ts';
import { toMilliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { ProgressStore, Versioned } from '../lib/progress.ts';
import { byVisitor } from '../web/request-log.ts';
import { registrationOf } from './client-metadata.ts';
import { CREATE, NOT_OPEN, SELECT_ACCOUNT, STEP_UP_REASONS } from './policy.ts';
import { headOf } from './views.ts';

export interface InteractionsDeps {
  provider: () => Provider;
  accounts: AccountStore;
  recoveries: Pick<RecoveryStore, 'stop'>;
  progress: ProgressStore<Progress>;
  audit: Audit;
  levelPolicy: LevelPolicy;
  clock: Clock;
}

interface Details {
  session: { accountId: string; uid: string; amr?: string[] } | undefined;
  params: Partial<Record<string, string>>;
  reasons: string[];
  requested: Consent | null;
  /** By an ID token of theirs, or by the `claims` parameter. */
  namedSubjects: unknown[];
}

export function createInteractions(deps: InteractionsDeps): Interactions {
  const { provider, accounts, recoveries, progress: store, audit, levelPolicy, clock } = deps;
  const offered = offeredLevels(levelPolicy);
  const versions = new WeakMap<Interaction, number>();

  /** Reads the signed cookie: an address copied into another browser finds nothing. */
  async function find(ctx: Context): Promise<ProviderInteraction> {
    try {
      const found = await provider().interactionDetails(ctx.req, ctx.res);
      if (found.uid === ctx['params']['uid']) return found;
    } catch (err) {
      if (!(err instanceof errors.SessionNotFound)) throw err;
    }
    throw new Refusal('flow_expired', 400);
  }

  /** Where only the level is missing, what the session proved before still counts. */
  async function startingPoint({ session, reasons }: Details): Promise<Progress> {
    const found = session && (await provider().Session.findByUid(session.uid));
    if (found?.loginTs === undefined) return NOTHING_PROVED;
    const start = { ...NOTHING_PROVED, remember: !(found as { transient?: boolean }).transient };
    const isStepUp = reasons.length > 0 && reasons.every((reason) => STEP_UP_REASONS.includes(reason));
    if (!isStepUp) return start;
    const accountId = session?.accountId ?? null;
    return {
      ...start,
      accountId,
      // What the session proved is joined here by proofs that must not outlive a change of factors.
      factorsVersion: (await activeAccount(accountId))?.factorsVersion ?? null,
      proofs: proofsFrom(found.amr ?? [], found.acr, found.loginTs),
    };
  }

  async function activeAccount(id: string | null | undefined): Promise<Account | null> {
    const account = id ? await accounts.find(id) : null;
    return account?.status === 'active' ? account : null;
  }

  /** Stores a result, which resuming turns into a login: so this comes after every step and nowhere else. */
  async function hand(ctx: Context, result: object, merge: boolean): Promise<string> {
    const options = { mergeWithLastSubmission: merge };
    const returnTo = await provider().interactionResult(ctx.req, ctx.res, result as never, options);
    return pathOf(returnTo);
  }

  return {
    async load(ctx) {
      const found = await find(ctx);
      const details = detailsOf(found);
      const client = await provider().Client.find(details.params['client_id'] ?? '');
      if (!client) throw new Refusal('flow_expired', 400);
      const { id, settings, registeredBy } = registrationOf(client);

      const stored: Versioned<Progress> = (await store.load(found.uid)) ?? {
        value: await startingPoint(details),
        version: 0,
      };
      const known = await activeAccount(stored.value.accountId);
      const account = known && stillCounts(stored.value, known) ? known : null;
      const { acr_values: acrValues, claims } = details.params;
      const asked = requestedLevel({ acrValues, claims }, offered);
      // What cannot be met was refused before any page.
      const requested = asked === 'unmet' ? settings.minimumLevel : asked;
      const byClient = strongest([settings.minimumLevel, requested]);
      const demand = { policy: levelPolicy, account, client: settings.minimumLevel, requested };
      const now = clock();
      const demanded = demandedLevel(demand, now);
      const canWait = account && !stored.value.postponed ? postponable(demand, now) : null;

      const signedIn = await activeAccount(details.session?.accountId);
      const { anotherAccount } = stored.value;
      const prompt = ABOUT_THE_SESSION[found.prompt.name] ?? 'login';

      const interaction: Interaction = {
        uid: found.uid,
        prompt,
        signedIn: found.prompt.name === SELECT_ACCOUNT && !anotherAccount ? signedIn : null,
        // The library takes no `prompt` of a device's request.
        canSwitch: found.deviceCode === undefined,
        client: {
          ...(headOf(client) ?? { name: id, host: null, logoUri: null }),
          ...returnOf(details.params['redirect_uri']),
          ...{ id, policyUri: settings.policyUri, tosUri: settings.tosUri, selfRegistered: registeredBy !== null },
        },
        emailHint: anotherAccount ? '' : (details.params['login_hint'] ?? signedIn?.email ?? ''),
        uiLocales: details.params['ui_locales'] ?? null,
        requested: details.requested,
        // What was proved for an account that is gone, or was changed since, counts for nobody.
        progress: account ? stored.value : { ...aboutAnother(stored.value), remember: stored.value.remember },
        account: prompt === 'login' ? account : signedIn,
        demanded,
        demandedBy: canWait === null && isAtLeast(byClient, demanded) ? 'client' : 'policy',
        postponable: canWait,
        passkeys: levelPolicy.passkeys,
      };
      versions.set(interaction, stored.version);
      return interaction;
    },

    async record(interaction, progress) {
      const found = await provider().Interaction.find(interaction.uid);
      if (!found) throw new Refusal('flow_expired', 400);
      const version = versions.get(interaction) ?? 0;
      const saved = await store.save(interaction.uid, progress, version, toMilliseconds(found.exp));
      if (saved) versions.set(interaction, version + 1);
      return saved;
    },

    occasion: (interaction) => `interaction/${interaction.uid}/${versions.get(interaction) ?? 0}`,

    async finishLogin(ctx, interaction, arrive) {
      const { progress, account, client } = interaction;
      const level = levelOf(progress.proofs);
      if (!account || !level) throw new Error('a login is finished before it is done');
      const found = await find(ctx);
      if (progress.finished) return pathOf(found.returnTo);
      // Of an account may be demanded what is not offered any more. Then no form is open, and nobody is let in.
      if (!isAtLeast(level, interaction.demanded)) {
        const description = 'the level that is demanded of this account cannot be reached';
        return hand(ctx, { error: 'unmet_authentication_requirements', error_description: description }, false);
      }

      // Core 3.1.2.1, 5.5.1: another person than the one who is named is not what the application asked for.
      const { namedSubjects } = detailsOf(found);
      if (namedSubjects.some((named) => named !== account.id)) {
        const description = 'the person who signed in is not the one that was asked for';
        return hand(ctx, { error: 'login_required', error_description: description }, false);
      }
      if (!(await this.record(interaction, { ...progress, finished: true }))) throw new Refusal('flow_expired', 409);

      const login = {
        accountId: account.id,
        acr: acrOf(level),
        amr: amrOf(progress.proofs),
        ts: authTimeOf(progress.proofs),
        remember: progress.remember,
        // Kept with the result until it is resumed: an account that is changed meanwhile takes the login with it.
        provedAt: standsSince(progress),
      };
      const { acr, amr } = login;
      await arrive();
      const event = { event: 'sign_in.succeeded', accountId: account.id, clientId: client.id, amr, acr } as const;
      const by = byVisitor(ctx.state, account.id);
      await audit.write(event, by);
      // Whoever has all that it takes has lost nothing: somebody else had the way back opened.
      const here = levelOf(provedHere(progress.proofs));
      if (isAtLeast(here, 'two-factor')) await recoveries.stop(account.id, 'sign-in', by);
      // Whoever signed in has said which account it is to be, and has one: none need be made.
      return hand(ctx, { login, [SELECT_ACCOUNT]: {}, [CREATE]: {} }, false);
    },

    // The login that came before in the same flow is kept with it, or `prompt=login` would ask for it again.
    finishConsent: (ctx) => hand(ctx, { consent: {} }, true),
    finishSelection: (ctx) => hand(ctx, { [SELECT_ACCOUNT]: {} }, true),
    async selectAgain(ctx) {
      const found = await find(ctx);
      const { [SELECT_ACCOUNT]: _, ...result } = found.lastSubmission ?? {};
      const prompts = new Set((found.params['prompt'] as string | undefined)?.split(' ')).add(SELECT_ACCOUNT);
      // Kept here, and not sent once more by the browser: a pushed or signed request is taken up again as it came.
      Object.assign(found, { result, params: { ...found.params, prompt: [...prompts].join(' ') } });
      await found.save(found.exp - Math.floor(clock() / 1000));
      return pathOf(found.returnTo);
    },
    abort: (ctx, _interaction, why = 'declined') => hand(ctx, REFUSED[why], false),
  };
}

/** Of several addresses, this is the one: an application that chose them itself may put another's before its own. */
function returnOf(redirectUri: string | undefined): { host: string | null } | undefined {
  return redirectUri === undefined ? undefined : { host: URL.parse(redirectUri)?.host || null };
}
/** The pages that come after a sign-in; every other one belongs to it. */
const ABOUT_THE_SESSION: Partial<Record<string, Interaction['prompt']>> = {
  consent: 'consent',
  [NOT_OPEN]: 'not-open',
};

/** OpenID Connect Core Error Code unmet_authentication_requirements 1.0 */
const REFUSED = {
  declined: { error: 'access_denied', error_description: 'the person did not go on' },
  'not-open': { error: 'access_denied', error_description: 'this application is not open to the person who signed in' },
  unmet: {
    error: 'unmet_authentication_requirements',
    error_description: 'the person did not set up what the level of authentication asks for',
  },
};

function detailsOf(found: ProviderInteraction): Details {
  const { prompt, params, session } = found;
  return {
    session: session as Details['session'],
    params: params as Details['params'],
    reasons: prompt.reasons,
    requested: (prompt.details['requested'] as Consent | undefined) ?? null,
    namedSubjects: ['hinted_subject', 'claimed_subject'].flatMap((name) => prompt.details[name] ?? []),
  };
}

function pathOf(address: string): string {
  const { pathname, search } = new URL(address);
  return pathname + search;
}
