// The main file of the thread that compares texts: LineThread starts it, and gives it one pair after the other.
import { parentPort } from 'node:worker_threads';
import { type TextPair, textDiff } from './text-diff.ts';

if (parentPort === null) throw new Error('this file is the main file of a thread');
const parent = parentPort;

// What is thrown ends the thread, and LineThread tells who waits.
parent.on('message', (pair: TextPair) => {
  const diff = textDiff(pair);
  parent.postMessage(diff, [diff.hunks.buffer]);
});
