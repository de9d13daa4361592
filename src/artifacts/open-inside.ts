import { constants, existsSync, type Stats } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { PRIVATE, type PrivateView } from '../disk/private-view.ts';
import { type BytePath, bytePath, toBuffer } from '../platform/byte-path.ts';
import { codeOf } from '../platform/error-words.ts';
import { isInside } from '../platform/inside.ts';
import { shortageOf } from '../platform/shortage.ts';
import type { Mount } from './mount.ts';

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Linux tells through it what an open file is; elsewhere it is absent. */
export const HAS_PROC = existsSync('/proc/self/fd');

export const STOPPED = 'the collection was stopped';

/** Where collected files may be: under `root` (a real path), and not among what is the server's own. */
export interface Bounds {
  root: BytePath;
  places: PrivateView;
  /** By which links under it are read. Null: they are this machine's. */
  mounts: readonly Mount[] | null;
}

/** A file or directory, open. */
export interface OpenFile {
  handle: FileHandle;
  stats: Stats;
}

/** A file that is not collected, and why, in words for the client. */
export class LeftOut extends Error {}

/**
 * Open a file or directory that is within bounds when it is open, whatever a process that
 * still runs does to the path meanwhile. Nothing is waited for: a FIFO opens at once, and a link is an
 * error. Where there is no /proc the path is resolved again after the open and must name the same file.
 * `reached`: the directories on the way were opened before it, one after the other.
 * Throws LeftOut or the error of the file system.
 */
export async function openInside(
  { root, places }: Bounds,
  path: BytePath,
  type: 'file' | 'directory',
  reached = true,
): Promise<OpenFile> {
  const handle = await open(toBuffer(path), type === 'directory' ? FLAGS | constants.O_DIRECTORY : FLAGS);
  try {
    const [real, stats] = await Promise.all([realPathOf(handle, path), handle.stat()]);
    if (!isInside(root, real)) throw new LeftOut('leads out of the directory');
    if (places.holdsOpen(real, stats, handle.fd) || ((!reached || real !== path) && places.holds(real)))
      throw new LeftOut(PRIVATE);
    return { handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A path by which the open file is found again, whatever became of its name. Null without /proc. */
export function descriptorPath(handle: FileHandle): string | null {
  return HAS_PROC ? `/proc/self/fd/${handle.fd}` : null;
}

/** Where an open file is now. Throws LeftOut when that cannot be told. */
export async function realPathOf(handle: FileHandle, path: BytePath): Promise<BytePath> {
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
  const code = codeOf(error) ?? '';
  if (error instanceof Error && error.name === 'AbortError') return STOPPED;
  return REASONS[code] ?? shortageOf(error)?.words ?? `could not be collected: ${code || String(error)}`;
}
