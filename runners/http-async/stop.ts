import type { AbortReason } from '../../src/contract/outcome.ts';
import { failureWords, statusWords } from '../../src/outbound/failure.ts';
import { messageOf } from '../../src/platform/error-words.ts';
import { Timer } from '../../src/platform/timer.ts';
import type { JobTools } from './tools.ts';

/** A cancel call gets at least so long. */
const SHORTEST_GRACE_MS = 200;

/** Gives a job up when its run is aborted, and tells the backend, bounded by the grace. */
export class JobStop {
  readonly #tools: JobTools;
  readonly #graceOver = new AbortController();
  readonly #onAbort: () => void;
  readonly #timer = new Timer();

  constructor(tools: JobTools) {
    this.#tools = tools;
    const { signal } = tools.ctx;
    this.#onAbort = () => {
      this.hasten((signal.reason as AbortReason).graceMs);
      tools.job.abort();
    };
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Aborts when the grace after a cancel or timeout is over. */
  get graceOver(): AbortSignal {
    return this.#graceOver.signal;
  }

  /** So much grace from now. */
  hasten(graceMs: number): void {
    this.#timer.set(Math.max(graceMs, SHORTEST_GRACE_MS), () => this.#graceOver.abort());
  }

  /** Tell the backend that nobody waits any more. Its answer changes nothing: returns what became of the call, if there was one. */
  async cancel(): Promise<string | null> {
    // Not behind the polls of others, of which there are only so many at a time.
    const { ctx, streams: backend, job } = this.#tools;
    const { cancel } = ctx.spec;
    if (cancel === undefined || !job.sent) return null;
    try {
      const url = backend.place(cancel.url_template, job.runId);
      if (url === null) throw new Error('the run id is unknown');
      const taker = { head: () => false, data: () => {} };
      const { method = 'POST' } = cancel;
      const { head, error } = await backend.call(url, { method }, taker, this.graceOver);
      return head ? statusWords(head) : `failed: ${error ? failureWords(error) : 'no answer'}`;
    } catch (error) {
      return `not sent: ${messageOf(error)}`;
    }
  }

  /** The run is over. */
  close(): void {
    this.#timer.clear();
    this.#tools.ctx.signal.removeEventListener('abort', this.#onAbort);
    this.#graceOver.abort();
  }
}
