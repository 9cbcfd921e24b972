import type { envReader } from './env.ts';

/** Who may register applications over HTTP (RFC 7591). `token`: whom an operator gave a token. `open`: anybody. */
export interface RegistrationConfig {
  mode: 'off' | 'token' | 'open';
  /** Of `open`: how many may wait for their first user. */
  mostUnused: number;
}

export function readRegistration(read: ReturnType<typeof envReader>): RegistrationConfig {
  return {
    mode: read.oneOf('REGISTRATION', ['off', 'token', 'open'], 'off'),
    mostUnused: read.int('REGISTRATION_LIMIT', 100, { min: 1, max: 100_000 }),
  };
}
