import { decodeJwt, type JWTPayload } from 'jose';
import { type Html, html } from './html.ts';
import type { Problem } from './problem.ts';
import type { Tokens } from './relying-party.ts';
import type { SignIn } from './sessions.ts';

export interface ApiAnswer {
  status: number;
  /** The API's WWW-Authenticate, which says what it missed. */
  challenge: string | null;
  body: unknown;
}

/** What one may know of the tokens without holding them. */
export function summary({ tokens, profile, refreshed }: SignIn) {
  const { claims, scope } = tokens;
  const access = readAccessToken(tokens);
  return { claims, profile, refreshed, scope, audience: access?.aud ?? null, expires: access?.exp ?? null };
}

/** Only to show it: an access token is written for the API, and an application must not rely on what is inside. */
function readAccessToken({ accessToken }: Tokens): JWTPayload | null {
  try {
    return decodeJwt(accessToken);
  } catch {
    return null;
  }
}

export function signedOutPage(): Html {
  return layout(
    'Meadow Notes',
    html`<h1>Meadow Notes</h1>
      <p class="hint">You are signed out.</p>
      <p><a class="button" id="sign-in" href="/login">Sign in</a></p>`,
  );
}

export function homePage(signIn: SignIn, { hasApi }: { hasApi: boolean }): Html {
  const { claims, profile, refreshed, scope, audience, expires } = summary(signIn);
  const known: Record<string, unknown> = { ...claims, ...profile };
  return layout(
    'Meadow Notes',
    html`<h1>Hello, <span id="name">${text(known['name'] ?? known['email'] ?? claims.sub)}</span></h1>
      <dl>
        ${fact('Subject', 'sub', claims.sub)}
        ${fact('Email', 'email', known['email'])}
        ${fact('Level (acr)', 'acr', claims['acr'])}
        ${fact('Methods (amr)', 'amr', claims['amr'])}
      </dl>
      <h2>Access token</h2>
      <dl>
        ${fact('Scope', 'scope', scope)}
        ${fact('Audience', 'audience', audience)}
        ${fact('Expires', 'expires', expires && new Date(expires * 1000).toISOString())}
        ${fact('Refreshed', 'refreshed', refreshed)}
      </dl>
      <div class="actions">
        <a class="button plain" id="userinfo-link" href="/userinfo">Userinfo</a>
        <form method="post" action="/refresh"><button class="plain" id="refresh">Refresh tokens</button></form>
        ${hasApi && html`<a class="button plain" id="api-link" href="/api">Call the API</a>`}
        <form method="post" action="/logout"><button id="sign-out">Sign out</button></form>
      </div>
      <details><summary>ID token claims</summary>${json('id-token', claims)}</details>`,
  );
}

export function userinfoPage(claims: unknown): Html {
  return layout('Userinfo', html`<h1>Userinfo</h1>${json('userinfo', claims)}${back}`);
}

export function apiPage({ status, challenge, body }: ApiAnswer): Html {
  const isNotEnough = challenge?.includes('insufficient_user_authentication') ?? false;
  return layout(
    'The API',
    html`<h1>The API answered <span id="api-status">${status}</span></h1>
      ${isNotEnough && html`<p class="problem" role="alert" id="not-enough">This sign-in is not what the API asks for.</p>`}
      ${challenge && html`<p class="problem" id="api-challenge">${challenge}</p>`}
      ${json('api', body)}
      <form class="note" method="post" action="/api">
        <label>New note<input name="text" required maxlength="500"></label>
        <button id="add-note">Add</button>
      </form>
      <div class="actions">
        <form method="post" action="/api/export"><button class="plain" id="export-notes">Export the notes</button></form>
        <form method="post" action="/api/forget"><button class="plain" id="forget-notes">Forget all notes</button></form>
      </div>${back}`,
  );
}

export function afterSignOutPage(): Html {
  return layout(
    'Signed out',
    html`<h1 id="signed-out">You are signed out</h1>
      <p class="hint">Here, and at the provider.</p>
      <p><a class="button" id="sign-in" href="/login">Sign in again</a></p>`,
  );
}

export function problemPage({ code, message }: Problem): Html {
  return layout(
    'That did not work',
    html`<h1>That did not work</h1>
      <p class="problem" role="alert"><strong id="error">${code}</strong><br><span id="error-description">${message}</span></p>
      <p><a class="button" id="sign-in" href="/login">Sign in</a></p>${back}`,
  );
}

const back = html`<p><a href="/">Back</a></p>`;

function fact(label: string, id: string, value: unknown): Html {
  return html`<dt>${label}</dt><dd id="${id}">${text(value)}</dd>`;
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ');
  return value === undefined || value === null || value === '' ? '—' : String(value);
}

function json(id: string, value: unknown): Html {
  return html`<pre id="${id}">${JSON.stringify(value, null, 2)}</pre>`;
}

function layout(title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title}</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/style.css">
</head>
<body><main>${body}</main></body>
</html>
`;
}
