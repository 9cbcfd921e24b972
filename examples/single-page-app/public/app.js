import * as oauth from '/oauth4webapi.js';

const config = await (await fetch('/config.json')).json();
const issuer = new URL(config.issuer);
const client = { client_id: config.clientId };
const redirectUri = `${location.origin}/callback`;
const postLogoutRedirectUri = `${location.origin}/signed-out`;
/** Asked for at the authorize and the token endpoint alike (RFC 8707). */
const resource = config.resource ? { resource: config.resource } : {};
/** The server of this page allows http issuers on loopback only. */
const options = { [oauth.allowInsecureRequests]: issuer.protocol === 'http:' };

/** In memory only: what a script could steal later is gone when the tab is closed or reloaded. */
let tokens = null;
let refreshing = null;
let discovered = null;

function provider() {
  discovered ??= oauth
    .discoveryRequest(issuer, options)
    .then((response) => oauth.processDiscoveryResponse(issuer, response))
    .catch((err) => {
      discovered = null;
      throw err;
    });
  return discovered;
}

/** Leaves for the provider. State, nonce and verifier must outlive the page; they are worth nothing without the code. */
async function signIn(wishes = {}) {
  const as = await provider();
  const departure = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
  };
  sessionStorage.setItem('departure', JSON.stringify(departure));

  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: config.clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: config.scope,
    state: departure.state,
    nonce: departure.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(departure.verifier),
    code_challenge_method: 'S256',
    ...resource,
    ...wishes,
  });
  location.assign(url);
}

/** Comes back from the provider with a code or an error. */
async function arrive() {
  const callback = new URL(location.href);
  history.replaceState(null, '', '/'); // before the code is spent, so that it stays in no history
  const departure = JSON.parse(sessionStorage.getItem('departure') ?? 'null');
  sessionStorage.removeItem('departure');
  if (!departure) throw new Error('This sign-in did not begin in this tab.');

  const as = await provider();
  const parameters = oauth.validateAuthResponse(as, client, callback, departure.state); // state, and iss (RFC 9207)
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    parameters,
    redirectUri,
    departure.verifier,
    { ...options, additionalParameters: resource },
  );
  const result = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: departure.nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(as, response, options);
  tokens = { ...result, claims: oauth.getValidatedIdTokenClaims(result), refreshed: 0 };
}

/** One at a time: refresh tokens rotate, and using a spent one would end the sign-in. */
function refresh() {
  refreshing ??= exchangeRefreshToken().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function exchangeRefreshToken() {
  if (!tokens.refresh_token) throw new Error('The provider gave no refresh token.');
  const as = await provider();
  const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token, {
    ...options,
    additionalParameters: resource,
  });
  const result = await oauth.processRefreshTokenResponse(as, client, response);
  if (result.id_token) await oauth.validateApplicationLevelSignature(as, response, options);
  const claims = oauth.getValidatedIdTokenClaims(result) ?? tokens.claims;
  if (claims.sub !== tokens.claims.sub) throw new Error('The refreshed ID token names another subject.');
  tokens = { ...tokens, ...result, claims, refreshed: tokens.refreshed + 1 };
}

async function userinfo() {
  const as = await provider();
  const response = await oauth.userInfoRequest(as, client, tokens.access_token, options);
  return oauth.processUserInfoResponse(as, client, tokens.claims.sub, response);
}

async function callApi(text) {
  const headers = { Authorization: `Bearer ${tokens.access_token}` };
  const write = { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' } };
  const request = text === undefined ? { headers } : { ...write, body: JSON.stringify({ text }) };
  const response = await fetch(new URL('/notes', config.apiUrl), request);
  const challenge = response.headers.get('www-authenticate');
  return { status: response.status, ...(challenge && { challenge }), body: await response.json() };
}

async function signOut() {
  const { id_token: hint } = tokens;
  tokens = null;
  const { end_session_endpoint: endpoint } = await provider();
  if (!endpoint) return location.assign('/signed-out');
  const url = new URL(endpoint);
  url.search = new URLSearchParams({
    client_id: config.clientId,
    id_token_hint: hint,
    post_logout_redirect_uri: postLogoutRedirectUri,
  });
  return location.assign(url);
}

const element = (id) => document.getElementById(id);

/** Text only, never markup: what a claim says is not ours to trust. */
function show() {
  element('signed-out').hidden = tokens !== null;
  element('signed-in').hidden = tokens === null;
  if (!tokens) {
    element('title').textContent = 'Meadow Board';
    element('result').hidden = true;
    return;
  }
  const { claims, profile, scope, refreshed } = tokens;
  const facts = { ...claims, ...profile, acr: claims.acr, amr: claims.amr, scope, refreshed };
  element('title').textContent = `Hello, ${facts.name ?? facts.email ?? facts.sub}`;
  for (const id of ['sub', 'email', 'acr', 'amr', 'scope', 'refreshed']) {
    element(id).textContent = [facts[id] ?? '—'].flat().join(' ');
  }
  element('call-api').hidden = !config.apiUrl;
  element('add-note').hidden = !config.apiUrl;
}

function showResult(value) {
  element('result').hidden = false;
  element('result').textContent = JSON.stringify(value, null, 2);
}

function showProblem(err) {
  // What the provider said (`error`), or what our own checks found (`code`).
  element('error').textContent = err.error ?? err.code ?? 'error';
  element('error-description').textContent = err.error_description ?? err.message;
  element('problem').hidden = false;
  if (err.error === 'invalid_grant') tokens = null; // the provider has ended the sign-in
}

async function attempt(action) {
  element('problem').hidden = true;
  try {
    await action();
  } catch (err) {
    showProblem(err);
  }
  show();
}

function onClick(id, action) {
  element(id).addEventListener('click', () => attempt(action));
}

onClick('sign-in', () => signIn());
onClick('sign-in-silently', () => signIn({ prompt: 'none' }));
onClick('load-userinfo', async () => showResult(await userinfo()));
onClick('refresh', refresh);
onClick('call-api', async () => showResult(await callApi()));
onClick('sign-out', signOut);
element('add-note').addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  attempt(async () => {
    showResult(await callApi(new FormData(form).get('text')));
    form.reset();
  });
});

if (location.pathname === '/signed-out') element('hint').textContent = 'You are signed out, here and at the provider.';
await attempt(async () => {
  if (location.pathname !== '/callback') return;
  await arrive();
  // Profile claims need not be in the ID token. An access token for an API alone is not good at userinfo.
  tokens.profile = await userinfo().catch(() => null);
});
