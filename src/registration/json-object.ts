import { invalidMetadata } from './refusal.ts';

const STRING_OR_MARK = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/**
 * @throws {RegistrationRefusal} also where a name stands twice, of which one reader takes the first and another the last
 *   (RFC 8259 4): what a proxy or a person has checked would not be what is registered
 */
export function parseJsonObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidMetadata('the body must be JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidMetadata('the body must be a JSON object');
  }
  const twice = repeatedName(text);
  if (twice !== null) throw invalidMetadata(`${twice} stands twice in one object`);
  return value as Record<string, unknown>;
}

/** @param text which is JSON */
function repeatedName(text: string): string | null {
  const open: (Set<string> | null)[] = [];
  let last = '';
  for (const [token] of text.matchAll(STRING_OR_MARK)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const names = open.at(-1);
      if (names?.has(last)) return last;
      names?.add(last);
    } else if (token !== ',') last = JSON.parse(token) as string;
  }
  return null;
}
