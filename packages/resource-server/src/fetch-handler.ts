import { type Answer, admit, answerTo } from './admission.ts';
import type { Caller } from './caller.ts';
import type { ResourceServer } from './verifier.ts';

type Handler = (request: Request, caller: Caller) => Response | Promise<Response>;

/** For servers that take a `Request` and give a `Response`: the handler is called with a good token only. */
export function fetchHandler(resourceServer: ResourceServer, handler: Handler) {
  return async (request: Request): Promise<Response> => {
    const { method, url, headers } = request;
    const admission = await admit(resourceServer, { method, url, headers, native: request });
    if ('answer' in admission) return toResponse(admission.answer);
    try {
      const response = await handler(request, admission.caller);
      return withHeaders(response, admission.headers);
    } catch (err) {
      const answer = answerTo(err);
      if (!answer) throw err;
      return toResponse(answer);
    }
  };
}

function toResponse({ status, headers, body }: Answer): Response {
  return Response.json(body, { status, headers });
}

/** A copy where something is added: the headers of a response that was fetched cannot be changed. */
function withHeaders(response: Response, added: Record<string, string>): Response {
  if (Object.keys(added).length === 0) return response;
  const copy = new Response(response.body, response);
  for (const [name, value] of Object.entries(added)) copy.headers.set(name, value);
  return copy;
}
