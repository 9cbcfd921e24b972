import type Router from '@koa/router';
import { type DeviceRoutesDeps, deviceRoutes } from './device-pages/routes.ts';
import type { Keyring } from './lib/keyring.ts';
import { createDeviceCodes } from './oidc/device-codes.ts';
import { createDevices, type DevicesDeps } from './oidc/devices.ts';

type Deps = Omit<DeviceRoutesDeps, 'devices' | 'https'> & Omit<DevicesDeps, 'deviceCodes'> & { keyring: Keyring };

/** The pages on which people sign in for another device, put together. */
export function devicePages(deps: Deps): Router {
  const devices = createDevices({ ...deps, deviceCodes: createDeviceCodes(deps) });
  return deviceRoutes({ ...deps, devices, https: deps.issuer.startsWith('https:') });
}
