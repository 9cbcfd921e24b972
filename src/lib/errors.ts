import type { Seconds } from './duration.ts';

export type RefusalCode =
  | 'credentials_wrong'
  | 'code_wrong'
  | 'code_replayed'
  | 'recovery_code_wrong'
  | 'passkey_refused'
  | 'too_many_attempts'
  | 'form_forged'
  | 'form_invalid'
  | 'flow_expired'
  | 'enrolment_expired'
  | 'setup_link_spent'
  | 'link_spent'
  | 'body_too_large'
  | 'wrong_content_type'
  | 'wrong_host'
  | 'not_found'
  | 'busy'
  | 'temporarily_unavailable';

/**
 * Something the visitor did that we decline. Its code has a text for people; everything else that
 * goes wrong is a plain Error, is logged whole, and is shown as "something went wrong".
 */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly code: RefusalCode;
  readonly status: number;
  readonly retryAfter: Seconds | null;
  /** With `too_many_attempts`: this very attempt began the wait. Those refused during it are no news. */
  readonly beginsBlock: boolean;
  /** With `too_many_attempts`: the kind of count that is full. */
  readonly counted: string | null;
  /** With `too_many_attempts`: one password, or one address, at many accounts. */
  readonly sprayed: 'password' | 'address' | null;

  constructor(
    code: RefusalCode,
    status = 400,
    options: ErrorOptions & {
      retryAfter?: Seconds;
      beginsBlock?: boolean;
      counted?: string;
      sprayed?: 'password' | 'address';
    } = {},
  ) {
    super(code, options);
    this.code = code;
    this.status = status;
    this.retryAfter = options.retryAfter ?? null;
    this.beginsBlock = options.beginsBlock ?? false;
    this.counted = options.counted ?? null;
    this.sprayed = options.sprayed ?? null;
  }
}

/** A store refused to write because something with that key is there already. */
export class Conflict extends Error {
  override name = 'Conflict';
}

/** The installation is not usable as it stands. The message is one sentence that says what to do. */
export class OperatorProblem extends Error {
  override name = 'OperatorProblem';
}
