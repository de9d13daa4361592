import type { RunDirectory } from '../disk/run-directory.ts';
import type { Channel } from '../documents/stream.ts';
import type { JournalEntry } from '../journal/journal.ts';
import { Waiters } from '../platform/waiters.ts';
import { type Batch, readBatch } from './batch.ts';
import { boundsOf, type EndedRun, entriesOf } from './ended-run.ts';
import { JournalHoles } from './holes.ts';
import { type LogEntry, LoggedEvent } from './logged-event.ts';
import { RunFiles } from './run-files.ts';
import { Scratch } from './scratch.ts';
import { newestIn, seekJournal } from './seek.ts';

export interface ReadOptions {
  /** seq after which to begin; 0 = from the first event. */
  after: number;
  /** Wait for more until `finished`; else end with what is there now. */
  follow: boolean;
  /** Yield an empty batch when nothing came for so long (for heartbeats). */
  idleMs?: number;
  signal?: AbortSignal;
}

/** A capture is read in blocks of the first size, and of the other while there is more than that. */
const FIRST_BLOCK = 16 * 1024;
const LARGE_BLOCK = 256 * 1024;
/**
 * Batches kept for readers at the same place: those that are caught up ask for the same one, and of many that are
 * behind there is always one that was there a moment ago.
 */
const FEWEST_SHARED = 2;
const MOST_SHARED = 32;

/**
 * The events of one run, live or finished: replay, then follow, one code path. Status events come
 * first, then the journal, then what follows from the stored result (gaps, artifacts, `finished`). Readers
 * pull: a slow one holds nobody and costs no memory.
 */
export class EventLog {
  readonly #id: string;
  readonly #files: RunFiles;
  readonly #statuses: LogEntry[] = [];
  /** Bytes of the journal that hold whole events. */
  #end = 0;
  #suffix: LoggedEvent[] | null = null;
  #measured: Promise<void> | null = Promise.resolve();
  readonly #readers = new Waiters();
  /** Counts the changes, for readers that look away while something changes. */
  #version = 0;
  readonly #shared = new Map<number, Promise<Batch>>();
  #holes: Promise<JournalHoles> | null = null;

  constructor(id: string, directory: RunDirectory) {
    this.#id = id;
    this.#files = new RunFiles(directory);
  }

  /** seq of `finished`, or null while the run is not finished. */
  get lastSeq(): number | null {
    return this.#suffix?.at(-1)?.seq ?? null;
  }

  /** seq of the first event of the journal. */
  get journalSeq(): number {
    return this.#statuses.length + 1;
  }

  /** seq of the newest event that there is, also where an earlier server told of it and this one does not yet. */
  async newestSeq(): Promise<number> {
    if (this.lastSeq !== null) return this.lastSeq;
    await this.#whole();
    const inJournal = await newestIn(this.#files, Math.max(this.#end, await this.#files.size('journal')));
    return this.lastSeq ?? inJournal ?? this.#statuses.length;
  }

  get readers(): number {
    return this.#files.readers;
  }

  /** The files of the run have another place from now on; who reads goes on there. */
  moveTo(directory: RunDirectory): void {
    this.#files.moveTo(directory);
  }

  status(status: 'pending' | 'running', time: number): void {
    this.#statuses.push({ seq: this.#statuses.length + 1, time, type: 'status', status });
    this.#wake();
  }

  /** The journal file holds whole events up to byte `end`. */
  grew(end: number): void {
    if (end <= this.#end || this.#suffix) return;
    this.#end = end;
    this.#wake();
  }

  /** The result is stored: its events follow, and nothing after them. */
  finish(run: EndedRun): void {
    this.#suffix = entriesOf(run).map((entry) => new LoggedEvent(this.#id, entry));
    this.#wake();
  }

  /** The journal was written before this log was made: its size is taken from the file, at the first read. */
  expectJournal(): void {
    this.#measured = null;
  }

  /** The size of the journal is known. */
  #whole(): Promise<void> {
    this.#measured ??= this.#measure();
    return this.#measured;
  }

  async #measure(): Promise<void> {
    this.#end = Math.max(this.#end, await this.#files.size('journal'));
  }

