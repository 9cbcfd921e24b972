/** RFC 7591 3.2.2, RFC 6750 3.1; the last two are for whoever comes too often, which OAuth has no words for. */
export type RegistrationError =
  | 'invalid_redirect_uri'
  | 'invalid_client_metadata'
  | 'unapproved_software_statement'
  | 'invalid_token'
  | 'invalid_request'
  | 'too_many_requests'
  | 'temporarily_unavailable';

const STATUS: Partial<Record<RegistrationError, number>> = { invalid_token: 401, temporarily_unavailable: 503 };

/** What an application is told: a code for its program, and a sentence for whoever wrote it. */
export class RegistrationRefusal extends Error {
  override name = 'RegistrationRefusal';
  readonly error: RegistrationError;
  readonly status: number;

  constructor(error: RegistrationError, description: string, status = STATUS[error] ?? 400) {
    super(description);
    this.error = error;
    this.status = status;
  }
}

export function invalidMetadata(description: string): RegistrationRefusal {
  return new RegistrationRefusal('invalid_client_metadata', description);
}
