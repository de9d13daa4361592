import { defineConfig } from 'vitest/config';
import { SkipReporter } from './test/helpers/skip-reporter.ts';

/** Where the counts are written as JSON, for .ci/run. */
const results = process.env.RUNWIRE_TEST_RESULTS;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [],
    allowOnly: false,
    // Most tests wait for processes and not for a processor.
    maxWorkers: 2,
    passWithNoTests: false,
    // Wide bounds that show a hang; no test asserts a time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    expect: { poll: { timeout: 20_000 } },
    reporters: [
      'default',
      new SkipReporter(),
      ...(results === undefined
        ? []
        : [['json', { outputFile: results }] as ['json', { outputFile: string }]]),
    ],
  },
});
