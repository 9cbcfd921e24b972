import process from 'node:process';
import { parseConfig } from '../src/config/config.ts';
import { ConfigError } from '../src/config/env.ts';
import { OperatorProblem } from '../src/lib/errors.ts';
import { createLog } from '../src/lib/log.ts';
import { type Demo, startDemo } from './demo/start.ts';
import { codeLine, welcome } from './demo/welcome.ts';

/** sysexits.h EX_CONFIG */
const EXIT_CONFIG = 78;

try {
  const { env } = process;
  const config = parseConfig({
    DATA_DIR: 'data/demo',
    KEYS_DIR: `${env['DATA_DIR'] ?? 'data/demo'}/keys`,
    LOG_LEVEL: 'warn',
    ISSUER: `http://localhost:${env['PORT'] ?? 3000}`,
    ...env,
  });
  const demo = await startDemo({ config, log: createLog(config.logLevel), ports: portsFrom(env) });
  process.stdout.write(welcome(demo, { interactive: process.stdin.isTTY }));
  untilStopped(demo);
} catch (err) {
  if (!(err instanceof OperatorProblem || err instanceof ConfigError)) throw err;
  process.stderr.write(`demo: ${err.message}\n`);
  process.exitCode = err instanceof ConfigError ? EXIT_CONFIG : 1;
}

/** What the examples' own programs call PORT: here three of them start together. */
function portsFrom(env: NodeJS.ProcessEnv) {
  const port = (name: string, fallback: number): number => {
    const value = Number(env[name] ?? fallback);
    if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
    throw new ConfigError([`${name} must be a whole number, 1 to 65535`]);
  };
  return {
    webApp: port('WEB_APP_PORT', 4001),
    singlePageApp: port('SINGLE_PAGE_APP_PORT', 4002),
    microservice: port('MICROSERVICE_PORT', 4003),
  };
}

function untilStopped(demo: Demo): void {
  if (process.stdin.isTTY) process.stdin.on('data', () => process.stdout.write(`${codeLine(demo)}\n`));

  const stop = () => {
    process.stdin.destroy();
    demo.close().catch((err: unknown) => {
      process.stderr.write(`demo: stopping failed: ${String(err)}\n`);
      process.exitCode = 1;
    });
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}
