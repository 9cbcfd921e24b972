import { existsSync } from 'node:fs';
import process from 'node:process';
import { type Config, parseConfig } from './config/config.ts';
import { ConfigError, type Env } from './config/env.ts';
import { tooWide } from './config/trusted-proxies.ts';
import { type Seconds, toMilliseconds } from './lib/duration.ts';
import { OperatorProblem } from './lib/errors.ts';
import { createLog, type Logger } from './lib/log.ts';
import type { Server } from './server.ts';

/** sysexits.h EX_CONFIG: starting again changes nothing before somebody mends the configuration. */
const EXIT_CONFIG = 78;
/** What a stop may take beyond its own limits before it is cut off from outside of it. */
const GRACE: Seconds = 1;

/** Runs the server until SIGINT or SIGTERM. A start that fails says why in one sentence and sets the exit status. */
export async function serve(env: Env): Promise<void> {
  let config: Config;
  try {
    config = parseConfig(env);
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err;
    process.stderr.write(`gatewright: ${err.message}\n`);
    process.exitCode = EXIT_CONFIG;
    return;
  }

  const log = createLog(config.logLevel);
  for (const entry of tooWide(config.trustedProxies)) {
    log.warn({ entry }, 'TRUSTED_PROXIES is so wide that visitors choose their own address: list the proxies alone');
  }
  try {
    await run(config, log);
  } catch (err) {
    if (!(err instanceof OperatorProblem)) throw err;
    process.stderr.write(`gatewright: ${err.message}\n`);
    process.exitCode = 1;
  }
}

async function run(config: Config, log: Logger): Promise<void> {
  const { startServer } = await import('./server.ts');
  const { offerSetup } = await import('./setup/offer.ts');

  const server = await startServer(config, { log });
  endOnCrash(log);
  stopOnSignal(server, config, log);
  const { url: listening, metricsUrl: metrics, mutualTlsUrl: mutualTls } = server;
  const also = { ...(metrics && { metrics }), ...(mutualTls && { mutualTls }) };
  log.info({ issuer: config.issuer, listening, ...also }, 'Gatewright is ready');
  await offerSetup({
    ...{ config, log, stores: server.app.stores },
    terminal: process.stdout.isTTY ? process.stdout : null,
  });
}

/** Nobody knows what state the process is in: whoever started it starts it again. */
function endOnCrash(log: Logger): void {
  const end = (err: unknown) => {
    log.fatal({ err }, 'ended by a mistake of its own');
    process.exit(1);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}

function stopOnSignal(server: Server, { stop: times }: Config, log: Logger): void {
  let stopping = false;

  const end = async (signal: string) => {
    if (stopping) {
      log.warn({ signal }, 'told again to stop: ended at once');
      process.exit(1);
    }
    stopping = true;
    log.info({ signal }, 'stopping');
    const cut = () => {
      log.error({ timeout: times.timeout }, 'stopping took too long: what was not finished was cut off');
      process.exit(1);
    };
    setTimeout(cut, toMilliseconds(times.delay + times.timeout + GRACE)).unref();
    if (!(await server.stop(times))) cut();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}

if (import.meta.main) {
  if (existsSync('.env')) process.loadEnvFile('.env');
  await serve(process.env);
}
