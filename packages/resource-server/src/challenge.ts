/** How a token can be presented: as it is (RFC 6750), or with a proof that its key is held (RFC 9449). */
export type Scheme = 'Bearer' | 'DPoP';

/** One challenge of a `WWW-Authenticate` header (RFC 9110 11.6.1). What is undefined is left out. */
export function challenge(scheme: Scheme, parameters: Readonly<Record<string, string | undefined>>): string {
  const said = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quoted(value)}`],
  );
  return said.length > 0 ? `${scheme} ${said.join(', ')}` : scheme;
}

/** RFC 9110 5.6.4. A line break in a value would begin a header of its own. */
function quoted(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
