/** One value of DER (X.690 8.1): its tag, its contents, and what follows it. */
export interface DerValue {
  tag: number;
  contents: Buffer;
  rest: Buffer;
}

/** @throws where there is none, or one with a tag or length that no certificate needs */
export function readDer(bytes: Buffer): DerValue {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new Error('not DER');
  const size = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || size > 4 || bytes.length < 2 + size) throw new Error('not DER');
  const length = size === 0 ? first : bytes.readUIntBE(2, size);
  const end = 2 + size + length;
  if (end > bytes.length) throw new Error('not DER');
  return { tag, contents: bytes.subarray(2 + size, end), rest: bytes.subarray(end) };
}

/** What a SEQUENCE or SET is made of. */
export function readDerItems(contents: Buffer): DerValue[] {
  const items: DerValue[] = [];
  for (let rest = contents; rest.length > 0; ) {
    const item = readDer(rest);
    items.push(item);
    rest = item.rest;
  }
  return items;
}

/** In dots. */
export function readObjectIdentifier(contents: Buffer): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of contents) {
    value = value * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    if (numbers.length === 0) {
      const root = Math.min(2, Math.floor(value / 40));
      numbers.push(root, value - root * 40);
    } else {
      numbers.push(value);
    }
    value = 0;
  }
  return numbers.join('.');
}
