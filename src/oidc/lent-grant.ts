import type { TokenEndpointGrantContext } from 'oidc-provider';
import Provider from 'oidc-provider';

type Handler = (ctx: TokenEndpointGrantContext) => void | Promise<void>;
type Names = string | readonly string[] | ReadonlySet<string>;

const lent = new WeakMap<object, Handler>();

/**
 * The library registers its own grants by the method that others register theirs by. So the handler of one of them can
 * be kept, and lent to another grant that ends in the same kind of token: audience, permissions and the binding to a key
 * are then decided in one place for both.
 */
export class LendingProvider extends Provider {
  override registerGrantType<Params extends object = Record<string, unknown>>(
    name: string,
    handler: (ctx: TokenEndpointGrantContext<Params>) => void | Promise<void>,
    params?: Names,
    duplicates?: Names,
  ): void {
    if (name === 'client_credentials') lent.set(this, handler as Handler);
    super.registerGrantType(name, handler, params, duplicates);
  }
}

/** @throws where the library has another way by now, which every start would show */
export function clientCredentialsOf(provider: Provider): Handler {
  const handler = lent.get(provider);
  if (!handler) throw new Error('the library did not register client_credentials by registerGrantType');
  return handler;
}
