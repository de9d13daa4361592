import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

const BLOCK_BYTES = 256 * 1024;

/** Reads a capture from its first byte, event by event, as long as it holds what the events say. */
export class CaptureCheck {
  /** Of the sound bytes. */
  readonly hash = createHash('sha256');
  readonly #path: string;
  readonly #size: number;
  #file: FileHandle | null = null;
  #sound = 0;
  #broken = false;
  /** What was read from `#blockAt` on. */
  #block = Buffer.alloc(0);
  #blockAt = 0;

  constructor(path: string, size: number) {
    this.#path = path;
    this.#size = size;
  }

  /** Bytes at the beginning of the file that events vouch for. */
  get sound(): number {
    return this.#sound;
  }

  /** An event told of bytes that are not there, or are others. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Are the next bytes there, and those that were written. After one that is not, none is. */
  async next(length: number, sum: number | undefined): Promise<boolean> {
    if (this.#broken) return false;
    const bytes = this.#sound + length <= this.#size ? await this.#read(length) : null;
    if (bytes?.length !== length || (sum !== undefined && crc32(bytes) !== sum)) {
      this.#broken = true;
      return false;
    }
    this.hash.update(bytes);
    this.#sound += length;
    return true;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #read(length: number): Promise<Buffer> {
    const from = this.#sound - this.#blockAt;
    if (from + length > this.#block.length) {
      this.#file ??= await open(this.#path);
      const block = Buffer.alloc(Math.min(Math.max(length, BLOCK_BYTES), this.#size - this.#sound));
      let done = 0;
      while (done < block.length) {
        const { bytesRead } = await this.#file.read(block, done, block.length - done, this.#sound + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      this.#block = block.subarray(0, done);
      this.#blockAt = this.#sound;
      return this.#block.subarray(0, length);
    }
    return this.#block.subarray(from, from + length);
  }
}
