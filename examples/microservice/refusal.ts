/** What RFC 6750 3 lets a resource server say in its challenge. */
export interface Challenge {
  error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope';
  scope?: string;
}

/** A request that is declined, with what the caller may know about it. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly status: number;
  readonly code: string;
  readonly challenge: Challenge | null;

  constructor(status: number, code: string, description: string, challenge: Challenge | null = null) {
    super(description);
    this.status = status;
    this.code = code;
    this.challenge = challenge;
  }
}
