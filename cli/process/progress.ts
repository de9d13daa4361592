import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { telling } from './telling.ts';

/** What is over at once is not spoken of. */
const FIRST_MS = 300;
const EVERY_MS = 100;
const WIDTH = 20;

/** The one that has its line on the terminal now. */
let drawn: Progress | null = null;

/** A line on the terminal of stderr that says how many bytes have gone or come. Nothing, where there is none, where it is `dumb` or NO_COLOR, and where messages are JSON. */
export class Progress {
  readonly #verb: string;
  readonly #isSeen = isatty(2) && process.env.TERM !== 'dumb' && !process.env.NO_COLOR;
  #total: number | null = null;
  #done = 0;
  #since = performance.now();
  #next = this.#since + FIRST_MS;

  constructor(verb: string) {
    this.#verb = verb;
  }

  /** From the first byte, of so many; null: nobody knows. */
  begin(total: number | null): void {
    this.#total = total;
    this.#done = 0;
    this.#since = performance.now();
    this.#next = this.#since + FIRST_MS;
  }

  count(bytes: number): void {
    this.#done += bytes;
    const now = performance.now();
    if (!this.#isSeen || telling.json || now < this.#next) return;
    this.#next = now + EVERY_MS;
    drawn = this;
    const line = progressLine(this.#verb, this.#done, this.#total, now - this.#since);
    put(`\r${line.slice(0, Math.max(0, (process.stderr.columns || 80) - 1))}\x1b[K`);
  }

  /** The line is gone. */
  end(): void {
    if (drawn === this) giveWay();
  }
}

/** The line is free for who writes next. */
export function giveWay(): void {
  if (drawn !== null) put('\r\x1b[K');
  drawn = null;
}

/** `sending [####------] 40% 20.0 MB of 50.0 MB, 8.1 MB/s`. */
export function progressLine(verb: string, done: number, total: number | null, ms: number): string {
  const rate = ms > 0 ? `, ${mega((1000 * done) / ms)}/s` : '';
  if (total === null || total <= 0) return `${verb} ${mega(done)}${rate}`;
  const part = Math.min(1, done / total);
  const full = Math.round(part * WIDTH);
  const bar = `[${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}]`;
  return `${verb} ${bar} ${Math.floor(100 * part)}% ${mega(done)} of ${mega(total)}${rate}`;
}

/** In one unit, so that the line does not jump. */
const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function put(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // The terminal is closed, or full: it is only ornament.
  }
}
