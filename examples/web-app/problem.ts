/** Something a person using this application should read; anything else that goes wrong is logged and shown as nothing. */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, description: string, options?: ErrorOptions) {
    super(description, options);
    this.status = status;
    this.code = code;
  }
}
