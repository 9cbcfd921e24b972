// What the package offers: nothing else of it can be imported.
export type { ApiRequest } from './api-request.ts';
export type { Caller } from './caller.ts';
export type { Scheme } from './challenge.ts';
export { requireAcr, requireFreshAuth, requirePermission, requireRole } from './checks.ts';
export type { ClientCertificate } from './client-certificate.ts';
export type { DpopOptions } from './dpop-options.ts';
export { express, expressRefusals } from './express.ts';
export { fastify } from './fastify.ts';
export { fetchHandler } from './fetch-handler.ts';
export type { IntrospectionOptions } from './introspection-options.ts';
export { callerOf } from './known-callers.ts';
export { koa } from './koa.ts';
export type { ResourceServerOptions } from './options.ts';
export type { RefusalCode } from './problem.ts';
export { Refusal } from './refusal.ts';
export { createMemoryReplayStore, type ReplayStore } from './replay-store.ts';
export type { MetadataOptions, PublishedMetadata, ResourceMetadata } from './resource-metadata.ts';
export { createResourceServer, type ResourceServer } from './verifier.ts';
