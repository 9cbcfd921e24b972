import Router from '@koa/router';
import type { Context } from 'koa';
import { ResponseBodyError } from 'openid-client';
import { type ApiCall, type CarefulAction, callNotes } from './api.ts';
import { readForm } from './form.ts';
import type { Html } from './html.ts';
import { createLogoutTokens } from './logout-token.ts';
import { type ApiAnswer, afterSignOutPage, apiPage, homePage, signedOutPage, summary, userinfoPage } from './pages.ts';
import { Problem } from './problem.ts';
import { wantsJson } from './protection.ts';
import type { RelyingParty, Wishes } from './relying-party.ts';
import type { Session, Sessions, SignIn } from './sessions.ts';
import { stepUpOf } from './step-up.ts';

export interface RoutesDeps {
  relyingParty: RelyingParty;
  sessions: Sessions;
  redirectUri: string;
  apiUrl: string | null;
}

/** Pages, and the same as JSON for whoever sends `Accept: application/json`. */
export function createRoutes({ relyingParty, sessions, redirectUri, apiUrl }: RoutesDeps): Router {
  const router = new Router();
  const logoutTokens = createLogoutTokens(relyingParty);

  router.get('/', (ctx) => {
    const signIn = sessions.find(ctx)?.signIn;
    if (!signIn) return answer(ctx, { signedIn: false }, signedOutPage);
    return answer(ctx, { signedIn: true, ...summary(signIn) }, () => homePage(signIn, { hasApi: apiUrl !== null }));
  });

  router.get('/login', async (ctx) => {
    const { url, departure } = await relyingParty.depart(wishesOf(ctx.URL.searchParams));
    sessions.rememberDeparture(sessions.find(ctx) ?? sessions.start(ctx), departure);
    seeOther(ctx, url.href);
  });

  router.get('/callback', async (ctx) => {
    const before = sessions.find(ctx);
    const departure = sessions.takeDeparture(before, ctx.URL.searchParams.get('state') ?? '');
    // Without it, someone else's sign-in could be finished in this browser (RFC 9700 4.7).
    if (!departure) throw new Problem(400, 'unknown_state', 'This sign-in did not begin here, or too long ago.');

    const tokens = await relyingParty.arrive(new URL(`${redirectUri}${ctx.search}`), departure);
    // An access token for an API alone is not good at userinfo: then the ID token is all we know.
    const profile = await relyingParty.userinfo(tokens).catch(() => null);
    const signIn = sessions.signIn(ctx, before, tokens, profile);
    const { errand } = departure;
    if (!errand) return seeOther(ctx, '/');
    if (tokens.claims.sub !== errand.sub) {
      throw new Problem(403, 'another_person', 'Somebody else has signed in, so nothing was done.');
    }
    // Once: an API that is still not content is shown, and nobody is sent round in circles.
    signIn.apiAnswer = await askApi(signIn, errand.action);
    return seeOther(ctx, '/api/answer');
  });

  router.get('/userinfo', async (ctx) => {
    const { signIn } = requireSignIn(ctx);
    const claims = await relyingParty.userinfo(signIn.tokens);
    answer(ctx, claims, () => userinfoPage(claims));
  });

  router.post('/refresh', async (ctx) => {
    const { session, signIn } = requireSignIn(ctx);
    signIn.refreshing ??= refresh(signIn).finally(() => {
      signIn.refreshing = null;
    });
    await signIn.refreshing.catch((err: unknown) => {
      if (!(err instanceof ResponseBodyError) || err.error !== 'invalid_grant') throw err;
      sessions.end(ctx, session); // the provider has ended it: password reset, sign-out elsewhere, expiry
      throw new Problem(401, 'invalid_grant', 'Your sign-in has ended. Sign in again.');
    });
    if (wantsJson(ctx)) ctx.body = summary(signIn);
    else seeOther(ctx, '/');
  });

  router.get('/api', async (ctx) => {
    const { signIn } = requireSignIn(ctx);
    showAnswer(ctx, await askApi(signIn, 'list'));
  });

  router.post('/api', async (ctx) => {
    const { signIn } = requireSignIn(ctx);
    const result = await askApi(signIn, { add: (await readForm(ctx)).get('text') ?? '' });
    showAnswer(ctx, result);
    if (result.status < 400 && !wantsJson(ctx)) seeOther(ctx, '/api');
  });

  for (const action of ['forget', 'export'] satisfies CarefulAction[]) {
    router.post(`/api/${action}`, async (ctx) => {
      const { session, signIn } = requireSignIn(ctx);
      const result = await askApi(signIn, action);
      const wishes = stepUpOf(result);
      if (!wishes) return showAnswer(ctx, result);
      const { idToken, claims } = signIn.tokens;
      const { url, departure } = await relyingParty.depart({ ...wishes, id_token_hint: idToken });
      sessions.rememberDeparture(session, departure, { action, sub: claims.sub });
      return seeOther(ctx, url.href);
    });
  }

  router.get('/api/answer', (ctx) => {
    const { signIn } = requireSignIn(ctx);
    if (!signIn.apiAnswer) return seeOther(ctx, '/api');
    return showAnswer(ctx, signIn.apiAnswer);
  });

  router.post('/logout', async (ctx) => {
    const session = sessions.find(ctx);
    if (!session?.signIn) return seeOther(ctx, '/');
    const { idToken } = session.signIn.tokens;
    sessions.end(ctx, session); // first, so that it has ended here even if the provider does not answer
    return seeOther(ctx, (await relyingParty.signOutUrl(idToken))?.href ?? '/signed-out');
  });

  router.get('/signed-out', (ctx) => answer(ctx, { signedIn: false }, afterSignOutPage));

  router.post('/backchannel-logout', async (ctx) => {
    const token = (await readForm(ctx)).get('logout_token') ?? '';
    sessions.endOrdered(await logoutTokens.verify(token));
    ctx.status = 200; // also when there was nothing to end (Back-Channel Logout 1.0 2.8)
    ctx.body = '';
  });

  function requireSignIn(ctx: Context): { session: Session; signIn: SignIn } {
    const session = sessions.find(ctx);
    if (!session?.signIn) throw new Problem(401, 'not_signed_in', 'Sign in first.');
    return { session, signIn: session.signIn };
  }

  async function refresh(signIn: SignIn): Promise<void> {
    signIn.tokens = await relyingParty.refresh(signIn.tokens);
    signIn.refreshed += 1;
  }

  async function askApi({ tokens }: SignIn, call: ApiCall): Promise<ApiAnswer> {
    if (!apiUrl) throw new Problem(404, 'no_api', 'This application was started without an API.');
    return callNotes(apiUrl, tokens.accessToken, call);
  }

  function showAnswer(ctx: Context, result: ApiAnswer): void {
    answer(ctx, result, () => apiPage(result));
    if (result.status >= 400) ctx.status = 502;
  }
  return router;
}

/** Only these three are passed on: whoever links here does not choose the rest of the request. */
function wishesOf(query: URLSearchParams): Wishes {
  const prompt = query.get('prompt');
  const acrValues = query.get('acr_values');
  const maxAge = query.get('max_age');
  if (maxAge !== null && !/^\d{1,9}$/.test(maxAge)) throw new Problem(400, 'invalid_request', 'max_age is in seconds.');
  return {
    ...(prompt && { prompt }),
    ...(acrValues && { acr_values: acrValues }),
    ...(maxAge !== null && { max_age: Number(maxAge) }),
  };
}

function answer(ctx: Context, data: unknown, page: () => Html): void {
  if (wantsJson(ctx)) {
    ctx.body = data;
  } else {
    ctx.type = 'html';
    ctx.body = page().text;
  }
}

function seeOther(ctx: Context, location: string): void {
  ctx.status = 303;
  ctx.redirect(location);
}
