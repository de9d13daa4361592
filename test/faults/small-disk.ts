import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own in memory, small enough to be filled. */
export class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'runwire-disk-'));
  readonly #filling = join(this.path, 'filling');

  constructor(bytes: number) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'runwire-test', this.path]);
  }

  /** Bytes. */
  get free(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Take what is free, but for so many bytes. */
  fill(left = 0): void {
    const page = Buffer.alloc(4096, 'x');
    const file = openSync(this.#filling, 'a');
    try {
      while (this.free > left) writeSync(file, page);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Give it back. */
  clear(): void {
    rmSync(this.#filling, { force: true });
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', this.path]);
    rmdirSync(this.path);
  }
}
