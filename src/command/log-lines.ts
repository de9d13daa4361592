import { write, writeSync } from 'node:fs';
import { codeOf } from '../platform/error-words.ts';

/** A write costs a run as much as its record: lines that come close together are one. */
const AT_ONCE = 8 * 1024;
const PAUSE_MS = 100;
/** Lines that nobody takes are left out from there on, characters. */
const MOST_WAITING = 16 * 1024 * 1024;
/** At the end of the process whoever takes no more has so many chances, 10 ms apart. */
const LAST_CHANCES = 50;

/**
 * Lines on their way to a descriptor, written by the thread pool. What it does not take, since its disk is full or who
 * read it has ended, is left out, and the work goes on.
 */
export class LogLines {
  readonly #fd: number;
  #waiting: string[] = [];
  #size = 0;
  #isWriting = false;
  #pause: NodeJS.Timeout | null = null;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(line: string): void {
    if (this.#size + line.length > MOST_WAITING) return;
    this.#waiting.push(line);
    this.#size += line.length;
    this.#goOn();
  }

  /** What waits is written now; nothing after it. For the end of the process. */
  end(): void {
    let rest = this.#takeAll();
    for (let chances = LAST_CHANCES; rest.length > 0 && chances > 0; )
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN') return;
        chances--;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
  }

  #goOn(): void {
    if (this.#isWriting || this.#size === 0) return;
    if (this.#size < AT_ONCE) {
      this.#pause ??= setTimeout(() => this.#writeAll(), PAUSE_MS).unref();
      return;
    }
    this.#writeAll();
  }

  #writeAll(): void {
    this.#isWriting = true;
    this.#write(this.#takeAll());
  }

  #write(bytes: Buffer): void {
    write(this.#fd, bytes, (error, written) => {
      const isBusy = codeOf(error) === 'EAGAIN';
      if (isBusy) setTimeout(() => this.#write(bytes), PAUSE_MS).unref();
      else if (!error && written < bytes.length) this.#write(bytes.subarray(written));
      else {
        this.#isWriting = false;
        this.#goOn();
      }
    });
  }

  #takeAll(): Buffer {
    if (this.#pause) clearTimeout(this.#pause);
    this.#pause = null;
    const bytes = Buffer.from(this.#waiting.join(''));
    this.#waiting = [];
    this.#size = 0;
    return bytes;
  }
}
