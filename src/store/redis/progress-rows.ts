import type { Milliseconds } from '../../lib/duration.ts';
import type { ProgressRows } from '../progress.ts';
import type { Redis } from './connection.ts';

export function redisProgressRows({ redis, prefix }: { redis: Redis; prefix: string }): ProgressRows {
  const keyOf = (idHash: string) => `${prefix}progress:${idHash}`;

  function advance(
    idHash: string,
    version: number,
    { sealed, expiresAt }: { sealed: Uint8Array; expiresAt: Milliseconds },
    now: Milliseconds,
  ): Promise<boolean> {
    const timeToLive = Math.max(1, expiresAt - now);
    return redis.run((client) => client.advance(keyOf(idHash), version, now, expiresAt, sealed, timeToLive));
  }

  return {
    async load(idHash, now) {
      const fields = await redis.run((client) => client.hmGet(keyOf(idHash), ['version', 'expires', 'sealed']));
      const [version, expires, sealed] = fields as (Buffer | null)[];
      if (!version || !sealed || Number(expires) <= now) return null;
      return { version: Number(version), sealed };
    },
    insert: (idHash, row, now) => advance(idHash, 0, row, now),
    update: advance,
  };
}
