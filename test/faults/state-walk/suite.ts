import { afterAll, test } from 'vitest';
import { Walk } from './run.ts';

/** So many data directories are walked at the same time: a start needs a core, and most of the rest is waiting. */
const WALKS = 3;

/** The points of one suite, and at its end the table of what was tried. To be made inside of `describe`. */
export class WalkSuite {
  readonly #variables: Record<string, string>;
  readonly #all: Walk[] = [];
  readonly #idle: Walk[] = [];
  readonly #waiting: ((walk: Walk) => void)[] = [];
  /** In the order in which the tests are written, whichever ends first. */
  readonly #rows: string[][][] = [];

  constructor(title: string, variables: Record<string, string> = {}) {
    this.#variables = variables;
    afterAll(async () => {
      this.#print(title);
      await Promise.all(this.#all.map(({ server }) => server.end()));
    });
  }

  /** A test of one point, on one of the walks. */
  try(name: string, body: (walk: Walk) => Promise<unknown>): void {
    const rows: string[][] = [];
    this.#rows.push(rows);
    test.concurrent(name, async () => {
      const walk = await this.#take();
      walk.onTried = (point, outcome) => void rows.push([point, outcome]);
      try {
        await body(walk);
      } finally {
        this.#give(walk);
      }
    });
  }

  /** The last test: every walk's last run is what it was. */
  restartOnceMore(): void {
    test('what was walked last is still what it was after one more restart', async () => {
      for (const walk of this.#all) {
        await walk.server.crash();
        await walk.server.startUnlessUp();
        await walk.expectPreviousUnchanged();
      }
    });
  }

  async #take(): Promise<Walk> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#all.length === WALKS) return new Promise((resolve) => this.#waiting.push(resolve));
    const walk = new Walk(this.#variables);
    this.#all.push(walk);
    return walk;
  }

  #give(walk: Walk): void {
    const next = this.#waiting.shift();
    if (next) next(walk);
    else this.#idle.push(walk);
  }

  #print(title: string): void {
    const rows = this.#rows.flat();
    const width = Math.max(...rows.map(([point = '']) => point.length));
    const lines = rows.map(([point = '', outcome]) => `  ${point.padEnd(width)}  ${outcome}`);
    console.log([title, ...lines].join('\n'));
  }
}
