import { accessSync, constants, existsSync, lstatSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type DirectoryLock, lockDirectory } from '../platform/directory-lock.ts';
import { codeOf, messageOf } from '../platform/error-words.ts';
import { makeDirectory } from '../platform/make-directory.ts';
import { noteDefaults } from './made-with.ts';

/** SQLite opens files whose path, links resolved, has at most 504 bytes; the rest is the name of the database. */
const LONGEST_PATH = 504 - '/runwire.db'.length;

/**
 * Make what every run of a data directory relies on: the places of runs and workspaces, the one empty capture,
 * and of a new one its defaults.
 * Throws an Error with one clear line where it cannot be used.
 */
export function prepareDataDirectory(dataDir: string): void {
  try {
    for (const name of ['runs', 'discarded', 'workspaces']) makeDirectory(join(dataDir, name), 0o700);
    for (const name of ['', 'runs', 'discarded', 'workspaces'])
      accessSync(join(dataDir, name), constants.W_OK | constants.X_OK);
    const empty = join(dataDir, 'empty');
    if (!existsSync(empty)) writeFileSync(empty, '', { mode: 0o400 });
    noteDefaults(dataDir);
  } catch (error) {
    throw new Error(`the data directory ${dataDir} cannot be used: ${whyNot(dataDir, error)}`, {
      cause: error,
    });
  }
  const bytes = Buffer.byteLength(realpathSync(dataDir));
  if (bytes > LONGEST_PATH)
    throw new Error(
      `the path of the data directory is too long: ${bytes} bytes, and at most ${LONGEST_PATH} can be used`,
    );
}

/** Opens what lies in a data directory. What it throws says, beside what is wrong, what can be done about it. */
export function inDataDirectory<Opened>(open: () => Opened): Opened {
  try {
    return open();
  } catch (error) {
    throw new Error(`${messageOf(error)}: choose another with --data-dir or RUNWIRE_DATA_DIR`, {
      cause: error,
    });
  }
}

/** As long as SQLite waits for who has the database: a server that stops has it a little longer. */
const PATIENCE_MS = 2000;

/**
 * From here on no other server of this machine opens the data directory. Beside the lock of the database, which a hard link to it is
 * enough to lose: the link is opened to see what it is, and closed. Throws an Error with one clear line.
 */
export async function holdDataDirectory(dataDir: string): Promise<DirectoryLock> {
  const lock = await lockDirectory(dataDir, PATIENCE_MS);
  return inDataDirectory(() => {
    if (lock === null) throw new Error(`${join(dataDir, 'runwire.db')} is in use by another Runwire`);
    return lock;
  });
}

/** What in a data directory other users may get at, in words; one that was made by Runwire is closed to them. */
export function openToOthers(dataDir: string): string | null {
  if (modeOf(dataDir) === 0) return null;
  const open = PRIVATE.filter((name) => modeOf(join(dataDir, name)) !== 0);
  const files = open.length === 0 ? '' : `, and so are ${open.join(', ')} in it`;
  return `the data directory ${dataDir} is open to other users of this machine${files}: chmod -R go= it`;
}

const PRIVATE = ['runwire.db', 'callback.key', 'supervisor.key', 'runs', 'workspaces', 'contents', 'assets'];

/** What group and others may do; nothing to what is not there. */
function modeOf(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077;
}

/** mkdir says ENOENT of a place that is read-only, or where a link leads nowhere: what is there already is asked. */
function whyNot(dataDir: string, error: unknown): string {
  let existing = dataDir;
  while (!existsSync(existing) && existing !== dirname(existing)) {
    if (isLink(existing)) return `${existing} is a link that leads nowhere`;
    existing = dirname(existing);
  }
  try {
    accessSync(existing, constants.W_OK);
  } catch (denied) {
    error = denied;
  }
  const code = codeOf(error);
  if (code === 'ENOTDIR' || code === 'EEXIST') return `${existing} is not a directory`;
  if (code === 'EACCES' || code === 'EPERM') return `permission denied${ownerOf(pathOf(error) ?? existing)}`;
  return WORDS[code ?? ''] ?? messageOf(error);
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false; // nothing is there, or nothing that may be looked at
  }
}

/** The path that the system was asked for. */
function pathOf(error: unknown): string | null {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : null;
}

/** Whose it is, where it is another's. */
function ownerOf(path: string): string {
  let owner: number;
  try {
    owner = statSync(path).uid;
  } catch {
    return ''; // it may not even be looked at
  }
  const user = process.geteuid?.();
  return owner === user ? '' : `, ${path} is of user ${owner} and the server runs as user ${user}`;
}

const WORDS: Readonly<Record<string, string>> = {
  EROFS: 'its file system is read-only',
  ENOENT: 'its file system makes no directories there',
  ENOSPC: 'its disk is full',
  EDQUOT: 'its disk quota is used up',
  ENAMETOOLONG: 'its path, or a name in it, is too long for its file system',
};
