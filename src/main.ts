import { existsSync } from 'node:fs';
import process from 'node:process';
import { type Config, parseConfig } from './config/config.ts';
import { ConfigError, type Env } from './config/env.ts';
import { OperatorProblem } from './lib/errors.ts';
import { createLog, type Logger } from './lib/log.ts';

/** sysexits.h EX_CONFIG: starting again changes nothing before somebody mends the configuration. */
const EXIT_CONFIG = 78;

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
  log.info({ issuer: config.issuer, listening: server.url }, 'Gatewright is ready');
  await offerSetup({
    ...{ config, log, stores: server.app.stores },
    terminal: process.stdout.isTTY ? process.stdout : null,
  });

  const stop = (signal: string) => {
    log.info({ signal }, 'stopping');
    server.close().catch((err: unknown) => log.error({ err }, 'stopping failed'));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

if (import.meta.main) {
  if (existsSync('.env')) process.loadEnvFile('.env');
  await serve(process.env);
}
