import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, type FileHandle, open, rm, stat, truncate } from 'node:fs/promises';
import { descriptorPath, LeftOut } from './open-inside.ts';

const BLOCK_BYTES = 256 * 1024;
const CLONE_FROM_BYTES = 1024 * 1024;
const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;

/** The bytes that were kept: `sizeBytes` of them, with this hash (hex). */
export interface Copied {
  sizeBytes: number;
  sha256: string;
}

/**
 * Keep the first `limit` bytes of an open file, or all of it when it has fewer by now. Shares the blocks
 * with the original where the file system can (FICLONE). Size and hash are those of the copy, also when
 * the file is being written meanwhile. What was at `destination` loses that name and stays as it is; after an error
 * nothing is left there.
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
    const copy = await openNew(destination);
    return await pump(source, limit, copy, signal).finally(() => copy.close());
  } catch (error) {
    await rm(destination, { force: true });
    throw error;
  }
}

/**
 * The same for bytes as they come; a buffer is good until the next is asked for. Throws LeftOut with the words of `room` where they
 * are more than it has.
 */
export async function keepBytes(
  source: AsyncIterable<Buffer>,
  room: { bytes: number; words: string },
  destination: string,
  signal?: AbortSignal,
): Promise<Copied> {
  const copy = await openNew(destination);
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const bytes of source) {
      signal?.throwIfAborted();
      if (sizeBytes + bytes.length > room.bytes) throw new LeftOut(room.words);
      hash.update(bytes);
      for (let done = 0; done < bytes.length; )
        done += (await copy.write(bytes, done, bytes.length - done, sizeBytes + done)).bytesWritten;
      sizeBytes += bytes.length;
    }
    return { sizeBytes, sha256: hash.digest('hex') };
  } catch (error) {
    await rm(destination, { force: true });
    throw error;
  } finally {
    await copy.close();
  }
}

/** True when `destination` shares the file's blocks; false when that cannot be had here. */
async function clone(source: FileHandle, limit: number, destination: string): Promise<boolean> {
  const path = descriptorPath(source);
  if (!path) return false;
  try {
    await rm(destination, { force: true });
    await copyFile(path, destination, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
  } catch {
    return false;
  }
  await chmod(destination, 0o600);
  if ((await stat(destination)).size > limit) await truncate(destination, limit);
  return true;
}

/** An older copy may have been made another name of something that must not be written over. */
async function openNew(destination: string): Promise<FileHandle> {
  try {
    return await open(destination, CREATE, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await rm(destination);
    return open(destination, CREATE, 0o600);
  }
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
