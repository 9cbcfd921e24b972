import { setTimeout as wait } from 'node:timers/promises';
import type { ArtifactKind } from '../../src/oidc/artifact-store.ts';
import type { TestServer } from './server.ts';

const LONG_ENOUGH = 50;

/**
 * Every look at what is to be spent takes a while, so that of requests that arrive together all have looked before the
 * first one spends it. @returns what ends this
 */
export function slowLooks(server: TestServer, kind: ArtifactKind): () => void {
  const { artifacts } = server.app.stores;
  const { get } = artifacts;
  artifacts.get = async (wanted, id) => {
    const found = await get(wanted, id);
    if (wanted === kind) await wait(LONG_ENOUGH);
    return found;
  };
  return () => {
    artifacts.get = get;
  };
}
