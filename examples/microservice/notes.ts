import { randomUUID } from 'node:crypto';
import { Problem } from './problem.ts';

export interface Note {
  id: string;
  text: string;
  createdAt: string;
}

const MOST_NOTES = 100;
const LONGEST_NOTE = 500;

/** Notes per subject, in memory: gone when the program ends. */
export function createNotes() {
  const bySubject = new Map<string, Note[]>();

  function list(sub: string): readonly Note[] {
    return bySubject.get(sub) ?? [];
  }

  /** @throws {Problem} 400 when it is not `{ text }`, 409 when there are too many. */
  function add(sub: string, input: unknown): Note {
    const text = typeof input === 'object' && input !== null && 'text' in input ? input.text : undefined;
    if (typeof text !== 'string' || text.trim() === '' || text.length > LONGEST_NOTE) {
      throw new Problem(400, 'invalid_request', `"text" must be a string of 1 to ${LONGEST_NOTE} characters`);
    }
    const notes = list(sub);
    if (notes.length >= MOST_NOTES) throw new Problem(409, 'too_many_notes', `At most ${MOST_NOTES} notes are kept`);

    const note: Note = { id: randomUUID(), text: text.trim(), createdAt: new Date().toISOString() };
    bySubject.set(sub, [...notes, note]);
    return note;
  }
  function clear(sub: string): void {
    bySubject.delete(sub);
  }
  return { list, add, clear };
}
