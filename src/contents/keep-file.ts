import { createHash, hash } from 'node:crypto';
import { chmodSync, closeSync, constants, copyFileSync, openSync, readSync, writeSync } from 'node:fs';
import type { Contents } from './contents.ts';

/** Up to this a file is read at once, and nothing is written of one that is there already. */
const SMALL_BYTES = 1024 * 1024;

export interface KeptFile {
  sha256: string;
  size: number;
}

/** Puts what an open file has into the contents. Size and hash are those of what was kept, whoever writes it meanwhile. */
export class Keeping {
  readonly #contents: Contents;
  readonly #block = Buffer.allocUnsafeSlow(SMALL_BYTES + 1);
  readonly #goOn: () => void;
  #mayClone = true;

  /** `goOn` is called between blocks, and throws where nothing is wanted any more. */
  constructor(contents: Contents, goOn: () => void = () => {}) {
    this.#contents = contents;
    this.#goOn = goOn;
  }

  /** `size`: as it seems to be. */
  keep(fd: number, size: number): KeptFile {
    this.#goOn();
    if (size <= SMALL_BYTES) {
      const length = this.#read(fd, 0, size + 1);
      if (length <= size) return this.keepBytes(this.#block.subarray(0, length));
    }
    return this.#large(fd);
  }

  keepBytes(bytes: Buffer): KeptFile {
    const sha256 = hash('sha256', bytes, 'hex');
    if (!this.#contents.has(sha256, bytes.length)) {
      const { path, fd } = this.#contents.begin();
      this.#finish(path, fd, () => {
        write(fd, bytes);
        return sha256;
      });
    }
    return { sha256, size: bytes.length };
  }

  #large(source: number): KeptFile {
    const cloned = this.#mayClone ? this.#clone(source) : null;
    const { path, fd } = cloned ?? this.#contents.begin();
    let size = 0;
    const sha256 = this.#finish(path, fd, () => {
      const sum = createHash('sha256');
      for (let length = 1; length > 0; size += length) {
        this.#goOn();
        length = this.#read(cloned ? fd : source, size, SMALL_BYTES);
        const bytes = this.#block.subarray(0, length);
        sum.update(bytes);
        if (!cloned) write(fd, bytes);
      }
      return sum.digest('hex');
    });
    return { sha256, size };
  }

  /** Null: this file system shares no blocks. */
  #clone(source: number): { path: string; fd: number } | null {
    const path = this.#contents.newPath();
    try {
      copyFileSync(
        `/proc/self/fd/${source}`,
        path,
        constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL,
      );
      chmodSync(path, 0o400);
      return { path, fd: openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW) };
    } catch {
      this.#mayClone = false;
      this.#contents.drop(path);
      return null;
    }
  }

  #finish(path: string, fd: number, fill: () => string): string {
    try {
      const sha256 = fill();
      this.#contents.keep(path, sha256);
      return sha256;
    } catch (error) {
      this.#contents.drop(path);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  #read(fd: number, at: number, most: number): number {
    // A regular file gives less than it was asked for at its end alone.
    return readSync(fd, this.#block, 0, most, at);
  }
}

export function write(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** Of an open file, as it is read. */
export function hashOf(fd: number, goOn: () => void): string {
  const sum = createHash('sha256');
  const block = Buffer.allocUnsafe(256 * 1024);
  for (let at = 0; ; ) {
    goOn();
    const length = readSync(fd, block, 0, block.length, at);
    if (length === 0) return sum.digest('hex');
    sum.update(block.subarray(0, length));
    at += length;
  }
}
