import type { Column, Value } from './tables.ts';

/** As `json_populate_recordset` of PostgreSQL reads it. */
export function toJson({ name, type }: Column, value: Value): unknown {
  if (value === null || type === 'text' || type === 'texts') return value;
  if (type === 'bytes') return `\\x${Buffer.from(value as Uint8Array).toString('hex')}`;
  if (typeof value !== 'number') throw new Error(`${name} holds a ${typeof value} where a number belongs`);
  if (type === 'boolean') return value === 1;
  return type === 'instant' ? new Date(value).toISOString() : value;
}

/** The form in which both sides are compared. */
export function toText({ type }: Column, value: Value): string | null {
  if (value === null) return null;
  if (type === 'bytes') return Buffer.from(value as Uint8Array).toString('hex');
  return type === 'texts' ? JSON.stringify(value) : String(value);
}

/** An expression of PostgreSQL that gives a column in the form of `toText`. */
export function asText({ name, type }: Column): string {
  const column = `"${name}"`;
  if (type === 'bytes') return `encode(${column}, 'hex')`;
  if (type === 'texts') return `array_to_json(${column})::text`;
  if (type === 'boolean') return `${column}::int::text`;
  return type === 'instant' ? `(extract(epoch FROM ${column}) * 1000)::bigint::text` : `${column}::text`;
}
