import type { Reporter, TestModule } from 'vitest/node';

/**
 * Prints every skipped test's reason at the end, so that a green run says what it did not look at.
 * With CI set, a skip without a reason fails the run.
 */
export class SkipReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const counts = new Map<string, number>();
    let unexplained = 0;
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const reason = (result.state === 'skipped' ? result.note : undefined) ?? test.meta().absent;
        if (reason === undefined) unexplained++;
        const suite = test.parent.type === 'suite' ? test.parent.fullName : test.name;
        const line = `${module.relativeModuleId} > ${suite}: ${reason ?? 'no reason given'}`;
        counts.set(line, (counts.get(line) ?? 0) + 1);
      }
    }
    if (counts.size === 0) return;
    console.log('\nSkipped:');
    for (const [line, count] of counts) console.log(`  ${count} in ${line}`);
    if (unexplained > 0 && process.env.CI) {
      console.error(`${unexplained} skipped without a reason: this fails the run`);
      process.exitCode = 1;
    }
  }
}
