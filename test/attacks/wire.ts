/** What a thief could use, by what it is: everything that went over the wire since the recording began. */
export type Secrets = Map<string, Set<string>>;

/** Listens to every request of this process and its answer until `stop`. */
export function recordSecrets(): { secrets: Secrets; add(kind: string, ...values: string[]): void; stop(): void } {
  const secrets: Secrets = new Map();
  const original = globalThis.fetch;

  function add(kind: string, ...values: (string | null | undefined)[]): void {
    const known = secrets.get(kind) ?? new Set();
    for (const value of values) if (value) known.add(value);
    secrets.set(kind, known);
  }

  globalThis.fetch = async (input, init) => {
    const response = await original(input, init);
    const body = await response.clone().text();
    const sent = typeof init?.body === 'string' || init?.body instanceof URLSearchParams ? String(init.body) : '';
    for (const [name, value] of new URLSearchParams(sent)) {
      const kind = {
        csrf: 'CSRF token',
        xsrf: 'CSRF token',
        refresh_token: 'refresh token',
        code_verifier: 'verifier',
      };
      if (name in kind) add(kind[name as keyof typeof kind], value);
    }
    for (const line of response.headers.getSetCookie()) add('cookie', /^[^=]+=([^;]+)/.exec(line)?.[1]);
    for (const place of [response.headers.get('location'), response.headers.get('refresh')]) {
      add('interaction', /\/(?:interaction|authorize|device)\/([\w-]+)/.exec(place ?? '')?.[1]);
      add('code', /[?&]code=([^&]+)/.exec(place ?? '')?.[1]);
    }
    for (const [, value] of body.matchAll(/name="[cx]srf" value="([^"]+)"/g)) add('CSRF token', value);
    const named = /"(access_token|id_token|refresh_token|request_uri|device_code|user_code)":"([^"]+)"/g;
    for (const [, name, value] of body.matchAll(named)) add(String(name).replace('_', ' '), value);
    return response;
  };

  return {
    secrets,
    add,
    stop() {
      globalThis.fetch = original;
    },
  };
}

/** The parts that are as good as the whole, or would show that the whole was stored. */
function partsOf(kind: string, secret: string): string[] {
  if (kind === 'access token' || kind === 'id token') return [secret, ...secret.split('.').slice(1)];
  if (kind === 'recovery code' || kind === 'user code') return [secret, secret.replaceAll('-', '')];
  if (kind === 'request uri') return [secret, secret.split(':').at(-1) as string];
  return [secret];
}

/** As bytes, in every dress that a store or a log might put it in. */
export function needlesOf(kind: string, secret: string): Buffer[] {
  const raw: Buffer[] = partsOf(kind, secret).map((part) => Buffer.from(part));
  if (kind === 'TOTP seed') raw.push(fromBase32(secret));
  return raw.flatMap((bytes) => [
    bytes,
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('hex').toUpperCase()),
    Buffer.from(encodeURIComponent(bytes.toString('utf8'))),
    Buffer.from(bytes.toString('utf8'), 'utf16le'),
    ...base64Of(bytes, 'base64'),
    ...base64Of(bytes, 'base64url'),
  ]);
}

/** Within a longer text, base64 looks one of three ways; the characters that neighbours share are left out. */
function base64Of(bytes: Buffer, encoding: 'base64' | 'base64url'): Buffer[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .replaceAll('=', '');
    const shared = (before + bytes.length) % 3 === 0 ? 0 : 1;
    return Buffer.from(text.slice(Math.ceil((before * 8) / 6), text.length - shared));
  });
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}
