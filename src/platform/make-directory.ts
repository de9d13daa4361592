import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { bytePath } from './byte-path.ts';
import { codeOf } from './error-words.ts';
import { isInside } from './inside.ts';

/** A path that is named as in a directory leads out of it. */
export class LeadsOut extends Error {
  constructor() {
    super('a symbolic link leads out of the working directory');
  }
}

/**
 * Make a directory and those above it, as far as they are not there. Throws what mkdir says of the first that cannot be
 * made. For paths that others give: Node's own `recursive` never returns where a file system makes no directories and
 * says ENOENT of it, as /proc does.
 */
export function makeDirectory(path: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let at = path; !made(at, mode); at = dirname(at)) missing.push(at);
  for (const at of missing.reverse()) if (!made(at, mode)) throw gone(at);
}

/** Of Linux: it asks for no permission, and opens nothing. */
const PLACE = 0o10000000 | constants.O_DIRECTORY;

/**
 * The same below a directory that is there: links on the way that stay in it are followed, none that leads out is, whatever
 * a program does to the path meanwhile. Throws LeadsOut.
 */
export function makeDirectoryIn(root: string, path: string): void {
  if (!existsSync('/proc/self/fd')) return makeDirectory(path); // only Linux names what is open
  const missing: string[] = [];
  let at = path;
  let fd = openedOrNull(at, PLACE);
  for (; fd === null; fd = openedOrNull(at, PLACE)) {
    if (at === dirname(at)) throw gone(path);
    missing.push(basename(at));
    at = dirname(at);
  }
  try {
    const real = bytePath(readlinkSync(`/proc/self/fd/${fd}`, 'buffer'));
    if (!isInside(bytePath(realpathSync.native(root, 'buffer')), real)) throw new LeadsOut();
    for (const name of missing.reverse()) {
      const below = `/proc/self/fd/${fd}/${name}`;
      made(below, 0o777);
      const next = openSync(below, PLACE | constants.O_NOFOLLOW);
      closeSync(fd);
      fd = next;
    }
  } finally {
    closeSync(fd);
  }
}

function openedOrNull(path: string, flags: number): number | null {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** False where the directory above is not there. */
function made(path: string, mode: number): boolean {
  try {
    mkdirSync(path, mode);
    return true;
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return true;
    if (codeOf(error) !== 'ENOENT' || path === dirname(path) || existsSync(dirname(path))) throw error;
    return false;
  }
}

function gone(path: string): Error {
  return new Error(`${dirname(path)} was removed meanwhile`);
}
