import { hash } from 'node:crypto';
import { z } from 'zod';
import type { ServerSentEvent } from './sse.ts';

/** So many events back they are known one by one; of those before, the first and how many there were. */
const MOST_KNOWN = 4096;
/** Of a connection: it brings no repeats, or no more. */
const NONE = Number.POSITIVE_INFINITY;

/** What is kept for a later server: digests of the first and the last event that had an id, and how many had one. */
export const HistoryNote = z.object({ first: z.number(), last: z.number(), count: z.number() });
export type HistoryNote = z.infer<typeof HistoryNote>;

/**
 * `repeated`: it was taken from an earlier connection. `unclear`: it has no id, by which that could be told. `otherwise`:
 * new, where a repeat would have gone on: what was taken for one may have been new too.
 */
export type Acquaintance = 'new' | 'repeated' | 'unclear' | 'otherwise';

/**
 * Which events of a backend's stream were taken. A backend that is asked to go on behind an event may begin from the
 * start all the same, or some way back: as long as a connection brings what earlier ones brought, in that order and with
 * the same content, it is a repeat. The first event that is another one ends that.
 */
export class EventHistory {
  /** Digests of the last events with an id; `#count` were taken in all. */
  #recent: number[] = [];
  #first: number | undefined;
  #count = 0;
  /** Digests of events without one, and whether an earlier connection brought such. */
  #nameless: number[] = [];
  #namelessBefore = false;
  /** The number of the last repeat; null: whether there are any is to be seen. */
  #repeating: number | null = NONE;
  /** This connection has brought something that no earlier one had. */
  moved = false;

  /** A connection is made, which may bring what earlier ones brought. */
  connect(): void {
    this.moved = false;
    this.#repeating = this.#count === 0 ? NONE : null;
    this.#namelessBefore ||= this.#nameless.length > 0;
  }

  /** The events of this connection are none but those that were taken, or there are none yet. */
  get repeating(): boolean {
    return this.#repeating !== NONE;
  }

  take(event: ServerSentEvent): Acquaintance {
    const digest = digestOf(event);
    if (event.id === undefined || event.id === '') return this.#takeNameless(digest);
    const before = this.#repeating;
    const number = before === null ? this.#numberOf(digest) : before + 1;
    if (number <= this.#count && this.#mayBe(digest, number)) {
      this.#repeating = number;
      return 'repeated';
    }
    this.#repeating = NONE;
    this.#first ??= digest;
    this.#count++;
    this.#keep(this.#recent, digest);
    return before !== null && number <= this.#count - 1 ? 'otherwise' : 'new';
  }

  get note(): HistoryNote | undefined {
    const [first, last] = [this.#first, this.#recent.at(-1)];
    return first === undefined || last === undefined ? undefined : { first, last, count: this.#count };
  }

  /** An earlier server followed the stream. Without a note its events had no ids. */
  recall(note?: HistoryNote): void {
    this.#namelessBefore = note === undefined;
    if (note === undefined) return;
    this.#first = note.first;
    this.#recent = [note.last];
    this.#count = note.count;
  }

  #takeNameless(digest: number): Acquaintance {
    this.#keep(this.#nameless, digest);
    return this.#namelessBefore ? 'unclear' : 'new';
  }

  #keep(digests: number[], digest: number): void {
    this.moved ||= !digests.includes(digest);
    digests.push(digest);
    if (digests.length >= 2 * MOST_KNOWN) digests.splice(0, MOST_KNOWN);
  }

  /** NONE: it is not known. */
  #numberOf(digest: number): number {
    const at = this.#recent.lastIndexOf(digest);
    if (at !== -1) return this.#count - this.#recent.length + 1 + at;
    return digest === this.#first ? 1 : NONE;
  }

  /** Events of which nothing but the number is known are taken to be those. */
  #mayBe(digest: number, number: number): boolean {
    const at = number - 1 - (this.#count - this.#recent.length);
    return at < 0 || this.#recent[at] === digest;
  }
}

/** 48 bits: a number has room for more, but not for 64. */
function digestOf({ id = '', type, data }: ServerSentEvent): number {
  return hash('sha1', JSON.stringify([id, type, data]), 'buffer').readUIntBE(0, 6);
}
