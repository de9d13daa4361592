import { accessSync, constants, existsSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, messageOf } from '../platform/error-words.ts';
import { makeDirectory } from '../platform/make-directory.ts';
import { noteDefaults } from './made-with.ts';

/** SQLite opens files whose path, links resolved, has at most 504 bytes; the rest is the name of the database. */
const LONGEST_PATH = 504 - '/runwire.db'.length;

/**
 * Make what every run of a data directory relies on: the place of the run directories, the one empty capture,
 * and of a new one its defaults.
 * Throws an Error with one clear line where it cannot be used.
 */
export function prepareDataDirectory(dataDir: string): void {
  try {
    for (const name of ['runs', 'discarded']) makeDirectory(join(dataDir, name), 0o700);
    accessSync(dataDir, constants.W_OK);
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

/** What in a data directory other users may get at, in words; one that was made by Runwire is closed to them. */
export function openToOthers(dataDir: string): string | null {
  if (modeOf(dataDir) === 0) return null;
  const open = PRIVATE.filter((name) => modeOf(join(dataDir, name)) !== 0);
  const files = open.length === 0 ? '' : `, and so are ${open.join(', ')} in it`;
  return `the data directory ${dataDir} is open to other users of this machine${files}: chmod -R go= it`;
}

const PRIVATE = ['runwire.db', 'callback.key', 'supervisor.key', 'runs'];

/** What group and others may do; nothing to what is not there. */
function modeOf(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077;
}

/** mkdir says ENOENT of a place that is read-only: what is there already is asked. */
function whyNot(dataDir: string, error: unknown): string {
  let existing = dataDir;
  while (!existsSync(existing) && existing !== dirname(existing)) existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK);
  } catch (denied) {
    error = denied;
  }
  const code = codeOf(error);
  if (code === 'ENOTDIR' || code === 'EEXIST') return `${existing} is not a directory`;
  return WORDS[code ?? ''] ?? messageOf(error);
}

const WORDS: Readonly<Record<string, string>> = {
  EROFS: 'its file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'its file system makes no directories there',
  ENOSPC: 'its disk is full',
  EDQUOT: 'its disk quota is used up',
};
