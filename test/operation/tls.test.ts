import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { checkProxy } from '../../src/cli/doctor-proxy.ts';
import { checkTls } from '../../src/cli/doctor-tls.ts';
import { parseConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/lib/log.ts';
import { startServer, TIMEOUTS } from '../../src/server.ts';
import { openTlsListeners, type TlsFiles } from '../../src/tls/listeners.ts';
import { type Issued, issue } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { AUTHORITY, fetchWith, serverCertificate, startTlsServer, type TlsServer } from '../support/mutual-tls.ts';
import { CHEAP } from '../support/server.ts';
import { enter, visit } from '../support/visit.ts';

const DAY = 86_400_000;
const now = () => Date.now();

let server: TlsServer;
beforeAll(async () => {
  server = await startTlsServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

function scratch(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-tls-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function write({ certFile, keyFile }: TlsFiles, { cert, key }: Pick<Issued, 'cert' | 'key'>): void {
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
}

interface Shaken {
  serial: string;
  version: string | null;
  protocol: string | false | null;
}

function handshake(url: string, options: tls.ConnectionOptions = {}): Promise<Shaken> {
  const to = { host: '127.0.0.1', port: Number(new URL(url).port), servername: 'localhost', ca: AUTHORITY.cert };
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ ...to, ...options }, () => {
      const { serialNumber: serial } = socket.getPeerCertificate();
      resolve({ serial, version: socket.getProtocol(), protocol: socket.alpnProtocol });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** A server of nothing but TLS, and what was logged of its files. */
async function listening(files: TlsFiles, lookAnyway: number) {
  const lines: string[] = [];
  const heard: (() => void)[] = [];
  const log = createLog('info', {
    write(line: string) {
      lines.push(line);
      for (const hear of heard.splice(0)) hear();
    },
  });
  const listeners = openTlsListeners({ files, authorityFile: null, clock: now, log, lookAnyway });
  const created = listeners.create({}, (_req, res) => res.end('ok'), { asksForCertificate: false });
  await new Promise<void>((resolve) => created.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    listeners.close();
    await new Promise((resolve) => created.close(resolve));
  });
  return {
    url: `https://127.0.0.1:${(created.address() as AddressInfo).port}`,
    lines,
    /** The next line of the log. */
    next: () => new Promise<void>((resolve) => heard.push(resolve)),
  };
}

describe('a server that speaks TLS by itself', () => {
  it('signs people in', async () => {
    const person = await visit(server);
    const tokens = await enter(person);
    expect((await person.party.userinfo(tokens.access_token, person.account.id)).sub).toBe(person.account.id);
  });

  it('speaks TLS 1.2 and 1.3 and HTTP/1.1, and nothing older or plain', async () => {
    for (const url of [server.url, server.mutualTlsOrigin]) {
      const offers = { ALPNProtocols: ['h2', 'http/1.1'] };
      expect(await handshake(url, offers)).toMatchObject({ version: 'TLSv1.3', protocol: 'http/1.1' });
      expect(await handshake(url, { maxVersion: 'TLSv1.2' })).toMatchObject({ version: 'TLSv1.2' });
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
      await expect(handshake(url, old)).rejects.toThrow();
      await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow();
    }
  });

  it('needs no proxy, says the doctor', async () => {
    const [proxy, certificate] = await Promise.all([checkProxy(server.config, now), checkTls(server.config, now)]);
    expect(proxy.map(({ status, message }) => [status, message])).toEqual([
      ['ok', expect.stringMatching(/^there is none/)],
    ]);
    expect(certificate.map(({ message }) => message)).toEqual([expect.stringContaining('certificate expires in')]);
  });

  it('is one name at each of its ports', async () => {
    const at = async (origin: string, host: string, target = '/oauth2/token') => {
      const headers = { host, 'content-type': 'application/x-www-form-urlencoded' };
      return (await fetchWith()(`${origin}${target}`, { method: 'POST', headers, body: 'a=b' })).status;
    };
    const [own, other] = [new URL(server.issuer).host, new URL(server.mutualTlsOrigin).host];
    expect([await at(server.issuer, own), await at(server.mutualTlsOrigin, other)]).toEqual([400, 400]);
    expect([await at(server.issuer, other), await at(server.mutualTlsOrigin, own)]).toEqual([421, 421]);
    expect(await at(server.mutualTlsOrigin, other, '/oauth2/logout')).toBe(421);
  });

  it('takes new files while it works, and no request fails', async () => {
    const url = `${server.issuer}/.well-known/jwks.json`;
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: AUTHORITY.cert });
    onTestFinished(() => agent.destroy());
    const kept = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const request = https.get(url, { agent }, (res) => {
          const port = request.socket?.localPort;
          res.resume().on('end', () => resolve(res.statusCode === 200 ? port : undefined));
        });
        request.on('error', reject);
      });
    const before = await kept();
    const first = await handshake(server.url);

    let done = false;
    const load = Promise.all(
      [1, 2, 3].map(async () => {
        while (!done) expect((await fetchWith()(url)).status).toBe(200);
      }),
    );
    const renewed = serverCertificate();
    write(server, renewed);
    const { serialNumber } = renewed.certificate;
    for (const origin of [server.url, server.mutualTlsOrigin]) {
      await expect.poll(async () => (await handshake(origin)).serial, { timeout: 10_000 }).toBe(serialNumber);
    }
    done = true;
    await load;
    expect(first.serial).not.toBe(serialNumber);
    expect(await kept()).toBe(before);
  });
});

