import { print } from '../process/sink.ts';
import { spinner } from '../process/spinner.ts';

/** Lines on the terminal of standard output that are drawn again and again in their place, no more of them than go on it. */
export class Board {
  #drawn = 0;

  async draw(lines: readonly string[]): Promise<void> {
    const shown = lines.slice(0, Math.max(1, (process.stdout.rows || 24) - 1));
    const up = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A`;
    this.#drawn = shown.length;
    spinner.rest();
    await print(`${up}\r${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
  }
}
