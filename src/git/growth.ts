import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { RunwireError } from '../documents/errors.ts';
import { type BytePath, bytePath, joinBytes, toBuffer } from '../platform/byte-path.ts';
import { codeOf } from '../platform/error-words.ts';
import { nap } from '../platform/timer.ts';

export interface TreeCaps {
  /** Of all files together. */
  bytes: number;
  /** Files and directories. */
  files: number;
}

const PAUSE_MS = 200;
/** At most a sixth of the time is spent on looking. */
const PAUSE_PER_LOOK = 5;

/** Throws RunwireError workspace_full for what is more than may come. */
export function checkSize(size: TreeCaps, caps: TreeCaps): void {
  if (size.bytes > caps.bytes) throw tooManyBytes(caps);
  if (size.files > caps.files)
    throw new RunwireError(
      'workspace_full',
      `the repository is too large: more than ${caps.files} files (RUNWIRE_MAX_UPLOAD_FILES)`,
    );
}

export function tooManyBytes({ bytes }: TreeCaps): RunwireError {
  return new RunwireError('workspace_full', `the repository is too large: more than ${bytes} bytes`);
}

/** What a directory holds by now; no link is followed. Throws RunwireError workspace_full at the first that is too much. */
export async function sizeOf(root: string, caps: TreeCaps, signal?: AbortSignal): Promise<TreeCaps> {
  const size = { bytes: 0, files: 0 };
  const directories = [bytePath(root)];
  for (let at = directories.pop(); at !== undefined; at = directories.pop())
    for await (const entry of entriesOf(at)) {
      if (signal?.aborted) return size;
      const path = joinBytes(at, bytePath(entry.name));
      size.files++;
      if (entry.isDirectory()) directories.push(path);
      else size.bytes += await bytesOf(path);
      checkSize(size, caps);
    }
  return size;
}

/** Looks again and again until `signal` aborts; calls `tooMuch`, once, when it is. */
export async function watchGrowth(
  root: string,
  caps: TreeCaps,
  signal: AbortSignal,
  tooMuch: (error: unknown) => void,
): Promise<void> {
  for (let pause = PAUSE_MS; !signal.aborted; ) {
    await nap(pause, signal);
    const began = performance.now();
    try {
      await sizeOf(root, caps, signal);
    } catch (error) {
      return tooMuch(error);
    }
    pause = Math.max(PAUSE_MS, PAUSE_PER_LOOK * (performance.now() - began));
  }
}

/** Nothing where it has gone meanwhile. */
async function* entriesOf(directory: BytePath): AsyncGenerator<Dirent<Buffer>> {
  try {
    // Not declared: encoding 'buffer' makes the names Buffers, as it does for readdir.
    const options = { encoding: 'buffer' as BufferEncoding, bufferSize: 256 };
    yield* (await opendir(toBuffer(directory), options)) as unknown as AsyncIterable<Dirent<Buffer>>;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

async function bytesOf(path: BytePath): Promise<number> {
  try {
    return (await lstat(toBuffer(path))).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
