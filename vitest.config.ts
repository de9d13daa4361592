import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/helpers/longest-first.ts';
import { RunningCounts } from './test/helpers/running-counts.ts';
import { SkipReporter } from './test/helpers/skip-reporter.ts';

/** Where the counts are written as JSON, for .ci/run. */
const results = process.env.RUNWIRE_TEST_RESULTS;

/** A part of the tests that can be run by itself: `npm run test:<name>`. */
const part = (name: string, include: string[], exclude: string[] = []) => ({
  test: {
    name,
    include,
    setupFiles: ['test/helpers/fail-on-warnings.ts'],
    exclude,
    allowOnly: false,
    // Wide bounds that show a hang; no test asserts a time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    expect: { poll: { timeout: 20_000 } },
  },
});

export default defineConfig({
  test: {
    globalSetup: ['test/helpers/compiled-once.ts'],
    projects: [
      part('core', ['test/**/*.test.ts'], ['test/runners/**', 'test/faults/**']),
      part('kinds', ['test/runners/**/*.test.ts']),
      part('faults', ['test/faults/**/*.test.ts']),
    ],
    // Tests wait for processes for a part of their time.
    maxWorkers: Math.min(8, 2 * availableParallelism()),
    sequence: { sequencer: LongestFirst },
    // EventSource of undici is an independent reader for tests: its warning says nothing of our code.
    execArgv: ['--disable-warning=UNDICI-ES'],
    passWithNoTests: false,
    reporters: [
      'default',
      new SkipReporter(),
      ...(results === undefined
        ? []
        : [
            new RunningCounts(results),
            ['json', { outputFile: results }] as ['json', { outputFile: string }],
          ]),
    ],
  },
});
