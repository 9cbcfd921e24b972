import { readFileSync } from 'node:fs';
import type { Seconds } from '../lib/duration.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Typed reads that collect problems instead of throwing at the first; `finish` throws them all. */
export function envReader(env: Env) {
  const problems: string[] = [];

  function check(ok: boolean, problem: string): void {
    if (!ok) problems.push(problem);
  }
  function given(name: string): string | null {
    const value = env[name]?.trim();
    return value ? value : null;
  }
  function text(name: string, fallback: string): string {
    return given(name) ?? fallback;
  }
  function optional(name: string): string | null {
    return given(name);
  }
  /** From the variable, or from the file that NAME_FILE names, as containers are given secrets. */
  function secret(name: string): string | null {
    const file = given(`${name}_FILE`);
    if (file === null) return given(name);
    check(given(name) === null, `${name} and ${name}_FILE are both set: keep one of them`);
    try {
      return readFileSync(file, 'utf8').trim() || null;
    } catch (err) {
      check(false, `${name}_FILE: ${file} cannot be read (${(err as NodeJS.ErrnoException).code})`);
      return null;
    }
  }
  function list(name: string): string[] {
    return (given(name) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean);
  }
  function int(name: string, fallback: number, { min, max }: { min: number; max: number }): number {
    const value = Number(given(name) ?? fallback);
    const ok = Number.isInteger(value) && value >= min && value <= max;
    check(ok, `${name} must be a whole number from ${min} to ${max}, not "${given(name)}"`);
    return ok ? value : fallback;
  }
  function seconds(name: string, fallback: Seconds, { min, max }: { min: Seconds; max: Seconds }): Seconds {
    return int(name, fallback, { min, max });
  }
  function oneOf<const T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = given(name) ?? fallback;
    const found = choices.find((choice) => choice === value);
    check(found !== undefined, `${name} must be one of ${choices.join(', ')}, not "${value}"`);
    return found ?? fallback;
  }
  function url(name: string, fallback: string): URL {
    const value = text(name, fallback);
    const parsed = URL.parse(value);
    check(parsed !== null, `${name} must be an absolute URL such as https://id.example.org, not "${value}"`);
    return parsed ?? new URL(fallback);
  }
  function finish(): void {
    if (problems.length > 0) throw new ConfigError(problems);
  }
  return { check, text, optional, secret, list, int, seconds, oneOf, url, finish };
}
