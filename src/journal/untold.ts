import { closeSync, openSync, readSync } from 'node:fs';
import type { RunDirectory } from '../disk/run-directory.ts';
import { CHANNELS, type OfChannels } from '../documents/stream.ts';
import type { Capture } from './capture.ts';
import type { Recorded } from './earlier.ts';
import { cut } from './whole-write.ts';

const BLOCK_BYTES = 1024 * 1024;
const EMPTY = Buffer.alloc(0);

/** How a recorder tells. */
export interface Teller {
  /** Of the whole characters in `seen`, which begins where the last event ended; the rest is held. Throws what the storage says. */
  tellWhole(capture: Capture, seen: Buffer): void;
  /** Of what is not kept. */
  tellGap(capture: Capture): void;
  /** Count what the storage did not take. */
  drop(capture: Capture, length: number, error: unknown): void;
}

/** Tell of all that an earlier writer left untold: what it had captured, and then what is known to be lost after that. */
export function tellUntold(
  teller: Teller,
  directory: RunDirectory,
  recorded: Recorded,
  captures: Readonly<OfChannels<Capture>>,
): void {
  for (const channel of CHANNELS) {
    const capture = captures[channel];
    if (capture === undefined) continue;
    if (capture.told !== capture.kept) tellCaptured(teller, directory[channel], capture);
    for (const { length, reason } of recorded.captures[channel]?.lost ?? []) {
      if (capture.dropped === 0) capture.droppedFor = reason;
      capture.dropped += length;
      teller.tellGap(capture);
    }
  }
}

/** Little, unless the journal was damaged. */
function tellCaptured(teller: Teller, path: string, capture: Capture): void {
  const file = openSync(path, 'r');
  const block = Buffer.alloc(Math.min(BLOCK_BYTES, capture.kept - capture.told));
  let bytes = EMPTY;
  try {
    for (let at = capture.told; at < capture.kept; at += bytes.length) {
      bytes = Buffer.from(block.subarray(0, readSync(file, block, 0, block.length, at)));
      if (bytes.length === 0) throw new Error(`${capture.channel} is shorter than it was`);
      teller.tellWhole(capture, Buffer.concat([capture.held, bytes]));
    }
  } catch (error) {
    if (capture.told + capture.held.length + bytes.length === capture.kept) {
      // The next event begins with it, and the end says so when none can be written.
      capture.held = Buffer.concat([capture.held, bytes]);
      return;
    }
    const lost = capture.kept - capture.told;
    capture.kept = capture.told;
    capture.held = EMPTY;
    cut(path, capture.kept);
    teller.drop(capture, lost, error);
  } finally {
    closeSync(file);
  }
}
