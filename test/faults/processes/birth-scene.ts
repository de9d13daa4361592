import { openSync } from 'node:fs';
import { runDirectory } from '../../../src/disk/run-directory.ts';
import { Recorder } from '../../../src/journal/recorder.ts';
import type { Marks } from '../../../src/supervisor/find/marks.ts';
import { Setup } from '../../../src/supervisor/setup.ts';
import { posixSpawner } from '../../../src/supervisor/spawn/posix-spawner.ts';
import type { StartedProgram } from '../../../src/supervisor/spawn/spawner.ts';

/** Two runs, one of which is born while processes of the other are looked for; prints what was found, as JSON. */
const directory = runDirectory(process.argv[2] ?? '', 'one');
const spawner = posixSpawner();
const nothing = openSync('/dev/null', 'r');

function start(mark: bigint): StartedProgram {
  const child = spawner.spawn({
    ...{ program: '/bin/sleep', argv: ['sleep', '60'], environment: [] },
    ...{ workingDirectory: '/', stdin: nothing, mark },
  });
  if (child instanceof Promise) throw new Error('this spawner starts at once');
  return child;
}

const other: Marks = { run: 'other', leader: null, leaderGoneAt: performance.now(), mark: 2n ** 51n + 1n };
spawner.finder.begin(other);

const born = start(2n ** 51n + 2n);
const taken: number[] = [];
await spawner.finder.each(other, new Map(), ({ pid }) => taken.push(pid));

const recorder = new Recorder({ directory, firstSeq: 1, maxOutputBytes: 100, setup: true });
const setup = new Setup({
  ...{ run: 'one', spawner, recorder, began: () => {}, active: () => {} },
  start: () => start(2n ** 51n + 3n),
});
const ended = setup.run([['sleep']]);
// Nobody else has had a turn yet.
const { leader } = setup.marks;
setup.stop(0);
await ended;
born.signalGroup(9);
console.log(JSON.stringify({ taken, known: leader !== null, signals: setup.signals }));
process.exit();
