import { existsSync, readdirSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import process from 'node:process';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Clock } from '../lib/clock.ts';
import type { Milliseconds } from '../lib/duration.ts';

const RESOLUTION: Milliseconds = 20;
const NANOSECONDS = 1e9;
/** Linux alone. */
const DESCRIPTORS = '/proc/self/fd';

/**
 * The process itself, under the names that dashboards for Node.js know. prom-client's own set cannot be stopped again:
 * each would go on measuring for as long as the process lives.
 * @returns what stops it
 */
export function processMetrics(registry: Registry, clock: Clock): () => void {
  const registers = [registry];
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  delay.enable();

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      ...{ registers, name, help },
      collect() {
        this.set(read());
      },
    });
  }

  new Counter({
    ...{ registers, name: 'process_cpu_seconds_total', help: 'User and system time.' },
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const startedAt = clock() / 1000 - process.uptime();
  gauge('process_start_time_seconds', 'Since the epoch.', () => startedAt);
  gauge('process_resident_memory_bytes', 'Memory in use.', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', () => process.memoryUsage().heapUsed);
  gauge('nodejs_heap_size_total_bytes', 'JavaScript heap.', () => process.memoryUsage().heapTotal);
  if (existsSync(DESCRIPTORS)) {
    gauge('process_open_fds', 'Open files and sockets.', () => readdirSync(DESCRIPTORS).length);
  }
  gauge('nodejs_eventloop_utilization', 'Part of the time since the start that was not idle.', () => {
    return performance.eventLoopUtilization().utilization;
  });
  gauge('nodejs_eventloop_lag_p50_seconds', 'Since it was last read.', () => delay.percentile(50) / NANOSECONDS);
  gauge('nodejs_eventloop_lag_p99_seconds', 'Since it was last read.', () => delay.percentile(99) / NANOSECONDS);
  // The last of the three to be read, so that each look begins anew.
  gauge('nodejs_eventloop_lag_max_seconds', 'Since it was last read.', () => {
    const { max } = delay;
    delay.reset();
    return max / NANOSECONDS;
  });
  return () => void delay.disable();
}