describe('replaced files', () => {
  const pair = (folder: string): TlsFiles => ({
    certFile: path.join(folder, 'tls.crt'),
    keyFile: path.join(folder, 'tls.key'),
  });

  it('that do not belong together are told once, and the old ones stay until others do', async () => {
    const files = pair(scratch());
    const [first, second] = [serverCertificate(), serverCertificate()];
    write(files, first);
    const { url, lines, next } = await listening(files, 100);
    writeFileSync(files.keyFile, second.key);
    await next();
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 50,
      reason: expect.stringContaining('is not the key of the certificate'),
    });
    // Several looks later.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await handshake(url)).serial).toBe(first.certificate.serialNumber);
    expect(lines).toHaveLength(1);
    const replaced = next();
    writeFileSync(files.certFile, second.cert);
    await replaced;
    expect((await handshake(url)).serial).toBe(second.certificate.serialNumber);
    expect(lines.join()).not.toContain('PRIVATE KEY');
  });

  it.each<[string, Partial<Pick<Issued, 'cert' | 'key'>> | null]>([
    ['empty', { cert: '' }],
    ['cut off', { cert: serverCertificate().cert.slice(0, 300) }],
    ['expired', issue({ until: new Date(Date.now() - DAY) })],
    ['gone', null],
  ])('that are %s change nothing', async (_case, broken) => {
    const files = pair(scratch());
    const first = serverCertificate();
    write(files, first);
    const { url, lines, next } = await listening(files, 100);
    const told = next();
    if (broken === null) rmSync(files.certFile);
    else write(files, { ...first, ...broken });
    await told;
    expect(lines[0]).toContain('the old stay');
    expect((await handshake(url)).serial).toBe(first.certificate.serialNumber);
  });

  it('count where a link leads elsewhere in one step, as in a mounted secret', async () => {
    const folder = scratch();
    const [first, second] = [serverCertificate(), serverCertificate()];
    for (const [name, issued] of [
      ['one', first],
      ['two', second],
    ] as const) {
      mkdirSync(path.join(folder, name));
      write(pair(path.join(folder, name)), issued);
    }
    const data = path.join(folder, '..data');
    symlinkSync('one', data);
    const files = pair(folder);
    symlinkSync('..data/tls.crt', files.certFile);
    symlinkSync('..data/tls.key', files.keyFile);
    // No look but on being told.
    const { url, next } = await listening(files, DAY);
    const told = next();
    symlinkSync('two', `${data}_tmp`);
    renameSync(`${data}_tmp`, data);
    await told;
    expect((await handshake(url)).serial).toBe(second.certificate.serialNumber);
  });

  it('count where nobody tells of them', async () => {
    const [folder, elsewhere] = [scratch(), scratch()];
    const second = serverCertificate();
    write(pair(elsewhere), serverCertificate());
    const files = pair(folder);
    symlinkSync(pair(elsewhere).certFile, files.certFile);
    symlinkSync(pair(elsewhere).keyFile, files.keyFile);
    const { url, next } = await listening(files, 100);
    const told = next();
    write(pair(elsewhere), second);
    await told;
    await expect.poll(async () => (await handshake(url)).serial).toBe(second.certificate.serialNumber);
  });
});

