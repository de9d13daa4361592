import { writev } from 'node:fs';
import { setImmediate as immediately, setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const writeSome = promisify(writev);
/** So many bytes wait at most for a slow reader. */
const MOST_WAITING = 1 << 20;
const QUICK_LOOKS = 20;

/** Whoever read this descriptor has gone. */
export class ReaderGone extends Error {
  readonly fd: number;

  constructor(fd: number) {
    super(`nobody reads descriptor ${fd}`);
    this.fd = fd;
  }
}

/**
 * Bytes to a descriptor, no faster than they are read there. A thread waits for a slow reader, so that Ctrl-C is heard
 * meanwhile; what comes while it writes goes together with the next write. Throws ReaderGone, or what the system says.
 */
export class Sink {
  readonly #fd: 1 | 2;
  #waiting: Uint8Array[] = [];
  #size = 0;
  #writing: Promise<void> | null = null;

  constructor(fd: 1 | 2) {
    this.#fd = fd;
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
    writing.catch(() => {}); // it stays here, and is thrown to who writes or flushes next
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
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EPIPE') throw new ReaderGone(this.#fd);
        if (code !== 'EAGAIN') throw error;
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
