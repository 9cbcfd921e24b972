import { networkInterfaces } from 'node:os';
import { type Config, parseConfig } from '../config/config.ts';
import { tooWide } from '../config/trusted-proxies.ts';
import { isPublicAddress } from '../lib/public-address.ts';
import { type Finding, note, ok, problem, warning } from './finding.ts';

const WILDCARDS = ['0.0.0.0', '::'];

export function checkConfig(config: Config): Finding[] {
  const { issuer, loopback } = config;
  return [
    ok('configuration', 'is complete'),
    loopback
      ? note('issuer', `${issuer} is for this machine only: set ISSUER to an https address to let others in`)
      : ok('issuer', issuer),
    passwordCost(config),
    ...trustedProxies(config),
    ...metrics(config),
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

function trustedProxies(config: Config): Finding[] {
  return tooWide(config.trustedProxies).map((entry) =>
    problem('proxy', `TRUSTED_PROXIES has ${entry}, so visitors choose their own address: list the proxies alone`),
  );
}

function metrics({ metrics: at, loopback }: Config): Finding[] {
  if (at === null)
    return loopback ? [] : [note('metrics', 'are shown nowhere: set METRICS_PORT to let a program read them')];
  const where = `${at.host}:${at.port}`;
  const addresses = WILDCARDS.includes(at.host)
    ? Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address))
    : [at.host];
  const exposed = addresses.find(isPublicAddress);
  if (exposed === undefined) return [ok('metrics', `are shown at ${where}`)];
  const advice = 'set METRICS_HOST to an address of an inner network, or close that port in the firewall';
  return [warning('metrics', `are shown at ${where} to everybody who reaches ${exposed}: ${advice}`)];
}
