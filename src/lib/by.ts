/** Who asked for a change, for the audit trail. Address and browser are kept sealed. */
export interface By {
  /** `cli`, `system`, or the id of the account or client that did it. */
  actor: string;
  address: string | null;
  /** Family and system only, such as `Firefox on Linux`. */
  browser?: string | null;
  requestId: string | null;
}

export const BY_OPERATOR: By = { actor: 'cli', address: null, requestId: null };
export const BY_SYSTEM: By = { actor: 'system', address: null, requestId: null };
