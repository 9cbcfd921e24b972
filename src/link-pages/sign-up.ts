import { domainToUnicode } from 'node:url';
import type Router from '@koa/router';
import { isEmail } from '../accounts/account.ts';
import { admits, newcomerAddress, type SignUpRules } from '../links/sign-up.ts';
import { type AddressFormDeps, addressFormRoutes } from './address-form.ts';

export interface SignUpDeps extends AddressFormDeps {
  signUp: SignUpRules;
}

/** Asks for a link by which an account is made. */
export function signUpRoutes({ signUp, ...deps }: SignUpDeps): Router {
  const { pages } = deps;
  const domains = signUp.domains.map(domainToUnicode).join(', ');
  return addressFormRoutes(deps, {
    path: '/sign-up',
    cookie: 'gatewright-sign-up',
    purpose: 'sign-up',
    show: (ctx, form, status) => pages.send(ctx, 'sign-up', { ...form, domains }, { status }),
    read(typed, t) {
      const written = isEmail(typed) ? newcomerAddress(typed) : null;
      if (written === null) return { refused: t(typed === '' ? 'problem.email-missing' : 'problem.email-shape') };
      // The rule is public: it says nothing of who has an account.
      return admits(signUp, 'sign-up', written) ? { written } : { refused: t('problem.sign-up-domain', { domains }) };
    },
    asked: (email, t) => ({
      title: t('notice.sign-up-asked.heading'),
      paragraphs: [t('notice.sign-up-asked.what', { email }), t('notice.sign-up-asked.hint')],
    }),
  });
}
