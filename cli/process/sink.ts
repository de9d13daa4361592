import { writev } from 'node:fs';
import { setImmediate as immediately, setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { EXIT } from './exit-codes.ts';

const writeSome = promisify(writev);
/** So many bytes wait at most for a slow reader. */
const MOST_WAITING = 1 << 20;
const QUICK_LOOKS = 20;

/** This descriptor takes no more: whoever read it has gone, its disk is full. */
export class ReaderGone extends Error {
  readonly fd: number;
  readonly exitCode: number;

  constructor(fd: number, { code, message }: NodeJS.ErrnoException) {
    super(code === 'EPIPE' ? 'nobody reads the output' : `the output cannot be written: ${message}`);
    this.fd = fd;
    this.exitCode = code === 'EPIPE' ? EXIT.unread : EXIT.undone;
  }
}

/**
 * Bytes to a descriptor, no faster than they are read there. A thread waits for a slow reader, so that Ctrl-C is heard
 * meanwhile; what comes while it writes goes together with the next write. Throws ReaderGone.
 */
export class Sink {
  readonly #fd: 1 | 2;
  readonly #failed: (error: unknown) => void;
  #waiting: Uint8Array[] = [];
  #size = 0;
  #writing: Promise<void> | null = null;

  /** `failed`: is told at once, and not with the next write alone. */
  constructor(fd: 1 | 2, failed: (error: unknown) => void = () => {}) {
    this.#fd = fd;
    this.#failed = failed;
  }

  /** Resolves when more may come. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes);
    this.#size += bytes.length;
    this.#writing ??= this.#writeOn();
    if (this.#size >= MOST_WAITING) await this.#writing;
  }

  /** All is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  #writeOn(): Promise<void> {
    const writing = this.#drain();
    writing.catch(this.#failed); // it stays here, and is thrown to who writes or flushes next
    return writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const parts = this.#waiting;
      this.#waiting = [];
      this.#size = 0;
      await this.#writeAll(parts);
    }
    this.#writing = null;
  }

  async #writeAll(parts: Uint8Array[]): Promise<void> {
    for (let rest = parts, full = 0; rest.length > 0; )
      try {
        const { bytesWritten } = await writeSome(this.#fd, rest);
        rest = after(rest, bytesWritten);
        full = 0;
      } catch (error) {
        const failure = error as NodeJS.ErrnoException;
        if (failure.code !== 'EAGAIN') throw new ReaderGone(this.#fd, failure);
        // Node makes a pipe one that does not wait: its reader is quick first, and asked ever more rarely.
        await (full++ < QUICK_LOOKS ? immediately() : pause(Math.min(10, full - QUICK_LOOKS)));
      }
  }
}

/** What is left of parts of which so many bytes are written. */
function after(parts: Uint8Array[], written: number): Uint8Array[] {
  let left = written;
  const from = parts.findIndex((part) => {
    if (part.length > left) return true;
    left -= part.length;
    return false;
  });
  if (from < 0) return [];
  const [first, ...rest] = parts.slice(from) as [Uint8Array, ...Uint8Array[]];
  return [first.subarray(left), ...rest];
}

/** These bytes, now. */
export async function writeAll(fd: 1 | 2, bytes: Uint8Array): Promise<void> {
  const sink = new Sink(fd);
  await sink.write(bytes);
  await sink.flush();
}

/** Text for standard output. */
export const print = (text: string): Promise<void> => writeAll(1, Buffer.from(text));
