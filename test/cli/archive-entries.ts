import { createHash } from 'node:crypto';
import { Header } from 'tar';

const BLOCK = 512;

export interface Entry {
  name: string;
  bytes: Buffer;
}

/** Headers and bodies, without the blocks that end the archive. */
export function entriesOf(content: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; content[at]; ) {
    const header = new Header(content, at);
    const length = BLOCK + Math.ceil((header.size ?? 0) / BLOCK) * BLOCK;
    entries.push({ name: header.path ?? '', bytes: content.subarray(at, at + length) });
    at += length;
  }
  return entries;
}

export const namesIn = (content: Buffer) => entriesOf(content).map(({ name }) => name);

export function withEntries(entries: Entry[]): Buffer {
  return Buffer.concat([...entries.map(({ bytes }) => bytes), Buffer.alloc(2 * BLOCK)]);
}

export function changed(content: Buffer, at: string): Buffer {
  const copy = Buffer.from(content);
  const place = copy.indexOf(at) + at.length;
  // Still the same kind of character, so that nothing but the checks can notice.
  copy[place] = copy[place] === 0x31 ? 0x32 : 0x31;
  return copy;
}

/** What an attacker can do who knows how a backup is made: an address of theirs, and checksums that fit. */
export function forged(content: Buffer, at: string): Buffer {
  const [manifest, state, database] = entriesOf(changed(content, at)) as [Entry, Entry, Entry];
  const bodyOf = ({ bytes }: Entry) => bytes.subarray(BLOCK, BLOCK + (new Header(bytes, 0).size ?? 0));
  const [, , before] = entriesOf(content) as [Entry, Entry, Entry];
  const text = manifest.bytes.toString('latin1').replace(sha256Of(bodyOf(before)), sha256Of(bodyOf(database)));
  return withEntries([{ ...manifest, bytes: Buffer.from(text, 'latin1') }, state, database]);
}

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** With a part under another name, in a header that is right in itself. */
function withHeader(content: Buffer, change: (header: Header) => void): Buffer {
  const entries = entriesOf(content).map(({ name, bytes }) => {
    if (name !== 'state.db') return { name, bytes };
    const copy = Buffer.from(bytes);
    const header = new Header(copy, 0);
    change(header);
    header.encode(copy, 0);
    return { name, bytes: copy };
  });
  return withEntries(entries);
}

export const renamed = (content: Buffer, name: string) =>
  withHeader(content, (header) => {
    header.path = name;
  });

export const linked = (content: Buffer) =>
  withHeader(content, (header) => {
    header.type = 'SymbolicLink';
    header.linkpath = '/etc/passwd';
    header.size = 0;
  });
