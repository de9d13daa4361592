import { constants, existsSync } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { type BytePath, bytePath, isInside, toBuffer } from './byte-path.ts';
import { shortageOf } from './shortage.ts';

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Linux tells through it what an open file is; elsewhere it is absent. */
const HAS_PROC = existsSync('/proc/self/fd');

export const STOPPED = 'the collection was stopped';

/** A file that is not collected, and why, in words for the client. */
export class LeftOut extends Error {}

/**
 * Open a file or directory that is under `root` (a real path) when it is open, whatever a process that
 * still runs does to the path meanwhile. Nothing is waited for: a FIFO opens at once, and a link is an
 * error. Where there is no /proc the path is resolved again after the open and must name the same file.
 * Throws LeftOut or the error of the file system.
 */
export async function openInside(
  root: BytePath,
  path: BytePath,
  type: 'file' | 'directory',
): Promise<FileHandle> {
  const handle = await open(toBuffer(path), type === 'directory' ? FLAGS | constants.O_DIRECTORY : FLAGS);
  try {
    if (!isInside(root, await realPathOf(handle, path))) throw new LeftOut('leads out of the directory');
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A path by which the open file is found again, whatever became of its name. Null without /proc. */
export function descriptorPath(handle: FileHandle): string | null {
  return HAS_PROC ? `/proc/self/fd/${handle.fd}` : null;
}

async function realPathOf(handle: FileHandle, path: BytePath): Promise<BytePath> {
  const descriptor = descriptorPath(handle);
  if (descriptor) return bytePath(await readlink(descriptor, { encoding: 'buffer' }));
  const real = await realpath(toBuffer(path), { encoding: 'buffer' });
  const [opened, named] = await Promise.all([handle.stat(), stat(real)]);
  if (opened.dev !== named.dev || opened.ino !== named.ino)
    throw new LeftOut('was replaced while it was read');
  return bytePath(real);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'vanished before it could be read',
  ENOTDIR: 'vanished before it could be read',
  EACCES: 'not readable: permission denied',
  EPERM: 'not readable: permission denied',
  ELOOP: 'became a symbolic link before it could be read',
  ENXIO: 'not a regular file',
  ENAMETOOLONG: 'the path is too long',
  ENOSPC: 'no space left to keep a copy',
  EDQUOT: 'no space left to keep a copy',
};

/** Why a file was left out, from the error that was met. */
export function reasonOf(error: unknown): string {
  if (error instanceof LeftOut) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof Error && error.name === 'AbortError') return STOPPED;
  return REASONS[code] ?? shortageOf(error)?.words ?? `could not be collected: ${code || String(error)}`;
}
