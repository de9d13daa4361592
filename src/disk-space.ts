import { randomBytes } from 'node:crypto';
import { accessSync, constants, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failureText } from './shortage.ts';

const FRESH_MS = 1000;
/** With less, records and journals cannot be written, whatever the configuration says. */
const LEAST_BYTES = 1024 * 1024;
const LEAST_FILES = 16;
/** What the record of a deletion may need before the files of the run give room back. */
const RESERVE_BYTES = 512 * 1024;

/** Whether the data directory takes more, and the room that is held back for deletions. */
export interface DiskSpace {
  /** Why nothing new is accepted, in words, or null. Asks the system at most once a second. */
  shortage(): string | null;
  /** A write failed: nothing new is accepted until the system was asked again. */
  failed(words: string): void;
  /** Give the room that is held back to others. It is held back again when there is enough. */
  spendReserve(): void;
}

/** `minimum`: bytes that must be free. */
export function diskSpace(directory: string, minimum: number): DiskSpace {
  const reserve = join(directory, 'reserve');
  let askedAt = Number.NEGATIVE_INFINITY;
  let found: string | null = null;
  let reserved = false;

  const ask = (): string | null => {
    try {
      accessSync(directory, constants.W_OK);
      const { bavail, bsize, files, ffree } = statfsSync(directory);
      if (bavail * bsize < Math.max(minimum, LEAST_BYTES)) return 'there is not enough disk space';
      if (files > 0 && ffree < LEAST_FILES) return 'the disk of the server has no room for more files';
      return null;
    } catch (error) {
      return `the data directory cannot be used: ${failureText(error)}`;
    }
  };
  /** Not of zeros: some file systems keep those for nothing. */
  const hold = (): void => {
    try {
      writeFileSync(reserve, randomBytes(RESERVE_BYTES), { mode: 0o600, flag: 'wx' });
      reserved = true;
    } catch (error) {
      reserved = (error as NodeJS.ErrnoException).code === 'EEXIST';
      if (!reserved) rmSync(reserve, { force: true });
    }
  };
  return {
    shortage() {
      const now = performance.now();
      if (now - askedAt < FRESH_MS) return found;
      found = ask();
      askedAt = now;
      if (found === null && !reserved) hold();
      return found;
    },
    failed(words) {
      found = words;
      askedAt = performance.now();
    },
    spendReserve() {
      rmSync(reserve, { force: true });
      reserved = false;
    },
  };
}
