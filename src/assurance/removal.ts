import { type DemandedOf, type LevelPolicy, policyLevel } from './demand.ts';
import { strongest } from './level.ts';

/** What somebody can sign in with. */
export interface Means {
  password: boolean;
  passkeys: number;
  authenticators: number;
}

/** Nobody could sign in any more, or not as the policy or the account demands. */
export type WhyKept = 'last-way-in' | 'demanded';

/**
 * Why a person may not give something up by themselves; null: they may. What was not reached before is not lost.
 * @param left what there would be without it
 */
export function whyKept(
  policy: LevelPolicy,
  { role, demandedLevel }: Pick<DemandedOf, 'role' | 'demandedLevel'>,
  has: Means,
  left: Means,
): WhyKept | null {
  const passkeys = (means: Means) => (policy.passkeys ? means.passkeys : 0);
  const enters = (means: Means) => means.password || passkeys(means) > 0;
  const hasSecondFactor = (means: Means) => passkeys(means) + means.authenticators > 0;
  if (enters(has) && !enters(left)) return 'last-way-in';
  const demanded = strongest([policyLevel(policy, role), demandedLevel ?? 'one-factor']);
  if (demanded !== 'one-factor' && hasSecondFactor(has) && !hasSecondFactor(left)) return 'demanded';
  return demanded === 'phishing-resistant' && passkeys(has) > 0 && passkeys(left) === 0 ? 'demanded' : null;
}
