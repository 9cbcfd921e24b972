import { hash } from 'node:crypto';

/** Bytes before the bits: how many entries there are, and how many bits stand for each, as unsigned big-endian numbers. */
const HEADER = 8;
const BITS_PER_ENTRY = 32;
/** Bits per entry times ln 2: the least false answers that so many bits allow. */
const BITS_SET = 22;

/** Says of what was put in that it is there; of anything else too, less than once in a million. */
export interface BloomFilter {
  entries: number;
  has(text: string): boolean;
}

export function writeBloomFilter(entries: ReadonlySet<string>): Buffer {
  const file = Buffer.alloc(HEADER + Math.ceil((entries.size * BITS_PER_ENTRY) / 8));
  file.writeUInt32BE(entries.size, 0);
  file.writeUInt32BE(BITS_SET, 4);
  const bits = file.subarray(HEADER);
  for (const entry of entries) {
    for (const place of placesOf(entry, BITS_SET, bits.length * 8)) {
      bits.writeUInt8(bits.readUInt8(place >> 3) | (1 << (place & 7)), place >> 3);
    }
  }
  return file;
}

export function readBloomFilter(file: Buffer): BloomFilter {
  const bits = file.subarray(HEADER);
  const bitsSet = file.readUInt32BE(4);
  return {
    entries: file.readUInt32BE(0),
    has: (text) =>
      placesOf(text, bitsSet, bits.length * 8).every(
        (place) => (bits.readUInt8(place >> 3) & (1 << (place & 7))) !== 0,
      ),
  };
}

/** Kirsch and Mitzenmacher: two hashes make any number. 48 bits each, so that the sums stay exact. */
function placesOf(text: string, count: number, size: number): number[] {
  const digest = hash('sha256', text, 'buffer');
  const [first, second] = [digest.readUIntBE(0, 6), digest.readUIntBE(6, 6)];
  return Array.from({ length: count }, (_, i) => (first + i * second) % size);
}
