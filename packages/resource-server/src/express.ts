import { remember } from './known-callers.ts';
import { apiRequest, type NodeRequest } from './node-request.ts';
import { Refusal } from './refusal.ts';
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
  return async (req: ExpressRequest, res: ExpressResponse, next: Next): Promise<void> => {
    try {
      remember(req, await resourceServer.verify(apiRequest(req, req.originalUrl, req)));
    } catch (err) {
      return answer(err, res, next);
    }
    next();
  };
}

/** The error handler for refusals that are thrown in routes: use it behind them. Without it Express answers in HTML. */
export function expressRefusals() {
  return (err: unknown, _req: unknown, res: ExpressResponse, next: Next): void => answer(err, res, next);
}

function answer(err: unknown, res: ExpressResponse, next: Next): void {
  if (err instanceof Refusal && !res.headersSent) {
    res.set({ ...err.headers });
    res.status(err.status).json(err.body);
  } else next(err);
}
