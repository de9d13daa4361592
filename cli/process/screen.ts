import { spawnSync } from 'node:child_process';
import { isatty } from 'node:tty';
import type { TerminalSize } from '../../client/runwire.ts';
import { endBy } from './interrupts.ts';
import { telling } from './say.ts';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** What a terminal has that does not say how large it is. */
const DEFAULT_SIZE: TerminalSize = { cols: 80, rows: 24 };
const MOST_CELLS = 1000;

/** The terminal that this process is at, where its standard input is one: given to a run, and taken back whatever ends us. */
export class Screen {
  #isRaw = false;
  readonly #restore = (): void => this.release();
  readonly #end = (signal: NodeJS.Signals): void => {
    this.release();
    endBy(signal);
  };

  static get isThere(): boolean {
    return isatty(0);
  }

  get size(): TerminalSize {
    const { columns, rows } = process.stdout;
    return { cols: within(columns, DEFAULT_SIZE.cols), rows: within(rows, DEFAULT_SIZE.rows) };
  }

  /** From now on keys are bytes, and nothing that is shown is changed on the way. */
  take(): void {
    if (this.#isRaw) return;
    process.on('exit', this.#restore);
    for (const signal of ENDING) process.on(signal, this.#end);
    process.stdin.setRawMode(true);
    this.#isRaw = true;
    telling.isRaw = true;
    // Node leaves line feeds to be made two characters, which full-screen programs mean as one.
    spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  }

  /** It is as it was. */
  release(): void {
    if (!this.#isRaw) return;
    this.#isRaw = false;
    telling.isRaw = false;
    process.off('exit', this.#restore);
    for (const signal of ENDING) process.off(signal, this.#end);
    process.stdin.setRawMode(false);
  }

  /** Calls back with every size that it gets. */
  onResize(act: (size: TerminalSize) => void): void {
    process.stdout.on('resize', () => act(this.size));
  }

  onKeys(act: (keys: Buffer) => void): void {
    process.stdin.on('data', act);
  }
}

const within = (cells: number | undefined, otherwise: number): number =>
  cells === undefined || cells < 1 ? otherwise : Math.min(cells, MOST_CELLS);
