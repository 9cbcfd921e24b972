/** What an API expects of the tokens that it is called with. */
export interface ResourceServerOptions {
  /** The `iss` of every token, and where the keys are found. */
  issuer: string;
  /** This API's identifier (RFC 8707): what `aud` must contain. */
  audience: string;
}
