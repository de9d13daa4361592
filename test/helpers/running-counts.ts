import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * What is known so far of a run of the tests, after each file, where vitest writes its own results at the end:
 * a run that is broken off has counts too. In the same form, with `unfinished`.
 */
export class RunningCounts implements Reporter {
  readonly #file: string;
  readonly #begun = new Set<string>();
  readonly #counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
  readonly #testResults: { name: string; status: string; assertionResults: { status: string }[] }[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  onTestModuleStart(module: TestModule): void {
    this.#begun.add(module.relativeModuleId);
    this.#write();
  }

  onTestModuleEnd(module: TestModule): void {
    this.#begun.delete(module.relativeModuleId);
    const states = [...module.children.allTests()].map((test) => test.result().state);
    const count = (state: string): number => states.filter((each) => each === state).length;
    this.#counts.numPassedTests += count('passed');
    this.#counts.numFailedTests += count('failed');
    this.#counts.numPendingTests += count('skipped');
    if (module.state() === 'failed')
      this.#testResults.push({
        name: module.relativeModuleId,
        status: 'failed',
        assertionResults: states.map((status) => ({ status })),
      });
    this.#write();
  }

  #write(): void {
    const results = { ...this.#counts, testResults: this.#testResults, unfinished: [...this.#begun] };
    writeFileSync(this.#file, JSON.stringify(results));
  }
}
