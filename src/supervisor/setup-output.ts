import { setTimeout as sleep } from 'node:timers/promises';
import type { Stream } from '../documents/stream.ts';
import type { OutputSource, StartedProgram } from './spawn/spawner.ts';

/** What the commands of a setup write, and whoever holds their pipes after their end: all of it is the setup's. */
export class SetupOutput {
  #take: (stream: Stream, chunk: Buffer) => void;
  readonly #open = new Map<OutputSource, Stream>();
  #ended = Promise.withResolvers<void>();

  constructor(take: (stream: Stream, chunk: Buffer) => void) {
    this.#take = take;
  }

  /** How many pipes are not at their end. */
  get open(): number {
    return this.#open.size;
  }

  follow({ stdout, stderr }: Pick<StartedProgram, 'stdout' | 'stderr'>): void {
    this.#add('stdout', stdout);
    this.#add('stderr', stderr);
  }

  /** Resolves when all has ended, at the latest after `ms` or when `early` does. */
  async over(ms: number, early?: Promise<void>): Promise<void> {
    if (this.#open.size === 0) return;
    const waiting = new AbortController();
    const late = sleep(ms, undefined, { signal: waiting.signal }).catch(() => {});
    await Promise.race([this.#ended.promise, late, ...(early ? [early] : [])]);
    waiting.abort();
  }

  /** What comes from now on is read, so that nobody who writes waits, and is nobody's. */
  ignore(): void {
    for (const [source, stream] of this.#open) source.drain((chunk) => this.#take(stream, chunk));
    this.#take = () => {};
  }

  /** Take what is in the pipes now, and nothing more. */
  close(): void {
    for (const [source, stream] of this.#open) {
      source.drain((chunk) => this.#take(stream, chunk));
      source.close();
    }
    this.#open.clear();
  }

  #add(stream: Stream, source: OutputSource): void {
    if (this.#open.size === 0) this.#ended = Promise.withResolvers();
    this.#open.set(source, stream);
    source.follow(
      (chunk) => this.#take(stream, chunk),
      () => {
        if (!this.#open.delete(source)) return;
        source.close();
        if (this.#open.size === 0) this.#ended.resolve();
      },
    );
  }
}
