import { type Config, parseConfig } from '../config/config.ts';
import { type Finding, note, ok, warning } from './finding.ts';

export function checkConfig(config: Config): Finding[] {
  const { issuer, loopback } = config;
  return [
    ok('configuration', 'is complete'),
    loopback
      ? note('issuer', `${issuer} is for this machine only: set ISSUER to an https address to let others in`)
      : ok('issuer', issuer),
    passwordCost(config),
  ];
}

function passwordCost({ password: { memory, passes } }: Config): Finding {
  const usual = parseConfig({}).password;
  const found = `argon2id with ${memory} KiB and ${passes} passes`;
  const isWeaker = memory < usual.memory || passes < usual.passes;
  return isWeaker
    ? warning('password hashes', `${found} is weaker than the default: unset ARGON2_MEMORY_KIB and ARGON2_PASSES`)
    : ok('password hashes', found);
}
