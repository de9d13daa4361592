import { expect, test } from 'vitest';
import { lastMoments } from '../../../src/command/stop-words.ts';

const leave = { leave: true, because: null, drainSeconds: 30 };
const cancel = { leave: false, because: null, drainSeconds: 30 };

test.each([
  [leave, 0, 0, 'stopping: nothing runs'],
  [cancel, 0, 0, 'stopping: nothing runs'],
  [
    leave,
    2,
    0,
    'stopping: 2 runs go on, for the next server on this data directory; RUNWIRE_ON_EXIT=cancel would end them',
  ],
  [
    leave,
    1,
    1,
    'stopping: 1 run goes on, for the next server on this data directory; 1 run may finish for 30 s, then what is left is cancelled; Ctrl-C or SIGTERM again cancels at once',
  ],
  [
    cancel,
    1,
    1,
    'stopping: 2 runs may finish for 30 s, then what is left is cancelled; Ctrl-C or SIGTERM again cancels at once',
  ],
  [{ ...cancel, drainSeconds: 0 }, 1, 0, 'stopping: 1 run cancelled'],
  [
    { ...cancel, drainSeconds: 0, because: 'this is process 1 of its container' },
    3,
    0,
    'stopping: 3 runs cancelled (this is process 1 of its container)',
  ],
])('%j with %i runs that outlive it and %i that do not', (ending, outliving, bound, words) => {
  expect(lastMoments(ending, { outliving, bound })).toBe(words);
});
