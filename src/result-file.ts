import { hash } from 'node:crypto';
import { lstat, mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { RuntimeResult } from './result.ts';

/**
 * Write a result where output_result_path says: JSON, indent 2, UTF-8, a newline at the end, mode 0644 less
 * the umask. Parents are made. Whoever reads the path sees the file as it was before or the
 * whole result, never a part. A link is followed to the file it names; but where `confined` names a directory and the path is
 * under it, none is that leads out of it: a run with fewer rights than the server could have made it. Anything but a
 * regular file is left alone.
 * Throws an Error whose message may be shown to the client: `output_result_path cannot be written: <path> (<why>)`.
 */
export async function writeResultFile(
  path: string,
  result: RuntimeResult,
  confined: string | null = null,
): Promise<void> {
  try {
    if (confined !== null) await checkStaysIn(resolve(confined), resolve(path));
    await mkdir(dirname(path), { recursive: true });
    const destination = await destinationOf(path);
    const unfinished = join(dirname(destination), unfinishedName(result));
    await rm(unfinished, { force: true });
    try {
      await writeFile(unfinished, `${JSON.stringify(result, null, 2)}\n`, { flag: 'wx', mode: 0o644 });
      await rename(unfinished, destination);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  } catch (error) {
    throw new Error(`output_result_path cannot be written: ${path} (${wordsOf(error)})`, { cause: error });
  }
}

/** The same whenever the run's result is written: what a crash left unfinished goes with the next try. */
function unfinishedName({ invocation_id }: RuntimeResult): string {
  return `.runwire-${hash('sha256', invocation_id).slice(0, 32)}.tmp`;
}

/** Throws when a path that is named as under a directory is not under it. Nothing may change the links meanwhile. */
async function checkStaysIn(directory: string, path: string): Promise<void> {
  if (!path.startsWith(`${directory}/`)) return;
  const root = await realpath(directory);
  for (let existing = path; existing !== directory; existing = dirname(existing)) {
    if (!(await unlessMissing(lstat(existing)))) continue;
    const real = await unlessMissing(realpath(existing));
    if (!real?.startsWith(`${root}/`)) throw new Error('a symbolic link leads out of the working directory');
    return;
  }
}

/** A rename over a device or a FIFO would replace it, for every program of the machine. */
async function destinationOf(path: string): Promise<string> {
  const named = await unlessMissing(lstat(path));
  if (!named) return path;
  const real = await unlessMissing(realpath(path));
  if (!real) throw new Error('a symbolic link leads nowhere');
  const stats = await lstat(real);
  if (stats.isDirectory()) throw new Error('it is a directory');
  if (!stats.isFile()) throw new Error('it is not a regular file');
  return real;
}

async function unlessMissing<T>(looked: Promise<T>): Promise<T | null> {
  return looked.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'no space left in the quota',
  ENOTDIR: 'a parent is not a directory',
  EEXIST: 'a parent is not a directory',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'a symbolic link leads to itself',
};

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : undefined;
  return code === undefined ? error.message : (WORDS[code] ?? code);
}
