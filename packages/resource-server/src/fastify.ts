import { admit } from './admission.ts';
import { remember } from './known-callers.ts';
import { apiRequest, type NodeRequest } from './node-request.ts';
import type { ResourceServer } from './verifier.ts';

interface FastifyRequest {
  raw: NodeRequest;
  originalUrl: string;
}

interface FastifyReply {
  headers(headers: Record<string, string>): FastifyReply;
  code(status: number): FastifyReply;
  send(body: unknown): FastifyReply;
}

/**
 * Fastify hook, for `addHook('onRequest', …)` on the server or on the plugin whose routes want a token. They ask
 * `callerOf(request)` who calls. Refusals thrown in routes are answered by Fastify itself.
 */
export function fastify(resourceServer: ResourceServer) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const admission = await admit(resourceServer, apiRequest(request.raw, request.originalUrl, request));
    if ('answer' in admission) {
      const { status, headers, body } = admission.answer;
      return reply.code(status).headers(headers).send(body);
    }
    remember(request, admission.caller);
    reply.headers(admission.headers);
    return undefined;
  };
}
