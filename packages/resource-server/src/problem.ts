/** Why a request is answered with something else than what it asked for. */
export type RefusalCode =
  | 'unauthorized'
  | 'invalid_request'
  | 'invalid_token'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'temporarily_unavailable';

/** What is wrong, found where nobody knows yet how the answer challenges. Never leaves the package. */
export class Problem extends Error {
  override name = 'Problem';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, description: string, options: ErrorOptions = {}) {
    super(description, options);
    this.code = code;
  }
}

export function invalidToken(description: string, cause?: unknown): Problem {
  return new Problem('invalid_token', description, { cause });
}

/** The token may be good: nobody could say. */
export function unavailable(description: string, cause?: unknown): Problem {
  return new Problem('temporarily_unavailable', description, { cause });
}
