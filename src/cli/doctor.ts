import type { Command } from 'commander';
import { type Config, parseConfig } from '../config/config.ts';
import { ConfigError } from '../config/env.ts';
import { action, type Cli } from './command.ts';
import { checkCertificates } from './doctor-certificates.ts';
import { checkConfig } from './doctor-config.ts';
import { bounded } from './doctor-failure.ts';
import { checkFolder } from './doctor-folders.ts';
import { checkInstallation } from './doctor-installation.ts';
import { checkMail } from './doctor-mail.ts';
import { checkPostgresql } from './doctor-postgresql.ts';
import { checkProxy } from './doctor-proxy.ts';
import { checkRedis } from './doctor-redis.ts';
import { checkServer } from './doctor-server.ts';
import { checkTls } from './doctor-tls.ts';
import { Failure } from './failure.ts';
import { type Finding, problem } from './finding.ts';
import { table } from './layout.ts';

export function doctor(cli: Cli): Command {
  return action('doctor', 'check this installation; changes nothing, exits with 1 where there is a problem').action(
    async () => {
      const findings = await examine(cli);
      const problems = findings.filter(({ status }) => status === 'problem').length;
      cli.out.result(text(findings), { ok: problems === 0, checks: findings });
      if (problems > 0) throw new Failure(problems === 1 ? 'there is a problem' : `there are ${problems} problems`);
    },
  );
}

async function examine({ env, clock }: Cli): Promise<Finding[]> {
  let config: Config;
  try {
    config = parseConfig(env);
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err;
    return err.problems.map((each) => problem('configuration', each));
  }
  const { folders } = config;
  const found = await Promise.all([
    bounded('configuration', () => checkConfig(config)),
    bounded('data folder', () => checkFolder('data folder', 'DATA_DIR', folders.data)),
    bounded('keys folder', () => checkFolder('keys folder', 'KEYS_DIR', folders.keys)),
    bounded('installation', () => checkInstallation(config, clock)),
    bounded('postgresql', () => checkPostgresql(config, clock)),
    bounded('redis', () => checkRedis(config, clock)),
    bounded('mail', () => checkMail(config)),
    bounded('server', () => checkServer(config, clock)),
    bounded('tls files', () => checkCertificates(config, clock)),
    bounded('tls', () => checkTls(config, clock)),
    bounded('proxy', () => checkProxy(config, clock)),
  ]);
  return found.flat();
}

function text(findings: Finding[]): string {
  const rows = findings.map(({ status, check, message }) => [status, check, message]);
  // Advice is not cut, however narrow the terminal.
  return table({ headings: ['STATUS', 'CHECK', 'FINDING'], rows, width: null });
}
