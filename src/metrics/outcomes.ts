import type { Audit, AuditEvent } from '../audit/audit.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Metrics } from './metrics.ts';

/** The same trail, whose sign-ins are counted once they are written. */
export function withSignInsCounted(audit: Audit, { signIn }: Pick<Metrics, 'signIn'>): Audit {
  return {
    ...audit,
    async write(event, by) {
      await audit.write(event, by);
      if (event.event === 'sign_in.succeeded') signIn('succeeded', factorOf(event));
      if (event.event === 'sign_in.failed') signIn('failed', event.factor);
      if (event.event === 'sign_in.limited') signIn('limited', event.factor);
    },
  };
}

/** By the last proof: RFC 8176 has no name for a recovery code, which is what `mfa` without `otp` stands for here. */
function factorOf({ amr }: Extract<AuditEvent, { event: 'sign_in.succeeded' }>): string {
  if (amr.includes('hwk') || amr.includes('swk')) return 'passkey';
  if (amr.includes('otp')) return 'totp';
  return amr.includes('mfa') ? 'recovery_code' : 'password';
}

/** The same limits; every try that they turn away is counted. */
export function withLimitsCounted(attempts: Attempts, { limitHit }: Pick<Metrics, 'limitHit'>): Attempts {
  async function counted<T>(kind: string, attempt: Promise<T>): Promise<T> {
    return attempt.catch((err: unknown) => {
      if (err instanceof Refusal && err.code === 'too_many_attempts') limitHit(err.sprayed ? 'spraying' : kind);
      throw err;
    });
  }
  return {
    ...attempts,
    password: (email, address, password) => counted('password', attempts.password(email, address, password)),
    code: (accountId, address) => counted('code', attempts.code(accountId, address)),
    letter: (...asked) => counted('letter', attempts.letter(...asked)),
    userCode: (address, accountId) => counted('user-code', attempts.userCode(address, accountId)),
    own: (use, accountId) => counted(use, attempts.own(use, accountId)),
    address: (use, address) => counted(use, attempts.address(use, address)),
  };
}
