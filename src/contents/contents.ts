import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { bootId } from '../platform/boot.ts';
import { codeOf } from '../platform/error-words.ts';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW;
const NEW = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Where nothing is a content yet, and no sweep looks. */
export const COMING = 'coming';
/** A file that every sweep writes anew. */
const STAMP = 'swept';

/**
 * Bytes, stored once under their SHA-256 (hex), and never changed: `contents/ab/abcd…`. What is not whole yet is in `contents/new`, or, where
 * it comes at somebody else's pace, in `contents/coming`, which no sweep waits for.
 */
export class Contents {
  readonly directory: string;
  readonly #fsync: boolean;
  /** Directories that a content came into since they were synced. */
  readonly #touched = new Set<string>();

  /** `fsync`: what was kept is on the disk when `sync` returns. */
  constructor(dataDir: string, { fsync = false } = {}) {
    this.directory = resolve(dataDir, 'contents');
    this.#fsync = fsync;
  }

  path(sha256: string): string {
    return `${this.directory}/${sha256.slice(0, 2)}/${sha256}`;
  }

  /** Open for reading; the caller closes it. Null: it is not there. */
  open(sha256: string): number | null {
    if (!/^[0-9a-f]{64}$/.test(sha256)) return null;
    try {
      return openSync(this.path(sha256), READ);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /** The same; one that a power cut made shorter is not there. */
  openWhole(sha256: string, size: number): number | null {
    const fd = this.open(sha256);
    if (fd === null || fstatSync(fd).size === size) return fd;
    closeSync(fd);
    return null;
  }

  /** One that a power cut made shorter is not there. */
  has(sha256: string, size: number): boolean {
    const place = this.path(sha256);
    if (statSync(place, { throwIfNoEntry: false })?.size !== size) return false;
    // Whoever kept it may not be through with that.
    if (this.#fsync) this.#touched.add(join(place, '..'));
    return true;
  }

  /** While it is the same, a content that was there still is. */
  stamp(): string {
    return `${bootId() ?? ''} ${this.#sweeps()}`;
  }

  /** Before contents are taken away. */
  renewStamp(): void {
    const { path, fd } = this.begin();
    try {
      writeSync(fd, randomUUID());
      if (this.#fsync) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(path, join(this.directory, STAMP));
  }

  /** A file to be filled, then kept or dropped, and open. */
  begin(): { path: string; fd: number } {
    const path = this.newPath();
    return { path, fd: inDirectory(path, () => openSync(path, NEW, 0o400)) };
  }

  /** Where something may be put that is to be kept. */
  newPath(): string {
    return `${this.directory}/new/${randomUUID()}`;
  }

  /** The directory for what comes from outside, which is made. Who puts something in takes it away again: no sweep does. */
  coming(): string {
    const place = `${this.directory}/${COMING}`;
    mkdirSync(place, { recursive: true, mode: 0o700 });
    return place;
  }

  /** Once, at the start: what was coming when an earlier server died. Returns how many files there were. */
  sweepComing(): number {
    const place = join(this.directory, COMING);
    const names = existsSync(place) ? readdirSync(place) : [];
    for (const name of names) rmSync(join(place, name), { recursive: true, force: true });
    return names.length;
  }

  /** What is whole under this path, and of mode 0400, is the content of this hash from now on. */
  keep(path: string, sha256: string): void {
    if (this.#fsync) syncPath(path);
    const place = this.path(sha256);
    inDirectory(place, () => renameSync(path, place));
    if (this.#fsync) this.#touched.add(join(place, '..'));
  }

  #sweeps(): string {
    try {
      return readFileSync(join(this.directory, STAMP), 'latin1');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return '';
      throw error;
    }
  }

  drop(path: string): void {
    rmSync(path, { force: true });
  }

  /** All that was kept can be found again after a power cut. */
  sync(): void {
    if (this.#touched.size === 0) return;
    for (const directory of this.#touched) syncPath(directory);
    this.#touched.clear();
    syncPath(this.directory);
    syncPath(join(this.directory, '..'));
  }
}

/** The directory of `path` is made where it is not there. */
function inDirectory<Done>(path: string, work: () => Done): Done {
  try {
    return work();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
    return work();
  }
}

function syncPath(path: string): void {
  const fd = openSync(path, READ);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
