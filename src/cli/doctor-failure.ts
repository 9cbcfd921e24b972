import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { OperatorProblem } from '../lib/errors.ts';
import { sentenceOf } from './failure.ts';
import { type Finding, problem } from './finding.ts';

/** Longer than any single wait within a check. */
const PATIENCE: Seconds = 15;

/** One check, whatever becomes of it: what it throws or does not end by is a finding too, and disturbs no other. */
export async function bounded(
  name: string,
  check: () => Finding[] | Promise<Finding[]>,
  patience: Milliseconds = toMilliseconds(PATIENCE),
): Promise<Finding[]> {
  const { promise, resolve } = Promise.withResolvers<Finding[]>();
  const timer = setTimeout(
    () => resolve([problem(name, `is not known after ${patience / 1000} s: see that what it depends on answers`)]),
    patience,
  );
  try {
    return await Promise.race([promise, check()]);
  } catch (err) {
    return [problem(name, sentenceAbout(err, 'see the log of what it depends on'))];
  } finally {
    clearTimeout(timer);
  }
}

/** @param advice for what has no sentence of its own */
export function sentenceAbout(err: unknown, advice: string): string {
  if (err instanceof OperatorProblem) return sentenceOf(err);
  return `cannot be used (${err instanceof Error ? err.message.split('\n')[0] : err}): ${advice}`;
}
