import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { TextDiff, TextPair } from './text-diff.ts';

/** Beside us: TypeScript in the repository, JavaScript in the package. */
const MAIN = new URL(`./thread${extname(import.meta.filename)}`, import.meta.url);
const IDLE_MS = 10_000;

interface Waiting {
  resolve(diff: TextDiff): void;
  reject(error: Error): void;
}

/** The one thread that compares texts, in the order in which they come: made when it is needed, and ended when it was not for a while. */
class LineThread {
  #worker: Worker | null = null;
  /** It answers in order. */
  #waiting: Waiting[] = [];
  #idle: NodeJS.Timeout | undefined;

  /** The memory of both texts is given away. */
  compare(pair: TextPair): Promise<TextDiff> {
    clearTimeout(this.#idle);
    const worker = this.#worker ?? this.#start();
    worker.ref();
    const answer = new Promise<TextDiff>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    const given = [pair.old, pair.new].filter((bytes) => bytes !== null).map(({ buffer }) => buffer);
    worker.postMessage(pair, given);
    return answer;
  }

  #start(): Worker {
    const worker = new Worker(MAIN, { env: {}, name: 'diff' });
    this.#worker = worker;
    worker.on('message', (diff: TextDiff) => {
      this.#waiting.shift()?.resolve(diff);
      if (this.#waiting.length > 0) return;
      worker.unref();
      this.#idle = setTimeout(() => this.#end(worker), IDLE_MS).unref();
    });
    worker.on('error', (error) => this.#fail(worker, error as Error));
    worker.on('exit', (code) =>
      this.#fail(worker, new Error(`the thread that compares texts ended with ${code}`)),
    );
    return worker;
  }

  #end(worker: Worker): void {
    this.#worker = null;
    void worker.terminate();
  }

  /** What was given to it is lost; the next one begins with another thread. */
  #fail(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

export const lineThread = new LineThread();
