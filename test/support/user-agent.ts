/** A page as a browser without JavaScript sees it. */
export interface Page {
  url: string;
  status: number;
  headers: Headers;
  html: string;
  forms: Form[];
}

export interface Form {
  action: string;
  method: string;
  fields: Record<string, string>;
  /** Name and value of each submit button that has them. */
  buttons: { name: string; value: string }[];
}

const MOST_HOPS = 15;

export type UserAgent = ReturnType<typeof createUserAgent>;

/**
 * A browser of a kind, over real HTTP: keeps cookies by path, follows redirects and `Refresh` on the server it was made
 * for, and stops where they lead elsewhere (to the relying party).
 */
export function createUserAgent(origin: string) {
  const jar = new Map<string, { name: string; value: string; path: string }>();
  /** Everything that came over the wire as a cookie value. */
  const seenCookies: string[] = [];
  let from: string | null = null;

  function cookiesFor(pathname: string): string {
    return [...jar.values()]
      .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  function keep(headers: Headers, pathname: string): void {
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const [name = '', value = ''] = pair.split('=');
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? pathname;
      const expires = attributes.find((one) => /^expires=/i.test(one))?.slice(8);
      if (value === '' || (expires && Date.parse(expires) <= Date.now())) jar.delete(`${name} ${path}`);
      else jar.set(`${name} ${path}`, { name, value, path });
      if (value) seenCookies.push(value);
    }
  }

  async function request(url: string, init: RequestInit = {}): Promise<Response> {
    const target = new URL(url, origin);
    const headers = new Headers(init.headers);
    const cookies = cookiesFor(target.pathname);
    if (cookies) headers.set('cookie', cookies);
    if (from) headers.set('x-forwarded-for', from);
    if (!headers.has('accept')) headers.set('accept', 'text/html');
    const response = await fetch(target, { ...init, headers, redirect: 'manual' });
    keep(response.headers, target.pathname);
    return response;
  }

  /** Goes where the answer leads, as long as it stays on this server. */
  async function follow(url: string, init?: RequestInit): Promise<Page> {
    let next = new URL(url, origin).href;
    let response = await request(next, init);
    for (let hop = 0; hop < MOST_HOPS; hop += 1) {
      const refresh = /^0; url=(.*)$/.exec(response.headers.get('refresh') ?? '')?.[1];
      const location = response.headers.get('location') ?? refresh;
      if (!location) return read(next, response);
      next = new URL(location, next).href;
      await response.body?.cancel();
      if (new URL(next).origin !== origin) {
        return { url: next, status: response.status, headers: response.headers, html: '', forms: [] };
      }
      response = await request(next);
    }
    throw new Error(`more than ${MOST_HOPS} redirects`);
  }

  async function read(url: string, response: Response): Promise<Page> {
    const html = await response.text();
    return { url, status: response.status, headers: response.headers, html, forms: formsOf(html) };
  }

  return {
    jar,
    seenCookies,
    /** Behind a proxy that says so; the server must trust this machine as one. */
    moveTo(address: string | null): void {
      from = address;
    },
    request,
    follow,
    /** Without following anything. */
    get: async (url: string): Promise<Page> => read(new URL(url, origin).href, await request(url)),
    /** Fills in and sends the form that has the given fields or button, as a browser would. */
    submit(page: Page, values: Record<string, string> = {}): Promise<Page> {
      return follow(...submission(page, values));
    },
    /** Sends the form and does not follow the answer. */
    async post(page: Page, values: Record<string, string> = {}): Promise<Page> {
      const [url, init] = submission(page, values);
      return read(url, await request(url, init));
    },
  };

  function submission(page: Page, values: Record<string, string>): [string, RequestInit] {
    const names = Object.keys(values);
    const fits = (form: Form) =>
      names.every(
        (name) => name in form.fields || form.buttons.some((one) => one.name === name && one.value === values[name]),
      );
    const form = page.forms.find((one) => fits(one) && (names.length > 0 || !one.action.endsWith('/cancel')));
    if (!form)
      throw new Error(`no form with ${names.join(', ')} on ${page.url} (${page.status}): ${textOf(page.html)}`);
    const body = new URLSearchParams({ ...form.fields, ...values }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin, 'sec-fetch-site': 'same-origin' };
    return [new URL(form.action, page.url).href, { method: 'POST', body, headers }];
  }
}

function formsOf(html: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, head = '', body = '']) => {
    const id = attribute(head, 'id');
    const controls = [...body.matchAll(/<(?:input|button)\b[^>]*>/g)].map(([tag]) => tag);
    if (id)
      controls.push(
        ...[...html.matchAll(/<button\b[^>]*>/g)].map(([tag]) => tag).filter((tag) => attribute(tag, 'form') === id),
      );
    const buttons = controls.filter((tag) => tag.startsWith('<button') && attribute(tag, 'name'));
    const inputs = controls.filter((tag) => tag.startsWith('<input') && attribute(tag, 'name'));
    return {
      action: unescapeHtml(attribute(head, 'action') ?? ''),
      method: attribute(head, 'method') ?? 'get',
      fields: Object.fromEntries(
        inputs.map((tag) => [attribute(tag, 'name'), unescapeHtml(attribute(tag, 'value') ?? '')]),
      ),
      buttons: buttons.map((tag) => ({ name: attribute(tag, 'name') ?? '', value: attribute(tag, 'value') ?? '' })),
    };
  });
}

function attribute(tag: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
}

export function unescapeHtml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

/** What a person would read. */
export function textOf(html: string): string {
  return unescapeHtml(html.replaceAll(/<(style|script|head)\b[\s\S]*?<\/\1>/g, ' ').replaceAll(/<[^>]+>/g, ' '))
    .replaceAll(/\s+/g, ' ')
    .trim();
}
