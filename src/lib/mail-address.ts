/** RFC 5321 4.1.2 without quoted strings and address literals: nothing that one program reads as two addresses. */
const ADDRESS = /^[^\s@,;:<>()[\]\\"\p{Cc}]{1,64}@[^\s@,;:<>()[\]\\"\p{Cc}]{1,255}$/u;

/** Stricter than what an account may be called: this is put into an SMTP command. */
export function isMailAddress(text: string): boolean {
  return ADDRESS.test(text);
}
