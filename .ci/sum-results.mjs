import { existsSync, readFileSync } from 'node:fs';

/**
 * Prints "N passed, N failed" over the JSON reports of several Jest runs. A file of tests that could not be run counts
 * as a failure; so does a skipped test, because CI skips nothing.
 */
const reports = process.argv.slice(2).filter((path) => existsSync(path));
let passed = 0;
let failed = 0;
for (const path of reports) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  const skipped = report.numPendingTests + report.numTodoTests;
  if (skipped > 0) console.log(`${skipped} tests were skipped`);
  passed += report.numPassedTests;
  failed += report.numFailedTests + report.numRuntimeErrorTestSuites + skipped;
}
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0) process.exitCode = 1;
