import type { RefusalCode } from './problem.ts';

const STATUS: Record<RefusalCode, number> = {
  unauthorized: 401,
  invalid_request: 400,
  invalid_token: 401,
  invalid_dpop_proof: 401,
  use_dpop_nonce: 401,
  insufficient_scope: 403,
  insufficient_user_authentication: 401,
  temporarily_unavailable: 503,
};

/**
 * A request that is declined. Koa, Express and Fastify answer it by themselves where it is thrown: they look at `status`
 * or `statusCode`, `headers` and `expose`. What stands in `cause` is for your log alone.
 */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly code: RefusalCode;
  readonly status: number;
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly expose = true;

  constructor(
    code: RefusalCode,
    description: string,
    headers: Readonly<Record<string, string>> = {},
    options: ErrorOptions = {},
  ) {
    super(description, options);
    this.code = code;
    this.status = STATUS[code];
    this.statusCode = this.status;
    this.headers = headers;
  }

  get body(): { error: RefusalCode; error_description: string } {
    return { error: this.code, error_description: this.message };
  }
}