  async *read({ after, follow, idleMs, signal }: ReadOptions): AsyncGenerator<readonly LoggedEvent[]> {
    let next = after + 1;
    let position: number | null = null;
    this.#files.enter();
    try {
      await this.#whole();
      const until = follow ? Number.POSITIVE_INFINITY : this.#end;
      while (!signal?.aborted) {
        if (next <= this.#statuses.length) {
          const events = this.#statuses.slice(next - 1).map((entry) => new LoggedEvent(this.#id, entry));
          next = this.#statuses.length + 1;
          yield events;
        } else if (position === null) {
          position = next > this.journalSeq ? await seekJournal(this.#files, next, this.#end) : 0;
        } else if (position < this.#end) {
          if (position >= until) return;
          const batch = await this.#batchAt(position);
          const { events, all } = await this.#continued(batch.events, next, this.#suffix?.[0]?.seq);
          if (all) position = batch.next;
          next += events.length;
          if (events.length > 0) yield events;
        } else if (this.#suffix) {
          const { events, all } = await this.#continued(this.#suffix, next);
          next += events.length;
          if (events.length > 0) yield events;
          if (all) return;
        } else {
          if (!follow) return;
          if (!(await this.#readers.next({ ms: idleMs, signal }))) yield [];
        }
      }
    } finally {
      this.#leave();
    }
  }

  /**
   * Bytes of one capture from `offset`, in large blocks; with follow until the run has finished. A block is good until
   * the next is asked for.
   */
  async *readCapture(
    channel: Channel,
    options: { offset: number; follow: boolean; signal?: AbortSignal },
  ): AsyncGenerator<Buffer> {
    let { offset } = options;
    let size = FIRST_BLOCK;
    this.#files.enter();
    try {
      while (!options.signal?.aborted) {
        const version = this.#version;
        const complete = this.#suffix !== null || !options.follow;
        const memory = Scratch.take();
        const block = memory.room(size).subarray(0, size);
        const got = await this.#files.readInto(channel, offset, block);
        offset += got;
        size = got < FIRST_BLOCK ? FIRST_BLOCK : LARGE_BLOCK;
        if (got > 0) yield block.subarray(0, got);
        memory.giveBack(); // not reached when the reader left: the bytes may still be on their way
        if (got > 0) continue;
        if (complete) return;
        if (version === this.#version) await this.#readers.next({ signal: options.signal });
      }
    } finally {
      this.#leave();
    }
  }

  /** Of events in order those from `next` on, up to the first hole; or some of those that a hole is for. */
  async #continued(
    events: readonly LoggedEvent[],
    next: number,
    end = Number.POSITIVE_INFINITY,
  ): Promise<{ events: LoggedEvent[]; all: boolean }> {
    const continued: LoggedEvent[] = [];
    for (const event of events) {
      if (event.seq < next + continued.length || event.seq >= end) continue;
      if (event.seq === next + continued.length) continued.push(event);
      else if (continued.length > 0) return { events: continued, all: false };
      else return { events: await this.#lost(next), all: false };
    }
    return { events: continued, all: true };
  }

  /** What takes the place of events that a damaged journal no longer has. A live one was repaired before it is read. */
  async #lost(seq: number): Promise<LoggedEvent[]> {
    const suffix = this.#suffix;
    if (!suffix) throw new Error(`the journal of ${this.#id} has no event ${seq}`);
    this.#holes ??= JournalHoles.find(this.#left(), boundsOf(this.#statuses, suffix));
    return (await this.#holes).events(seq).map((entry) => new LoggedEvent(this.#id, entry));
  }

  /** All that the journal still has. */
  async *#left(): AsyncGenerator<JournalEntry> {
    for (let position = 0; position < this.#end; ) {
      const batch = await readBatch(this.#id, this.#files, position, this.#end);
      for (const { entry } of batch.events) yield entry as JournalEntry; // what a journal has
      position = batch.next;
    }
  }

  #batchAt(position: number): Promise<Batch> {
    let batch = this.#shared.get(position);
    if (batch) return batch;
    batch = readBatch(this.#id, this.#files, position, this.#end);
    this.#shared.set(position, batch);
    batch.catch(() => this.#shared.delete(position));
    const most = Math.min(Math.max(this.#files.readers, FEWEST_SHARED), MOST_SHARED);
    for (const oldest of this.#shared.keys()) {
      if (this.#shared.size <= most) break;
      this.#shared.delete(oldest);
    }
    return batch;
  }

  /** What only readers need goes with the last of them. */
  #leave(): void {
    this.#files.leave();
    if (this.#files.readers === 0) this.#shared.clear();
  }

  #wake(): void {
    this.#version++;
    this.#readers.wake();
  }
}
