import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, type FileHandle, open, rm, stat, truncate } from 'node:fs/promises';
import { descriptorPath } from './artifact-open.ts';

const BLOCK_BYTES = 256 * 1024;
const CLONE_FROM_BYTES = 1024 * 1024;
const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** The bytes that were kept: `sizeBytes` of them, with this hash (hex). */
export interface Copied {
  sizeBytes: number;
  sha256: string;
}

/**
 * Keep the first `limit` bytes of an open file, or all of it when it has fewer by now. Shares the blocks
 * with the original where the file system can (FICLONE). Size and hash are those of the copy, also when
 * the file is being written meanwhile. After an error nothing is left at `destination`.
 */
export async function keepCopy(
  source: FileHandle,
  limit: number,
  destination: string,
  signal?: AbortSignal,
): Promise<Copied> {
  try {
    if (limit >= CLONE_FROM_BYTES && (await clone(source, limit, destination))) {
      const copy = await open(destination, constants.O_RDONLY | constants.O_NOFOLLOW);
      return await pump(copy, limit, null, signal).finally(() => copy.close());
    }
    const copy = await open(destination, CREATE, 0o600);
    return await pump(source, limit, copy, signal).finally(() => copy.close());
  } catch (error) {
    await rm(destination, { force: true });
    throw error;
  }
}

/** True when `destination` shares the file's blocks; false when that cannot be had here. */
async function clone(source: FileHandle, limit: number, destination: string): Promise<boolean> {
  const path = descriptorPath(source);
  if (!path) return false;
  try {
    await copyFile(path, destination, constants.COPYFILE_FICLONE_FORCE);
  } catch {
    return false;
  }
  await chmod(destination, 0o600);
  if ((await stat(destination)).size > limit) await truncate(destination, limit);
  return true;
}

async function pump(
  source: FileHandle,
  limit: number,
  sink: FileHandle | null,
  signal: AbortSignal | undefined,
): Promise<Copied> {
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, limit));
  let sizeBytes = 0;
  while (sizeBytes < limit) {
    signal?.throwIfAborted();
    const want = Math.min(block.length, limit - sizeBytes);
    const { bytesRead } = await source.read(block, 0, want, sizeBytes);
    if (bytesRead === 0) break;
    hash.update(block.subarray(0, bytesRead));
    for (let done = 0; sink && done < bytesRead; )
      done += (await sink.write(block, done, bytesRead - done, sizeBytes + done)).bytesWritten;
    sizeBytes += bytesRead;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
