import { z } from 'zod';
import type { RunOutput } from '../../src/contract/context.ts';
import { jsonIn } from '../wire/json.ts';
import { EventHistory, HistoryNote } from './event-history.ts';

/** Earlier releases have no `taken`. */
const Note = z.object({
  stream: z.object({ id: z.string(), bytes: z.number(), taken: HistoryNote.optional() }),
});

/**
 * How far the events of a backend's stream were taken. It is noted behind the output that they brought, so that a
 * later server asks for what follows, and knows again what the earlier one had written last and not noted.
 */
export class StreamPlace {
  readonly #output: RunOutput;
  /** The events that were taken. */
  readonly history = new EventHistory();
  /** Of the last event that was taken, for Last-Event-ID. */
  id: string | undefined;
  /** The last one that was noted. */
  #noted: string | undefined;
  /** Bytes that had been written then. */
  #bytes = 0;
  /** Bytes that come once more. */
  #known = 0;

  constructor(output: RunOutput) {
    this.#output = output;
  }

  /** A note of the earlier server; the last one counts. */
  recall(note: string): void {
    const { success, data } = Note.safeParse(jsonIn(note));
    if (!success) return;
    ({ id: this.id, bytes: this.#bytes } = data.stream);
    this.#noted = this.id;
    if (data.stream.taken !== undefined) this.history.recall(data.stream.taken);
  }

  /** All notes are read and the captures are gone on with. */
  resume(): void {
    if (this.id === undefined && this.#output.captured('stdout').bytes > 0) this.history.recall();
    this.#known = Math.max(0, this.#output.captured('stdout').bytes - this.#bytes);
  }

  /** What of an event's output is new. An event without an id is no repeat. */
  news(bytes: Buffer, id: string | undefined): Buffer {
    if (this.#known === 0 || id === undefined) return bytes;
    const known = Math.min(this.#known, bytes.length);
    this.#known -= known;
    return bytes.subarray(known);
  }

  /** Everything up to the event of this id is taken, and written too unless something is held back: that has to come again for a later server. */
  reached(id: string | undefined, holds: boolean): void {
    if (id === undefined || id === this.#noted) return;
    this.id = id;
    if (holds) return;
    this.#noted = id;
    const bytes = this.#output.captured('stdout').bytes - this.#known;
    const { note: taken } = this.history;
    this.#output.note(JSON.stringify({ stream: { id, bytes, taken } } satisfies z.infer<typeof Note>));
  }
}
