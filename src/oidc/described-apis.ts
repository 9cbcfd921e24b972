import type { DescribeApi } from '../web/consent-items.ts';
import type { Registry } from './registry.ts';

/** What people are told of the APIs that applications ask for. */
export function describeApis(registry: Pick<Registry, 'api'>): DescribeApi {
  return async (audience) => {
    const api = await registry.api(audience);
    return api && { name: api.name, permissionTexts: api.settings.api.permissionTexts };
  };
}