describe('a start', () => {
  async function refusal(content: { cert?: string; key?: string; authorities?: string }): Promise<string> {
    const folder = scratch();
    const names = {
      cert: path.join(folder, 'c.pem'),
      key: path.join(folder, 'k.pem'),
      authorities: path.join(folder, 'a.pem'),
    };
    for (const [name, text] of Object.entries(content)) writeFileSync(names[name as keyof typeof names], text);
    const config = parseConfig({
      ...{ ISSUER: 'https://localhost:8443', MTLS_PORT: '1', MTLS_CA_FILE: names.authorities, DATA_DIR: folder },
      ...{ KEYS_DIR: folder, TLS_CERT_FILE: names.cert, TLS_KEY_FILE: names.key, ...CHEAP },
    });
    return startServer(config, { log: createLog('silent') }).then(
      () => 'started',
      (err: Error) => `${err.name}: ${err.message.replaceAll(folder, '')}`,
    );
  }
  const good = serverCertificate();
  const all = { cert: good.cert, key: good.key, authorities: AUTHORITY.cert };

  it.each<[string, Parameters<typeof refusal>[0]]>([
    ['TLS_CERT_FILE: /c.pem cannot be read (ENOENT): ', { key: good.key, authorities: AUTHORITY.cert }],
    ['TLS_KEY_FILE: /k.pem cannot be read (ENOENT): ', { cert: good.cert, authorities: AUTHORITY.cert }],
    ['MTLS_CA_FILE: /a.pem cannot be read (ENOENT): ', { cert: good.cert, key: good.key }],
    ['TLS_CERT_FILE: /c.pem holds no certificate: ', { ...all, cert: 'x' }],
    ['TLS_KEY_FILE: /k.pem holds no private key: ', { ...all, key: good.cert }],
    ['TLS_KEY_FILE: /k.pem is not the key of the certificate in /c.pem: ', { ...all, key: serverCertificate().key }],
    [
      'TLS_KEY_FILE: /k.pem is not the key of the certificate in /c.pem: ',
      { ...all, cert: AUTHORITY.cert + good.cert },
    ],
    ['MTLS_CA_FILE: /a.pem holds no certificates: ', { ...all, authorities: 'x' }],
    [
      'MTLS_CA_FILE: /a.pem holds no certificates: ',
      { ...all, authorities: AUTHORITY.cert + AUTHORITY.cert.slice(0, 300) },
    ],
    [
      'MTLS_CA_FILE: /a.pem has a certificate that is no authority',
      { ...all, authorities: AUTHORITY.cert + good.cert },
    ],
  ])('is refused in one sentence: %s', async (beginning, content) => {
    expect(await refusal(content)).toMatch(
      new RegExp(`^OperatorProblem: ${beginning.replace(/[()]/g, '\\$&')}[^\\n]*$`),
    );
  });

  it('is refused with a certificate that has expired', async () => {
    const { cert, key } = issue({ until: new Date(Date.now() - 1_000) });
    expect(await refusal({ ...all, cert, key })).toContain(
      'TLS_CERT_FILE: the certificate in /c.pem has expired: renew it',
    );
  });
});

describe('what holds without TLS', () => {
  async function small(timeouts = TIMEOUTS) {
    const folder = scratch();
    const config = parseConfig({
      ...{ ISSUER: 'https://localhost', PORT: String(await freePort()), DATA_DIR: path.join(folder, 'data'), ...CHEAP },
      ...{ KEYS_DIR: path.join(folder, 'keys'), TLS_CERT_FILE: server.certFile, TLS_KEY_FILE: server.keyFile },
      METRICS_PORT: String(await freePort()),
    });
    return { config, started: await startServer(config, { log: createLog('silent'), timeouts }) };
  }
  const closed = (socket: net.Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

  it('cuts off who does not finish the handshake, or says nothing after it', async () => {
    const { started } = await small({ ...TIMEOUTS, headers: 300, still: 400, checked: 50 });
    onTestFinished(() => started.close());
    const port = Number(new URL(started.url).port);
    const silent = net
      .connect(port, '127.0.0.1')
      .on('error', () => undefined)
      .resume();
    const quiet = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: AUTHORITY.cert });
    quiet.on('error', () => undefined).resume();
    await Promise.all([closed(silent), closed(quiet)]);
  });

  it('stops in time with connections in every state, and the answer under way is whole', async () => {
    const { config, started } = await small();
    const port = Number(new URL(started.url).port);
    const connect = () => {
      const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: AUTHORITY.cert });
      return new Promise<tls.TLSSocket>((resolve, reject) => {
        socket.once('secureConnect', () => resolve(socket)).once('error', reject);
      });
    };
    const shaking = net.connect(port, '127.0.0.1').on('error', () => undefined);
    await new Promise<void>((resolve) => shaking.once('connect', () => resolve()));
    const [idle, busy] = await Promise.all([connect(), connect()]);
    idle.on('error', () => undefined);
    let answer = '';
    busy.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    const body = 'grant_type=x&client_id=y';
    const head = `POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n`;
    busy.write(`${head}Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n`);
    await new Promise<void>((resolve) => busy.once('data', () => resolve()));
    const ends = Promise.all([shaking, idle, busy].map(closed));
    const stopped = started.stop({ ...config.stop, delay: 0, timeout: 5 });
    busy.write(body);
    expect(await stopped).toBe(true);
    await ends;
    expect(answer).toMatch(/HTTP\/1\.1 401 [\s\S]*invalid_client/);
  });

  it('metrics are shown without it', async () => {
    const { started } = await small();
    onTestFinished(() => started.close());
    expect(started.metricsUrl).toMatch(/^http:/);
    expect((await fetch(`${started.metricsUrl}/metrics`)).status).toBe(200);
  });
});
