import { requireAsymmetric } from './algorithms.ts';
import { createDpopNonces, type DpopNonces } from './dpop-nonces.ts';
import { createMemoryReplayStore, type ReplayStore } from './replay-store.ts';

/** Tokens that are bound to a key of the client (RFC 9449). */
export interface DpopOptions {
  /** What proofs may be signed with, asymmetric only: ES256, EdDSA and Ed25519 unless you say otherwise. */
  algorithms?: readonly string[];
  /** Seconds for which a proof is good: 60 unless you say otherwise, at most 300. */
  maxAge?: number;
  /** Where used proofs are remembered: in this process unless you say otherwise. Several instances must share one. */
  replays?: ReplayStore;
  /** Demands that proofs contain a nonce made with this secret, which all instances share: 32 random characters or more. */
  nonceSecret?: string;
}

export interface DpopSettings {
  algorithms: string[];
  maxAge: number;
  clockTolerance: number;
  publicUrl: URL;
  replays: ReplayStore;
  nonces: DpopNonces | null;
}

interface Surroundings {
  audience: string;
  publicUrl: URL | null;
  clockTolerance: number;
}

const MOST_AGE = 300;

/** @throws {TypeError} naming the option that is wrong. */
export function readDpopOptions(
  { algorithms = ['ES256', 'EdDSA', 'Ed25519'], maxAge = 60, replays, nonceSecret }: DpopOptions,
  { audience, publicUrl, clockTolerance }: Surroundings,
): DpopSettings {
  if (!publicUrl)
    throw new TypeError('publicUrl must say where this API is called, since dpop compares it with each proof');
  if (!(maxAge > 0 && maxAge <= MOST_AGE)) throw new TypeError(`dpop.maxAge must be 1 to ${MOST_AGE} seconds`);
  return {
    ...{ maxAge, clockTolerance, publicUrl },
    algorithms: requireAsymmetric('dpop.algorithms', algorithms),
    replays: replays ?? createMemoryReplayStore(),
    nonces: nonceSecret === undefined ? null : createDpopNonces(nonceSecret, audience),
  };
}
