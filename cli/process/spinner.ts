import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { telling } from './telling.ts';
import { visible } from './visible.ts';
import { cut } from './width.ts';

/** What is over at once is not spoken of. */
const FIRST_MS = 300;
const EVERY_MS = 100;
/** After a setup has written something, its line stays alone for so long. */
const QUIET_MS = 500;
const LINE_BREAK = 10;

/**
 * One line on the terminal of stderr that says why nothing comes yet, drawn again and again in its place. Without such a terminal, on
 * one that is `dumb`, with NO_COLOR, and where messages are JSON, it is nothing.
 */
class Spinner {
  #why: (() => string) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isDrawn = false;
  #isOver = false;
  #since = 0;
  #frame = 0;
  #next = 0;
  #isAtStart = true;

  /** Would what is told be seen. */
  get isSeen(): boolean {
    return !this.#isOver && canDraw();
  }

  /** Does it say something now. */
  get isTelling(): boolean {
    return this.#timer !== null;
  }

  /** From now on it says this. */
  tell(why: string | (() => string)): void {
    if (!this.isSeen) return;
    this.#why = typeof why === 'string' ? () => why : why;
    if (this.#timer !== null) return;
    if (this.#since === 0) process.once('exit', () => this.end());
    this.#since = performance.now();
    this.#next = this.#since + FIRST_MS;
    this.#timer = setInterval(() => this.#draw(), EVERY_MS).unref();
  }

  /** The line is free for who writes next; it comes again below that. `bytes`: what is written there. */
  giveWay(bytes?: Uint8Array): void {
    this.#erase();
    if (bytes === undefined || bytes.length === 0) return;
    this.#isAtStart = bytes.at(-1) === LINE_BREAK;
    this.#next = performance.now() + QUIET_MS;
  }

  /** The line is gone, until more is told. */
  rest(): void {
    this.#erase();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** The terminal belongs to the program from now on. */
  end(): void {
    this.rest();
    this.#isOver = true;
  }

  #draw(): void {
    const now = performance.now();
    if (now < this.#next || !this.#isAtStart || this.#why === null) return;
    const seconds = Math.floor((now - this.#since) / 1000);
    const frames = framesOf();
    const frame = frames[this.#frame++ % frames.length];
    const line = `${frame} ${visible(this.#why())}${seconds < 2 ? '' : ` (${seconds} s)`}`;
    this.#isDrawn = true;
    put(`\r${cut(line, (process.stderr.columns ?? 80) - 1)}\x1b[K`);
  }

  #erase(): void {
    if (this.#isDrawn) put('\r\x1b[K');
    this.#isDrawn = false;
  }
}

export const spinner = new Spinner();

const canDraw = (): boolean =>
  isatty(2) && process.env.TERM !== 'dumb' && !process.env.NO_COLOR && !telling.json;

/** Dots, where the terminal can show them. */
function framesOf(): string {
  const { LC_ALL, LC_CTYPE, LANG, TERM } = process.env;
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '') && TERM !== 'linux' ? '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏' : '-\\|/';
}

function put(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // The terminal is closed, or full: it is only ornament.
  }
}
