import { expect, test } from 'vitest';
import { lastMoments } from '../../../src/command/stop-words.ts';

const leave = { leave: true, because: null, drainSeconds: 30 };
const cancel = { leave: false, because: null, drainSeconds: 30 };

test.each([
  [leave, [0, 0, 0], 'stopping: nothing runs'],
  [cancel, [0, 0, 0], 'stopping: nothing runs'],
  [
    leave,
    [2, 0, 0],
    'stopping: 2 runs go on, for the next server on this data directory; RUNWIRE_ON_EXIT=cancel would end them; nothing is waited for',
  ],
  [
    leave,
    [1, 1, 0],
    'stopping: 1 run goes on, for the next server on this data directory; 1 run may finish for 30 s, then what is left is cancelled; Ctrl-C or SIGTERM again cancels at once',
  ],
  [
    cancel,
    [0, 2, 3],
    'stopping: 3 runs that wait are left to the next server; 2 runs may finish for 30 s, then what is left is cancelled; Ctrl-C or SIGTERM again cancels at once',
  ],
  // Those that others do.
  [
    cancel,
    [1, 0, 1],
    'stopping: 1 run goes on, for the next server on this data directory; 1 run that waits is left to the next server; nothing is waited for',
  ],
  [
    { ...cancel, drainSeconds: 0 },
    [0, 1, 0],
    'stopping: 1 run cancelled; Ctrl-C or SIGTERM again leaves no grace',
  ],
  [
    { ...cancel, drainSeconds: 0, because: 'this is process 1 of its container' },
    [0, 3, 0],
    'stopping: 3 runs cancelled (this is process 1 of its container); Ctrl-C or SIGTERM again leaves no grace',
  ],
] as const)('%j with %j runs that are left, end and wait', (ending, [left, end, waiting], words) => {
  expect(lastMoments(ending, { left, ending: end, waiting })).toBe(words);
});
