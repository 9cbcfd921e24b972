import { type Answer, admit, answerTo } from './admission.ts';
import { remember } from './known-callers.ts';
import { apiRequest, type NodeRequest } from './node-request.ts';
import type { ResourceServer } from './verifier.ts';

interface ExpressRequest extends NodeRequest {
  originalUrl: string;
}

interface ExpressResponse {
  headersSent: boolean;
  set(headers: Record<string, string>): unknown;
  status(status: number): { json(body: unknown): unknown };
}

type Next = (err?: unknown) => void;

/** Express middleware: whatever stands behind it is reached with a good token only, and asks `callerOf(req)` who calls. */
export function express(resourceServer: ResourceServer) {
  return (req: ExpressRequest, res: ExpressResponse, next: Next): void => {
    // A rejected promise is nothing to Express 4.
    admit(resourceServer, apiRequest(req, req.originalUrl, req))
      .then((admission) => {
        if ('answer' in admission) return send(res, admission.answer);
        remember(req, admission.caller);
        res.set(admission.headers);
        next();
      })
      .catch(next);
  };
}

/** The error handler for refusals that are thrown in routes: use it behind them. Without it Express answers in HTML. */
export function expressRefusals() {
  return (err: unknown, _req: unknown, res: ExpressResponse, next: Next): void => {
    const answer = res.headersSent ? null : answerTo(err);
    if (answer) send(res, answer);
    else next(err);
  };
}

function send(res: ExpressResponse, { status, headers, body }: Answer): void {
  res.set(headers);
  res.status(status).json(body);
}
