import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach } from 'vitest';

/** Those of others that say nothing of our code. */
const KNOWN: readonly { code: string; reason: string }[] = [
  {
    code: 'UNDICI-ES',
    reason: 'EventSource of undici is an independent reader for tests, experimental or not',
  },
];

const unexpected: Error[] = [];

/** Of every file of tests: a warning of the process is a defect like any other, and fails the test in which it came. */
process.on('warning', (warning: Error & { code?: string }) => {
  if (!KNOWN.some(({ code }) => code === warning.code)) unexpected.push(warning);
});

async function check(): Promise<void> {
  await turn(); // they are told a turn late
  const found = unexpected.splice(0);
  if (found.length > 0)
    throw new Error(`the process warned:\n${found.map(({ stack, message }) => stack ?? message).join('\n')}`);
}

afterEach(check);
afterAll(check);
