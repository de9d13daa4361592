import type { RunControls } from '../../src/contract/context.ts';
import type { AbortReason } from '../../src/contract/outcome.ts';
import { type DockerDaemon, statusOf } from './daemon.ts';

/** A container that SIGKILL has not ended after so long is left to the sweep. */
const GIVE_UP_MS = 10_000;

/** Ends a container: its stop signal, after the grace SIGKILL. */
export class ContainerStop {
  readonly #daemon: DockerDaemon;
  readonly #id: string;
  readonly #signal: string;
  /** What was sent, in order. */
  readonly signals: string[] = [];
  readonly #gaveUp = Promise.withResolvers<'stuck'>();
  #timer: NodeJS.Timeout | undefined;
  #giveUpTimer: NodeJS.Timeout | undefined;
  #begun = false;

  constructor(daemon: DockerDaemon, id: string, stopSignal: string | null) {
    this.#daemon = daemon;
    this.#id = id;
    this.#signal = stopSignal ?? 'SIGTERM';
  }

  /** Resolves when nothing ends it. */
  get gaveUp(): Promise<'stuck'> {
    return this.#gaveUp.promise;
  }

  get begun(): boolean {
    return this.#begun;
  }

  /** Stop when the run is aborted. Returns how it no longer does. */
  on(signal: AbortSignal): () => void {
    const abort = (): void => this.begin((signal.reason as AbortReason).graceMs);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    return () => {
      signal.removeEventListener('abort', abort);
      clearTimeout(this.#timer);
      clearTimeout(this.#giveUpTimer);
    };
  }

  /** What may be done to the container from outside, once it has started. */
  controls(started: Promise<void>): RunControls {
    return {
      signal: (name) => started.then(() => this.send(name)),
      hasten: (graceMs) => this.hasten(graceMs),
    };
  }

  begin(graceMs: number): void {
    this.#begun = true;
    if (graceMs <= 0) return this.#kill();
    void this.send(this.#signal).catch(() => {});
    this.signals.push(this.#signal);
    this.#timer = setTimeout(() => this.#kill(), graceMs);
  }

  /** A shorter grace for a stop that is under way. */
  hasten(graceMs: number): void {
    if (!this.#begun || this.signals.at(-1) === 'SIGKILL') return;
    clearTimeout(this.#timer);
    if (graceMs <= 0) this.#kill();
    else this.#timer = setTimeout(() => this.#kill(), graceMs);
  }

  /** Send a signal to the container. That it has ended is no error. */
  async send(signal: string): Promise<void> {
    try {
      await this.#daemon.ask((docker) => docker.getContainer(this.#id).kill({ signal }));
    } catch (error) {
      if (statusOf(error) !== 409 && statusOf(error) !== 404) throw error;
    }
  }

  /** The daemon was away: what it was told before may not have been done. */
  repeat(): void {
    const last = this.signals.at(-1);
    if (last !== undefined) void this.send(last).catch(() => {});
  }

  #kill(): void {
    clearTimeout(this.#timer);
    if (this.signals.at(-1) !== 'SIGKILL') this.signals.push('SIGKILL');
    void this.send('SIGKILL').catch(() => {});
    this.#giveUpTimer ??= setTimeout(() => this.#gaveUp.resolve('stuck'), GIVE_UP_MS);
  }
}
