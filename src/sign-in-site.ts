import type Router from '@koa/router';
import { type ConsentStepDeps, createConsentStep } from './interaction/consent.ts';
import { createLaterStep, type LaterDeps } from './interaction/later.ts';
import { createNewPasswordStep, type NewPasswordDeps } from './interaction/new-password.ts';
import { createNotOpenStep } from './interaction/not-open.ts';
import { createPasskeyStep, type PasskeyStepDeps } from './interaction/passkey.ts';
import { createPasskeyEnrolmentStep, type PasskeyEnrolmentDeps } from './interaction/passkey-enrolment.ts';
import { createPasswordStep, type PasswordStepDeps } from './interaction/password.ts';
import { createCodesLeftStep, createRecoveryCodesStep, type RecoveryCodesDeps } from './interaction/recovery-codes.ts';
import { interactionRoutes } from './interaction/routes.ts';
import { createSecondFactorSteps, type SecondFactorDeps } from './interaction/second-factor.ts';
import { createSelectAccountStep } from './interaction/select-account.ts';
import { createSignInPage, type SignInPageDeps } from './interaction/sign-in-page.ts';
import { createTotpEnrolmentStep, type TotpEnrolmentDeps } from './interaction/totp-enrolment.ts';
import { createTrustBrowser } from './interaction/trust-browser.ts';
import { createUnlockLetter, type UnlockLetterDeps } from './interaction/unlock-letter.ts';
import { describeApis } from './oidc/described-apis.ts';
import type { Registry } from './oidc/registry.ts';

type Deps = Omit<ConsentStepDeps, 'describeApi'> & { registry: Pick<Registry, 'api'> } & Omit<
    PasskeyStepDeps,
    'signInPage' | 'trustBrowser'
  > &
  Omit<PasswordStepDeps, 'signInPage' | 'unlockLetter'> &
  NewPasswordDeps &
  PasskeyEnrolmentDeps &
  RecoveryCodesDeps &
  LaterDeps &
  Omit<SecondFactorDeps, 'trustBrowser'> &
  SignInPageDeps &
  TotpEnrolmentDeps &
  UnlockLetterDeps;

/** The pages of a sign-in, put together. */
export function signInPages(deps: Deps): Router {
  const { interactions, knownBrowser, csrf, pages } = deps;
  const trustBrowser = createTrustBrowser(deps);
  const secondFactor = createSecondFactorSteps({ ...deps, trustBrowser });
  const signInPage = createSignInPage(deps);
  return interactionRoutes({
    ...{ interactions, knownBrowser, csrf, pages },
    forms: {
      'select-account': createSelectAccountStep(deps),
      password: createPasswordStep({ ...deps, signInPage, unlockLetter: createUnlockLetter(deps) }),
      passkey: createPasskeyStep({ ...deps, signInPage, trustBrowser }),
      totp: secondFactor.totp,
      'recovery-code': secondFactor.recoveryCode,
      'totp-enrolment': createTotpEnrolmentStep(deps),
      'passkey-enrolment': createPasskeyEnrolmentStep(deps),
      later: createLaterStep(deps),
      'recovery-codes': createRecoveryCodesStep(deps),
      'recovery-codes-left': createCodesLeftStep(deps),
      'new-password': createNewPasswordStep(deps),
      'not-open': createNotOpenStep(deps),
      consent: createConsentStep({ ...deps, describeApi: describeApis(deps.registry) }),
    },
  });
}
