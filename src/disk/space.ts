import { randomBytes } from 'node:crypto';
import { accessSync, constants, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunwireError } from '../documents/errors.ts';
import { codeOf } from '../platform/error-words.ts';
import { storageText } from '../platform/shortage.ts';

const FRESH_MS = 1000;
/** With less, records and journals cannot be written, whatever the configuration says. */
const LEAST_BYTES = 1024 * 1024;
const LEAST_FILES = 16;
/** What deletions may need before the files of the runs give room back. */
const RESERVE_BYTES = 512 * 1024;

/** Whether the data directory takes more, and the room that is held back for deletions. */
export interface DiskSpace {
  /** Why nothing new is accepted, in words, or null. Asks the system at most once a second. */
  shortage(): string | null;
  /** A write failed: nothing new is accepted until one was tried that does not. */
  failed(error: Error): void;
  /** Give the room that is held back to others. It is held back again when there is enough. */
  spendReserve(): void;
}

/** Of the file system of a directory, bytes. Null where it cannot be asked. */
export function fileSystemSizes(directory: string): { total: number; free: number } | null {
  try {
    const { blocks, bavail, bsize } = statfsSync(directory);
    return { total: blocks * bsize, free: bavail * bsize };
  } catch {
    return null;
  }
}

/** `minimum`: bytes that must be free. `onChange`: a shortage begins or, null, ends; `error` of a write that failed. */
export function diskSpace(
  directory: string,
  minimum: number,
  onChange: (shortage: string | null, error?: Error) => void = () => {},
): DiskSpace {
  const reserve = join(directory, 'reserve');
  const probe = join(directory, 'probe');
  let askedAt = Number.NEGATIVE_INFINITY;
  let known: string | null = null;
  let suspect = false;
  let reserved = false;
  /** Bytes above what must be free. */
  let spare = 0;

  const learn = (shortage: string | null, error?: Error): void => {
    askedAt = performance.now();
    const news = (known === null) !== (shortage === null);
    known = shortage;
    if (news) onChange(shortage, error);
  };
  const ask = (): string | null => {
    try {
      accessSync(directory, constants.W_OK);
      const { bavail, bsize, files, ffree } = statfsSync(directory);
      spare = bavail * bsize - Math.max(minimum, LEAST_BYTES);
      if (spare < 0) return 'there is not enough disk space';
      if (files > 0 && ffree < LEAST_FILES) return 'the disk of the server has no room for more files';
      if (suspect) tryWrite();
      suspect = false;
      return null;
    } catch (error) {
      return storageText(error);
    }
  };
  /** A disk that failed may look as if it had not. */
  const tryWrite = (): void => {
    writeFileSync(probe, 'x', { mode: 0o600 });
    rmSync(probe);
  };
  /** Not of zeros: some file systems keep those for nothing. */
  const hold = (): void => {
    try {
      writeFileSync(reserve, randomBytes(RESERVE_BYTES), { mode: 0o600, flag: 'wx' });
      reserved = true;
    } catch (error) {
      reserved = codeOf(error) === 'EEXIST';
      if (!reserved) giveBack();
    }
  };
  const giveBack = (): void => {
    try {
      rmSync(reserve, { force: true });
    } catch {
      // a disk that takes nothing gives nothing back either
    }
  };
  return {
    shortage() {
      if (performance.now() - askedAt < FRESH_MS) return known;
      learn(ask());
      if (known === null && !reserved && spare >= RESERVE_BYTES) hold();
      return known;
    },
    failed(error) {
      suspect = true;
      learn(error instanceof RunwireError ? error.message : storageText(error), error);
    },
    spendReserve() {
      giveBack();
      reserved = false;
    },
  };
}
