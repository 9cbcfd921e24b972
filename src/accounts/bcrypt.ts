import { Worker } from 'node:worker_threads';

/**
 * In a thread of its own, since it is JavaScript and takes up to a second in which nobody else would be served. One for
 * each: an account needs it once, and then has another hash.
 */
export function bcryptMatches(hash: string, password: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const worker = new Worker(new URL('./bcrypt-thread.ts', import.meta.url), {
    ...{ workerData: { hash, password }, env: {}, execArgv: [] },
  });
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => reject(new Error('the thread ended without an answer')));
  return promise;
}
