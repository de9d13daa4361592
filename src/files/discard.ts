import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { codeOf } from '../platform/error-words.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** Of Linux: the descriptor stands for the place, whatever may be done there. */
const O_PATH = 0o10000000;
/** After so long others have their turn. */
const TURN_MS = 5;
/** A program that is still in a directory may put something in as often as it is emptied. */
const MOST_ROUNDS = 1000;

/**
 * Deletes what was moved to `path`, while a program may still be in it and swap what it has for links: nothing is
 * followed, for each directory is moved to `beside` before it is emptied, and reached by its own descriptor. Trees of any depth
 * take one descriptor. What a program goes on putting in is left to who sweeps `beside`.
 */
export async function discard(path: string, beside: string): Promise<void> {
  const waiting = [path];
  let since = performance.now();
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop())
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const emptying = emptied(at, beside, waiting);
      let step = emptying.next();
      for (; !step.done; step = emptying.next()) {
        if (performance.now() - since < TURN_MS) continue;
        await turn();
        since = performance.now();
      }
      if (step.value) break;
    }
}

/** Renames, also a directory that its owner may not write to. */
export function moveOut(from: string | Buffer, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isDenied(error) || !openUp(from)) throw error;
    renameSync(from, to);
  }
}

/** Deletes it, or empties it and says false. Stops behind each name. */
function* emptied(at: string, beside: string, waiting: string[]): Generator<undefined, boolean> {
  const fd = openDirectory(at);
  if (fd === null) {
    unlinkSync(at);
    return true;
  }
  try {
    if ((fstatSync(fd).mode & 0o700) !== 0o700) fchmodSync(fd, 0o700);
    const below = Buffer.from(`/proc/self/fd/${fd}/`);
    for (const name of readdirSync(below, { encoding: 'buffer' })) {
      yield;
      const place = Buffer.concat([below, name]);
      if (isUnlinked(place)) continue;
      const moved = join(beside, randomUUID());
      if (isMoved(place, moved)) waiting.push(moved);
    }
  } finally {
    closeSync(fd);
  }
  try {
    rmdirSync(at);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOTEMPTY') throw error;
    return false;
  }
}

/** False: it has just gone. */
function isMoved(from: Buffer, to: string): boolean {
  try {
    moveOut(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** A directory, open. Null: it is none. */
function openDirectory(at: string): number | null {
  try {
    return openSync(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOTDIR' || code === 'ELOOP') return null;
    if (!isDenied(error) || !openUp(at)) throw error;
    return openSync(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }
}

/** False: it is a directory. */
function isUnlinked(place: Buffer): boolean {
  try {
    unlinkSync(place);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return true;
    if (code === 'EISDIR') return false;
    throw error;
  }
}

const isDenied = (error: unknown): boolean => ['EACCES', 'EPERM'].includes(codeOf(error) ?? '');

/** Gives the owner all rights to a directory; no link is followed. False: it is none, or not ours. */
function openUp(place: string | Buffer): boolean {
  try {
    const fd = openSync(place, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    try {
      chmodSync(`/proc/self/fd/${fd}`, 0o700);
      return true;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}
