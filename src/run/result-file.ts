import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { descriptorPath, HAS_PROC, realPathOf } from '../artifacts/open-inside.ts';
import { nearestReal } from '../disk/private-places.ts';
import type { PrivateView } from '../disk/private-view.ts';
import type { RuntimeResult } from '../documents/result.ts';
import { bytePath } from '../platform/byte-path.ts';
import { codeOf, messageOf } from '../platform/error-words.ts';
import { isInside } from '../platform/inside.ts';
import { LeadsOut, makeDirectory, makeDirectoryIn } from '../platform/make-directory.ts';

/**
 * Write a result where output_result_path says: JSON, indent 2, UTF-8, a newline at the end, mode 0644 less
 * the umask. Parents are made. Whoever reads the path sees the file as it was before or the
 * whole result, never a part. A link is followed to the file it names; but where `confined` names a directory and the path is
 * under it, none is that leads out of it: a run with fewer rights than the server could have made it. Anything but a
 * regular file is left alone, and so is what is private to the server, whatever becomes of the path meanwhile.
 * Throws an Error whose message may be shown to the client: `output_result_path cannot be written: <path> (<why>)`.
 */
export async function writeResultFile(
  path: string,
  result: RuntimeResult,
  { confined = null, places }: { confined?: string | null; places: PrivateView },
): Promise<void> {
  try {
    const isIn = confined !== null && resolve(path).startsWith(`${resolve(confined)}/`);
    const within = isIn ? await realpath(confined) : null;
    if (isIn) await checkStaysIn(resolve(confined), resolve(path));
    if (places.holds(nearestReal(path))) throw new Error(PRIVATE);
    if (isIn) makeDirectoryIn(confined, dirname(path));
    else makeDirectory(dirname(path));
    const destination = await destinationOf(path, places);
    await inDirectory(dirname(destination), { places, within }, async (directory) => {
      const unfinished = join(directory, unfinishedName(result));
      await rm(unfinished, { force: true });
      try {
        await writeFile(unfinished, `${JSON.stringify(result, null, 2)}\n`, { flag: 'wx', mode: 0o644 });
        await rename(unfinished, join(directory, basename(destination)));
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
    });
  } catch (error) {
    throw new Error(`output_result_path cannot be written: ${path} (${wordsOf(error)})`, { cause: error });
  }
}

const PRIVATE = 'it leads to the data of the server';

/** Opens no more than the name: a directory need not be readable to be written to. */
const O_PATH = 0o10000000;

/** Hand over a path by which a directory stays the one that was looked at, where the system has such paths. */
async function inDirectory(
  path: string,
  { places, within }: { places: PrivateView; within: string | null },
  use: (directory: string) => Promise<void>,
): Promise<void> {
  const handle = await open(path, constants.O_DIRECTORY | (HAS_PROC ? O_PATH : constants.O_RDONLY));
  try {
    const real = await realPathOf(handle, bytePath(path));
    if (within !== null && !isInside(bytePath(within), real)) throw new LeadsOut();
    if (places.holds(real)) throw new Error(PRIVATE);
    await use(descriptorPath(handle) ?? path);
  } finally {
    await handle.close();
  }
}

/** The same whenever the run's result is written: what a crash left unfinished goes with the next try. */
function unfinishedName({ invocation_id }: RuntimeResult): string {
  return `.runwire-${hash('sha256', invocation_id).slice(0, 32)}.tmp`;
}

/** Throws when a path that is named as under a directory is not under it. Here nothing may change the links meanwhile. */
async function checkStaysIn(directory: string, path: string): Promise<void> {
  const root = await realpath(directory);
  for (let existing = path; existing !== directory; existing = dirname(existing)) {
    if (!(await unlessMissing(lstat(existing)))) continue;
    const real = await unlessMissing(realpath(existing));
    if (!real?.startsWith(`${root}/`)) throw new LeadsOut();
    return;
  }
}

/** A rename over a device or a FIFO would replace it, for every program of the machine. */
async function destinationOf(path: string, places: PrivateView): Promise<string> {
  const named = await unlessMissing(lstat(path));
  if (!named) return path;
  const real = await unlessMissing(realpath(path));
  if (!real) throw new Error('a symbolic link leads nowhere');
  const stats = await lstat(real);
  if (stats.isDirectory()) throw new Error('it is a directory');
  if (!stats.isFile()) throw new Error('it is not a regular file');
  if (places.holdsFile(stats, bytePath(real))) throw new Error(PRIVATE);
  return real;
}

async function unlessMissing<T>(looked: Promise<T>): Promise<T | null> {
  return looked.catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
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
  const code = codeOf(error);
  return code === undefined ? messageOf(error) : (WORDS[code] ?? code);
}
