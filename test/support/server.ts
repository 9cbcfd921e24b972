import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Config, parseConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/lib/log.ts';
import { type Server, startServer } from '../../src/server.ts';
import { type EngineName, newPlace } from './databases.ts';
import { freePort } from './free-port.ts';
import { startRoundRobin } from './round-robin.ts';
import { createSeed, type Site } from './seed.ts';

export { type AddAccount, type AddClient, PASSWORD, type TestClient } from './seed.ts';

/** The least that the configuration allows, since tests hash often. */
export const CHEAP = { ARGON2_MEMORY_KIB: '7168', ARGON2_PASSES: '1' };

export interface TestServer extends Omit<Server, 'stop' | 'metricsUrl'>, Site {
  config: Config;
  folder: string;
  /** Every line that was logged. */
  logged: string[];
  /** All of them, this one first. With more than one, the issuer leads to each in turn. */
  instances: Server[];
  /** How many requests the load balancer gave to each. */
  served: number[];
  /** Lets the server's own clock run ahead (the library's stays, and so do tokens' times). */
  passTime(milliseconds: number): void;
  /** Stops and starts again on the same folder and port. */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface TestServerOptions {
  engine?: EngineName;
  /** Servers that share one place behind a load balancer which gives each request to the next of them. */
  instances?: number;
}

/** A whole server on a free port of this machine, with folders and a database of its own, on the engine of this run. */
export async function startTestServer(
  env: Record<string, string> = {},
  { engine, instances: count = 1 }: TestServerOptions = {},
): Promise<TestServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-server-'));
  const place = await newPlace(engine);
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const proxy = count > 1 ? await startRoundRobin(ports) : null;
  const issuer = `${env['TLS_CERT_FILE'] ? 'https' : 'http'}://localhost:${proxy?.port ?? ports[0]}`;
  const config = parseConfig({
    ...{ ISSUER: issuer, DATA_DIR: path.join(folder, 'data'), KEYS_DIR: path.join(folder, 'keys') },
    ...(proxy && { TRUSTED_PROXIES: '127.0.0.1' }),
    ...CHEAP,
    ...place.env,
    ...env,
  });
  const logged: string[] = [];
  const log = createLog('debug', { write: (line: string) => void logged.push(line) });
  let ahead = 0;
  const clock = () => Date.now() + ahead;

  async function startAll(): Promise<Server[]> {
    const started: Server[] = [];
    for (const port of ports) {
      started.push(await startServer({ ...config, listen: { ...config.listen, port } }, { log, clock }));
    }
    return started;
  }
  let instances = await startAll();
  const first = () => instances[0] as Server;
  const closeAll = async () => void (await Promise.all(instances.map((instance) => instance.close())));

  return {
    issuer,
    config,
    folder,
    logged,
    ...createSeed(config, () => first().app.stores),
    url: first().url,
    mutualTlsUrl: first().mutualTlsUrl,
    served: proxy?.served ?? [],
    get instances() {
      return instances;
    },
    get app() {
      return first().app;
    },
    passTime(milliseconds) {
      ahead += milliseconds;
    },
    async restart() {
      await closeAll();
      instances = await startAll();
    },
    close: closeAll,
    async [Symbol.asyncDispose]() {
      await closeAll();
      await proxy?.close();
      await place.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
