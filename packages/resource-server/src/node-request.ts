import type { ApiRequest } from './api-request.ts';

/** What Koa, Express and Fastify have in common: Node's own request. */
export interface NodeRequest {
  method?: string | undefined;
  headers: Record<string, string | string[] | undefined>;
  /** Every value of a header: `headers` keeps the first Authorization and forgets the others. */
  headersDistinct?: Record<string, string[] | undefined>;
}

/** @param url as it came, before anything was mounted or rewritten */
export function apiRequest(node: NodeRequest, url: string, native: unknown): ApiRequest {
  return { method: node.method ?? '', url, headers: node.headersDistinct ?? node.headers, native };
}
