import Router from '@koa/router';
import { createRegistration, type RegistrationDeps } from './registration/registration.ts';
import { REGISTRATION_PATH, type RegistrationRoutesDeps, registrationRoutes } from './registration/routes.ts';

type Deps = Omit<RegistrationDeps, 'endpoint'> & Pick<RegistrationRoutesDeps, 'limits' | 'log'> & { issuer: string };

/** Where applications register themselves, put together; no address at all where that is off. */
export function registrationEndpoint(deps: Deps): Router {
  const { mode } = deps.registration;
  if (mode === 'off') return new Router();
  const service = createRegistration({ ...deps, endpoint: deps.issuer + REGISTRATION_PATH });
  return registrationRoutes({ ...deps, service, isOpen: mode === 'open' });
}

/** As discovery names it (RFC 8414 2). */
export function registrationAddress(issuer: string, { mode }: RegistrationDeps['registration']): string | undefined {
  return mode === 'off' ? undefined : issuer + REGISTRATION_PATH;
}
