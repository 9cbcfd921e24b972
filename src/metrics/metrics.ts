import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../lib/clock.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { processMetrics } from './process-metrics.ts';

/** Others are as good as unlimited in number, and visitors choose them. */
const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'];
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const STORE_BUCKETS = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5];

export type Metrics = ReturnType<typeof createMetrics>;

/** Read from elsewhere at the moment somebody looks. */
export interface Gauges {
  passwordQueue: () => { running: number; waiting: number };
  /** Null where there is no pool. */
  databasePool: () => { total: number; idle: number; waiting: number } | null;
}

/** What this process counts, in a registry of its own: there may be several servers in one process. */
export function createMetrics({ version, gauges, clock }: { version: string; gauges: Gauges; clock: Clock }) {
  const registry = new Registry();
  const registers = [registry];
  const stopProcessMetrics = processMetrics(registry, clock);

  new Gauge({
    ...{ registers, name: 'gatewright_build_info', help: 'Always 1; the labels say what runs.' },
    labelNames: ['version', 'node'],
  }).set({ version, node: process.version }, 1);
  const requests = new Counter({
    ...{ registers, name: 'gatewright_http_requests_total', help: 'Requests answered, by pattern of their address.' },
    labelNames: ['method', 'route', 'status'],
  });
  const requestTime = new Histogram({
    ...{
      registers,
      name: 'gatewright_http_request_duration_seconds',
      help: 'From the request to the end of its answer.',
    },
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_BUCKETS,
  });
  const signIns = new Counter({
    ...{ registers, name: 'gatewright_sign_ins_total', help: 'Sign-ins by outcome, and the factor that decided it.' },
    labelNames: ['outcome', 'method'],
  });
  const tokens = new Counter({
    ...{ registers, name: 'gatewright_tokens_issued_total', help: 'Answers of the token endpoint with a token.' },
    labelNames: ['grant_type'],
  });
  const limits = new Counter({
    ...{ registers, name: 'gatewright_limits_hit_total', help: 'Tries that were told to wait, by what was counted.' },
    labelNames: ['kind'],
  });
  const uncounted = new Counter({
    ...{ registers, name: 'gatewright_requests_uncounted_total' },
    help: 'Requests that passed a limit uncounted, because the store of the counts was away.',
  });
  const givenUp = new Counter({
    ...{
      registers,
      name: 'gatewright_jobs_given_up_total',
      help: 'Mail, messages and clean-ups that are not tried again.',
    },
    labelNames: ['kind'],
  });
  const storeTime = new Histogram({
    ...{ registers, name: 'gatewright_store_duration_seconds', help: 'Reads and writes, by store and operation.' },
    labelNames: ['store', 'operation'],
    buckets: STORE_BUCKETS,
  });
  const storeErrors = new Counter({
    ...{ registers, name: 'gatewright_store_errors_total', help: 'Reads and writes that failed.' },
    labelNames: ['store', 'operation'],
  });
  new Gauge({
    ...{ registers, name: 'gatewright_password_hashes', help: 'argon2 hashes being computed, and waiting for it.' },
    labelNames: ['state'],
    collect() {
      const { running, waiting } = gauges.passwordQueue();
      this.set({ state: 'running' }, running);
      this.set({ state: 'waiting' }, waiting);
    },
  });
  new Gauge({
    ...{ registers, name: 'gatewright_database_connections', help: 'PostgreSQL: the pool, and who waits for it.' },
    labelNames: ['state'],
    collect() {
      const pool = gauges.databasePool();
      if (!pool) return;
      this.set({ state: 'busy' }, pool.total - pool.idle);
      this.set({ state: 'idle' }, pool.idle);
      this.set({ state: 'waiting' }, pool.waiting);
    },
  });

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    request(answered: { method: string; route: string; status: number; ms: Milliseconds; aborted?: true }): void {
      const labels = {
        method: METHODS.includes(answered.method) ? answered.method : 'other',
        route: answered.route === '(unknown)' ? 'unknown' : answered.route,
        status: answered.aborted ? 'aborted' : String(answered.status),
      };
      requests.inc(labels);
      requestTime.observe(labels, answered.ms / 1000);
    },
    signIn: (outcome: string, method: string) => signIns.inc({ outcome, method }),
    tokenIssued: (grantType: string) => tokens.inc({ grant_type: grantType }),
    limitHit: (kind: string) => limits.inc({ kind }),
    uncounted: () => uncounted.inc(),
    jobGivenUp: (kind: string) => givenUp.inc({ kind }),
    /** @returns what takes down one call each: how long it took, and whether it failed */
    storeOperation(store: string, operation: string): (ms: Milliseconds, failed: boolean) => void {
      const labels = { store, operation };
      return (ms, failed) => {
        storeTime.observe(labels, ms / 1000);
        if (failed) storeErrors.inc(labels);
      };
    },
    close: stopProcessMetrics,
  };
}
