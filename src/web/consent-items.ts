import type { Translate } from './texts.ts';
import type { ConsentItem } from './view-parts.ts';

/** An API as people are told of it. */
export interface DescribedApi {
  name: string;
  /** What its permissions mean, in words of whoever runs it. */
  permissionTexts: Readonly<Record<string, string>>;
}

/** Null where no API goes by this audience (any more). */
export type DescribeApi = (audience: string) => Promise<DescribedApi | null>;

interface Asked {
  scopes: readonly string[];
  claims: readonly string[];
  resources: Readonly<Record<string, readonly string[]>>;
}

const WITH_DETAIL = ['openid', 'profile', 'offline_access'];
const WITH_TITLE = [...WITH_DETAIL, 'email', 'phone', 'address'];

/** What an application asks for, or may do, in plain words: each scope once, an API's with its name, then single claims. */
export async function consentItems(
  { scopes, claims, resources }: Asked,
  describe: DescribeApi,
  t: Translate,
): Promise<ConsentItem[]> {
  const named = (scope: string) => t('scope.other.title', { scope });
  const own = scopes.map((scope) => ({
    title: WITH_TITLE.includes(scope) ? t(`scope.${scope}.title`) : named(scope),
    detail: WITH_DETAIL.includes(scope) ? t(`scope.${scope}.detail`) : null,
  }));
  const ofApis: ConsentItem[] = [];
  for (const [audience, asked] of Object.entries(resources)) {
    const others = asked.filter((scope) => !scopes.includes(scope));
    if (others.length === 0) continue;
    const api = await describe(audience);
    const meaning = new Map(Object.entries(api?.permissionTexts ?? {}));
    ofApis.push(
      ...others.map((scope) => ({ title: meaning.get(scope) ?? named(scope), detail: api?.name ?? audience })),
    );
  }
  return [...own, ...ofApis, ...claims.map((claim) => ({ title: named(claim), detail: null }))];
}
