import { type PermissionsAt, type PermissionsAtApi, personalScopes } from './permissions.ts';
import type { Registry } from './registry.ts';

/** What a token was made for. */
export interface Issued {
  clientId: string;
  /** Undefined for a client that acts for itself. */
  accountId: string | undefined;
  audiences: string[];
  scope: string | undefined;
}

/** What of that holds. */
export interface Today {
  scope: string | undefined;
  /** Those at its API. */
  roles: string[];
}

/**
 * A token says what was so when it was made. Whoever asks us about it is told what of that still holds: permissions of a
 * role that was taken away, those that an API gave up and scopes that a client lost are not in the answer.
 */
export function createScopeToday({
  registry,
  permissionsAt,
  userinfoAudience,
}: {
  registry: Pick<Registry, 'client'>;
  permissionsAt: PermissionsAt;
  userinfoAudience: string;
}) {
  async function look(issued: Issued, isOpen: (at: PermissionsAtApi) => boolean): Promise<Today | null> {
    const { clientId, accountId, audiences, scope } = issued;
    const client = await registry.client(clientId);
    if (!client) return null;
    const apis = audiences.filter((audience) => audience !== userinfoAudience);
    const found = await Promise.all(apis.map((audience) => permissionsAt(audience, client, accountId)));
    const open = found.filter((at) => at !== null).filter(isOpen);
    if (apis.length > 0 && open.length === 0) return null;

    const allowed = [...personalScopes(client), ...open.flatMap(({ scopes }) => scopes)];
    const left = scope?.split(' ').filter((each) => allowed.includes(each));
    return { scope: left?.join(' ') || undefined, roles: open.flatMap(({ roles }) => roles) };
  }

  return {
    /** Null where the API that it is for is gone, disabled, or closed to its client. */
    ofAccessToken: (issued: Issued) => look(issued, () => true),
    /** Null as above, and where the API takes only what is bound to a proof, which a key by itself never is. */
    ofApiKey: (issued: Issued) => look(issued, ({ api }) => api.settings.api.senderConstrained === 'none'),
    /** Null where no API that it is for lets it be used any more. */
    ofRefreshToken: (issued: Issued) => look(issued, ({ api }) => api.settings.api.refresh),
  };
}

export type ScopeToday = ReturnType<typeof createScopeToday>;
