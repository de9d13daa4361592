import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { BIN } from './command-line.ts';
import { compileCache } from './compiled-once.ts';
import { until } from './processes.ts';

const AT_PTY = fileURLToPath(new URL('../fixtures/at-pty.py', import.meta.url));

/** The command line at a terminal, which python3 makes. */
export class AtPty {
  readonly #child;
  readonly #shown: Buffer[] = [];
  /** Negative: the signal that ended it. `restored`: the terminal is as it was before. */
  readonly ended: Promise<{ code: number; restored: boolean }>;

  constructor(words: readonly string[], variables: Record<string, string>, { rows = 24, cols = 80 } = {}) {
    this.#child = spawn('python3', [AT_PTY, String(rows), String(cols), process.execPath, BIN, ...words], {
      env: { PATH: process.env.PATH, TERM: 'xterm', ...compileCache(), ...variables },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    let told = '';
    this.#child.stdout?.on('data', (part: Buffer) => this.#shown.push(part));
    this.#child.stderr?.on('data', (part: Buffer) => {
      told += part.toString();
    });
    this.ended = new Promise((resolve, reject) =>
      this.#child.once('close', () => {
        try {
          resolve(JSON.parse(told));
        } catch {
          reject(new Error(told));
        }
      }),
    );
  }

  get shown(): string {
    return Buffer.concat(this.#shown).toString();
  }

  shows(text: string): Promise<void> {
    return until(() => this.shown.includes(text), `the terminal shows ${JSON.stringify(text)}`, 40_000);
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  resize(rows: number, cols: number): void {
    (this.#child.stdio[3] as Writable).write(`resize ${rows} ${cols}\n`);
  }

  /** SIGTERM to the command line. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }
}
