import { type FileHandle, open } from 'node:fs/promises';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { Channel } from '../documents/stream.ts';
import { codeOf } from '../platform/error-words.ts';

type Name = Channel | 'journal';

/** The files of one run, opened for reading when first needed and closed when the last reader leaves. */
export class RunFiles {
  #directory: RunDirectory;
  readonly #open = new Map<Name, Promise<FileHandle>>();
  #readers = 0;

  constructor(directory: RunDirectory) {
    this.#directory = directory;
  }

  get readers(): number {
    return this.#readers;
  }

  enter(): void {
    this.#readers++;
  }

  leave(): void {
    if (--this.#readers > 0) return;
    for (const handle of this.#open.values())
      handle.then(
        (file) => file.close(),
        () => {}, // it was never open
      );
    this.#open.clear();
  }

  /** The files have another place from now on. */
  moveTo(directory: RunDirectory): void {
    this.#directory = directory;
  }

  /** Size in bytes; 0 while there is no such file. */
  async size(name: Name): Promise<number> {
    this.enter();
    try {
      const handle = await this.#handle(name);
      return handle ? (await handle.stat()).size : 0;
    } finally {
      this.leave();
    }
  }

  /** Up to `length` bytes from `offset`; shorter at the end of what is there, empty while there is no such file. */
  async read(name: Name, offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    let done = 0;
    for (let got = -1; got !== 0 && done < length; done += got)
      got = await this.readInto(name, offset + done, bytes.subarray(done));
    return bytes.subarray(0, done);
  }

  /** What one read brings from `offset` on; returns how many bytes: 0 at the end of what is there. */
  async readInto(name: Name, offset: number, bytes: Buffer): Promise<number> {
    this.enter(); // an event kept by a reader that has left can still be asked for its bytes
    try {
      const handle = await this.#handle(name);
      return handle ? (await handle.read(bytes, 0, bytes.length, offset)).bytesRead : 0;
    } finally {
      this.leave();
    }
  }

  async #handle(name: Name): Promise<FileHandle | null> {
    const directory = this.#directory;
    let handle = this.#open.get(name);
    if (!handle) {
      handle = open(directory[name], 'r');
      this.#open.set(name, handle);
    }
    try {
      return await handle;
    } catch (error) {
      if (this.#open.get(name) === handle) this.#open.delete(name);
      if (codeOf(error) !== 'ENOENT') throw error;
      return directory === this.#directory ? null : this.#handle(name); // moved while it was being opened
    }
  }
}
