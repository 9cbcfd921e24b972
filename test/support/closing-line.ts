import process from 'node:process';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with one line of counts. In CI a test that did not run is a failure: there, everything that tests need is
 * installed.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      if (!module.ok() && [...module.children.allTests()].length === 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === 'pending' ? 'skipped' : state] += 1;
      }
    }
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
    if (process.env['CI'] && counts.skipped > 0) {
      process.stdout.write('a test was skipped, which CI does not allow\n');
      process.exitCode = 1;
    }
  }
}
