// Prints "N passed, N failed, N skipped" of vitest's JSON results. A file that failed without a test that did (it could
// not be loaded, or what goes before its tests failed) is one failure, and so is a run that was broken off.
import { readFileSync } from 'node:fs';

const results = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const failedOtherwise = results.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
);
if (results.unfinished) console.log(`broken off in: ${results.unfinished.join(', ')}`);
const failed = results.numFailedTests + failedOtherwise.length + (results.unfinished ? 1 : 0);
const skipped = results.numPendingTests + results.numTodoTests;
console.log(`${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
