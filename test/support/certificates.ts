import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';

export interface Issued {
  cert: string;
  key: string;
  certificate: X509Certificate;
  privateKey: KeyObject;
  /** What it may be asked to sign for. */
  subject: Buffer;
}

type General = { dns: string } | { uri: string } | { email: string } | { ip: number[] };

export interface Wanted {
  /** From the root down; attributes of one step together. */
  subject?: [oid: string, value: string, tag?: number][][];
  names?: General[];
  authority?: boolean;
  /** Nobody: it signs itself. */
  by?: Issued;
  from?: Date;
  until?: Date;
  /** Extended key usages. */
  uses?: string[];
}

export const CN = '2.5.4.3';
export const FOR_SERVERS = '1.3.6.1.5.5.7.3.1';
export const FOR_CLIENTS = '1.3.6.1.5.5.7.3.2';
const DAY = 86_400_000;

/** A certificate as no authority would make it, where a test wants one (X.690, RFC 5280 4.1). */
export function issue(wanted: Wanted = {}): Issued {
  const { subject: steps = [[[CN, 'somebody']]], names = [], authority = false, by, uses = [] } = wanted;
  const { from = new Date(Date.now() - DAY), until = new Date(Date.now() + DAY) } = wanted;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(0x30, oid('1.2.840.10045.4.3.2'));
  const subject = der(
    0x30,
    ...steps.map((step) =>
      der(0x31, ...step.map(([type, value, tag = 0x0c]) => der(0x30, oid(type), der(tag, encoded(value, tag))))),
    ),
  );
  const extensions = [
    extension('2.5.29.19', der(0x30, ...(authority ? [der(0x01, Buffer.from([255]))] : [])), true),
    ...(names.length > 0 ? [extension('2.5.29.17', der(0x30, ...names.map(general)))] : []),
    ...(uses.length > 0 ? [extension('2.5.29.37', der(0x30, ...uses.map(oid)))] : []),
  ];
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    by?.subject ?? subject,
    der(0x30, time(from), time(until)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...extensions)),
  );
  const signature = sign('sha256', body, by?.privateKey ?? privateKey);
  const raw = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signature));
  const certificate = new X509Certificate(raw);
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return { cert: certificate.toString(), key, certificate, privateKey, subject };
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...more] = text.split('.').map(Number);
  const bytes = [first * 40 + second, ...more].flatMap((number) => {
    const septets = [number & 127];
    for (let rest = number >> 7; rest > 0; rest >>= 7) septets.unshift((rest & 127) | 128);
    return septets;
  });
  return der(0x06, Buffer.from(bytes));
}

function encoded(value: string, tag: number): Buffer {
  return tag === 0x1e ? Buffer.from(value, 'utf16le').swap16() : Buffer.from(value);
}

function extension(type: string, value: Buffer, critical = false): Buffer {
  return der(0x30, oid(type), ...(critical ? [der(0x01, Buffer.from([255]))] : []), der(0x04, value));
}

function general(name: General): Buffer {
  if ('email' in name) return der(0x81, Buffer.from(name.email));
  if ('dns' in name) return der(0x82, Buffer.from(name.dns));
  if ('uri' in name) return der(0x86, Buffer.from(name.uri));
  return der(0x87, Buffer.from(name.ip));
}

function time(instant: Date): Buffer {
  return der(0x18, Buffer.from(`${instant.toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`));
}
