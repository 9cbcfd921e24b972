import type Router from '@koa/router';
import { isEmail } from '../accounts/account.ts';
import { type AddressFormDeps, addressFormRoutes } from './address-form.ts';

/** Asks for a link by which a new password is set. */
export function forgottenPasswordRoutes(deps: AddressFormDeps): Router {
  const { pages } = deps;
  return addressFormRoutes(deps, {
    path: '/forgotten-password',
    cookie: 'gatewright-forgotten',
    purpose: 'password-reset',
    show: (ctx, form, status) => pages.send(ctx, 'forgotten-password', form, { status }),
    read(typed, t) {
      if (isEmail(typed)) return { written: typed };
      return { refused: t(typed === '' ? 'problem.email-missing' : 'problem.email-shape') };
    },
    asked: (email, t) => ({
      title: t('notice.reset-asked.heading'),
      paragraphs: [t('notice.reset-asked.what', { email }), t('notice.reset-asked.hint')],
    }),
  });
}
