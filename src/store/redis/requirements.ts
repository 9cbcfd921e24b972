import { OperatorProblem } from '../../lib/errors.ts';

const OLDEST: [major: number, minor: number] = [6, 2];

/**
 * @param info the answer of INFO
 * @throws {OperatorProblem} where what is kept there could be dropped, or not be written
 */
export function checkRequirements(info: string, name: string): void {
  const facts = new Map(info.split(/\r?\n/).map((line) => line.split(':', 2) as [string, string | undefined]));
  const refuse = (problem: string) => {
    throw new OperatorProblem(`The Redis ${name} ${problem}.`);
  };

  const version = facts.get('redis_version') ?? 'of an unknown version';
  if (isOlder(version)) refuse(`is ${version}; use Redis ${OLDEST.join('.')} or newer, or Valkey`);
  if (facts.get('cluster_enabled') === '1') refuse('is a cluster; set REDIS_URL to a single Redis with its replicas');
  if (facts.get('role') === 'slave') refuse('is a replica; set REDIS_URL to the primary server');
  // Any other policy drops sign-ins under way, and does so silently, when other data takes the memory.
  const policy = facts.get('maxmemory_policy');
  if (policy !== 'noeviction') {
    refuse(
      `has the maxmemory-policy ${policy ?? '(not shown by INFO)'}; set it to noeviction (CONFIG SET, and its file)`,
    );
  }
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return !(major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]));
}
