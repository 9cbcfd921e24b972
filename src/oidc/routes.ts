/** Where the library's endpoints are. Discovery tells clients, and nobody should write them down. */
export const ROUTES = {
  authorization: '/oauth2/authorize',
  token: '/oauth2/token',
  userinfo: '/oauth2/userinfo',
  introspection: '/oauth2/introspect',
  revocation: '/oauth2/revoke',
  pushed_authorization_request: '/oauth2/par',
  device_authorization: '/oauth2/device',
  /** People type it on another device: short, and at the top. The page there is ours (src/device-pages/). */
  code_verification: '/device',
  end_session: '/oauth2/logout',
  jwks: '/.well-known/jwks.json',
} as const;
