import { type Entry, type Head, isSigned, macOfEntry, type SignedHead, START } from './chain.ts';
import type { AuditTrail, SealedEntry } from './trail.ts';

/** What is wrong, in one line each. */
export type Finding = string;

/** A head that was kept elsewhere. `mac` null: whoever names it stands for it. */
export type KnownHead = Pick<Head, 'sequence' | 'hash'> & { mac: string | null; at: number };

export interface Verified {
  findings: Finding[];
  entries: number;
  /** Heads that it was compared with: those from before its beginning tell nothing any more. */
  compared: number;
  /** What the chain ends with. */
  head: Pick<Head, 'sequence' | 'hash'>;
}

const SLICE = 500;
/** The least that a column of numbers holds: who puts an entry in may give it any. */
const BEFORE_ALL = -(2 ** 31);

/** Reads the whole chain, and finds what is not as it was sealed: what was changed, is missing, or stands elsewhere. */
export async function verifyTrail(
  { trail, key }: { trail: AuditTrail; key: Buffer },
  heads: readonly KnownHead[],
  toldHowMany: (entries: number) => void,
): Promise<Verified> {
  const anchor = await trail.anchor();
  const check = createCheck(key, anchor, heads);
  let from = BEFORE_ALL;
  for (let full = true; full; ) {
    const slice = await trail.after(from, SLICE);
    for (const entry of slice) check.add(entry);
    from = slice.at(-1)?.sequence ?? from;
    await check.erasures((ids) => trail.erasable(ids));
    toldHowMany(check.entries());
    full = slice.length === SLICE;
  }
  // What was cut off meanwhile would look like a gap.
  if ((await trail.anchor())?.sequence !== anchor?.sequence) return verifyTrail({ trail, key }, heads, toldHowMany);
  return { findings: check.end(), entries: check.entries(), compared: check.compared, head: check.last() };
}

/** Entries are handed to it in the order of their numbers. */
function createCheck(key: Buffer, anchor: SignedHead | null, heads: readonly KnownHead[]) {
  const findings: Finding[] = [];
  const start = anchor ?? START;
  if (anchor && !isSigned(key, 'anchor', anchor)) {
    findings.push(`the anchor that stands for the entries up to ${anchor.sequence} was changed`);
  }
  const expected = new Map<number, KnownHead[]>();
  for (const head of heads) {
    const { mac } = head;
    if (mac !== null && !isSigned(key, 'head', { ...head, mac })) {
      findings.push(`the head ${head.sequence} that it is compared with was not signed here, or was changed`);
    } else if (head.sequence >= start.sequence) {
      expected.set(head.sequence, [...(expected.get(head.sequence) ?? []), head]);
    }
  }
  const compared = [...expected.values()].flat().length;
  let last: Pick<Head, 'sequence' | 'hash'> = start;
  let entries = 0;
  let erased: SealedEntry[] = [];

  function compareHeads({ sequence, hash }: Pick<Head, 'sequence' | 'hash'>): void {
    const known = expected.get(sequence) ?? [];
    expected.delete(sequence);
    if (known.some((head) => head.hash !== hash)) {
      findings.push(`entry ${sequence} is not the one that the head of the same number tells of`);
    }
  }
  compareHeads(last);

  return {
    compared,
    last: () => last,
    entries: () => entries,
    add(entry: SealedEntry): void {
      const { sequence, previous, mac, personalState } = entry;
      if (sequence <= start.sequence) {
        findings.push(`entry ${sequence} ${named(entry)} was put in before the beginning of the trail`);
        return;
      }
      const missing = sequence - last.sequence - 1;
      if (missing > 0) findings.push(gap(last.sequence + 1, sequence - 1));
      if (macOfEntry(key, entry) !== mac) findings.push(`entry ${sequence} ${named(entry)} was changed or put in`);
      else if (missing === 0 && previous !== last.hash) {
        findings.push(`entry ${sequence} ${named(entry)} does not follow the entry before it`);
      }
      if (personalState === 'changed') findings.push(`the personal fields of entry ${sequence} were changed`);
      if (personalState === 'lost') {
        findings.push(`the personal fields of entry ${sequence} are sealed under a key that the keyring does not hold`);
      }
      if (personalState === 'erased') erased.push(entry);
      last = { sequence, hash: mac };
      entries += 1;
      compareHeads(last);
    },
    /** Of a slice: gone are the fields of those only who were deleted. */
    async erasures(erasable: (ids: string[]) => Promise<Set<string>>): Promise<void> {
      if (erased.length === 0) return;
      const people = erased.map(({ person }) => person).filter((person) => person !== null);
      const allowed = await erasable([...new Set(people)]);
      for (const { sequence, person } of erased) {
        if (person !== null && allowed.has(person)) continue;
        findings.push(`the personal fields of entry ${sequence} are gone, although nobody was deleted`);
      }
      erased = [];
    },
    end(): Finding[] {
      const beyond = [...expected.keys()].filter((sequence) => sequence > last.sequence);
      if (beyond.length > 0) {
        findings.push(
          `the trail ends with entry ${last.sequence}, but reached at least entry ${Math.max(...beyond)}: its end is missing`,
        );
      }
      return findings;
    },
  };
}

function gap(first: number, last: number): Finding {
  return first === last ? `entry ${first} is missing` : `entries ${first} to ${last} are missing`;
}

function named({ event }: Entry): string {
  return `(${event})`;
}
