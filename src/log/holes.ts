import { CHANNELS, type Channel, setupMark, streamOf } from '../documents/stream.ts';
import { channelOfEntry, type GapEntry, isOfChannel, type JournalEntry } from '../journal/journal.ts';
import type { LogEntry } from './logged-event.ts';

/** What the record of a finished run says of its journal. */
export interface JournalBounds {
  /** seq of its first event. */
  from: number;
  /** seq of the first event after it. */
  to: number;
  /** Bytes that its events and gaps tell of. */
  bytesOf(channel: Channel): number;
  /** When its first event could have been, ms since the epoch. */
  time: number;
}

/** Events that follow one another and are lost: none of them is known, only how many they were. */
interface Hole {
  from: number;
  to: number;
  time: number;
  /** Bytes that some of them must have told of; at most one each. */
  gaps: Omit<GapEntry, 'seq' | 'time'>[];
}

/** So many at once, however many were lost. */
const MOST = 256;
const NONE: Readonly<Record<Channel, number>> = { stdout: 0, stderr: 0, setup_stdout: 0, setup_stderr: 0 };

/**
 * The events that the journal of a finished run lost, after a power cut for example. Those before and behind a hole tell
 * how many they were and what bytes: so many gaps take their place, and for the others a word that they are gone.
 */
export class JournalHoles {
  readonly #holes: Hole[] = [];
  #next: number;
  #time: number;
  readonly #ends = { ...NONE };
  /** The first hole after the last event of the channel. */
  readonly #since = { ...NONE };

  private constructor(bounds: JournalBounds) {
    this.#next = bounds.from;
    this.#time = bounds.time;
  }

  /** `entries`: all that are left, in order. Throws when they cannot be of one journal with these bounds. */
  static async find(entries: AsyncIterable<JournalEntry>, bounds: JournalBounds): Promise<JournalHoles> {
    const holes = new JournalHoles(bounds);
    for await (const entry of entries) if (entry.seq < bounds.to) holes.#pass(entry);
    holes.#holeBefore(bounds.to);
    for (const channel of CHANNELS) holes.#bytesUpTo(channel, bounds.bytesOf(channel));
    return holes;
  }

  /** What takes the place of the lost events from `seq` on: some of them. */
  events(seq: number): LogEntry[] {
    const hole = this.#holes.find(({ from, to }) => from <= seq && seq < to);
    if (!hole) throw new Error(`event ${seq} is neither in the journal nor lost`);
    const { from, to, time, gaps } = hole;
    return Array.from({ length: Math.min(to - seq, MOST) }, (_, at): LogEntry => {
      const gap = gaps[seq + at - from];
      return gap
        ? { seq: seq + at, time, ...gap }
        : { seq: seq + at, time, type: 'progress', message: 'this event was lost: the journal was damaged' };
    });
  }

  #pass(entry: JournalEntry): void {
    if (entry.seq < this.#next) return;
    this.#holeBefore(entry.seq);
    this.#next = entry.seq + 1;
    this.#time = entry.time;
    if (!isOfChannel(entry)) return;
    const channel = channelOfEntry(entry);
    this.#bytesUpTo(channel, entry.offset);
    this.#ends[channel] = entry.offset + entry.length;
    this.#since[channel] = this.#holes.length;
  }

  #holeBefore(seq: number): void {
    if (seq > this.#next) this.#holes.push({ from: this.#next, to: seq, time: this.#time, gaps: [] });
    this.#next = seq;
  }

  /** Bytes between two events of a channel were told of in a hole between them: the first that has room. */
  #bytesUpTo(channel: Channel, end: number): void {
    const offset = this.#ends[channel];
    if (end === offset) return;
    const hole = this.#holes
      .slice(this.#since[channel])
      .find(({ from, to, gaps }) => gaps.length < to - from);
    if (!hole || end < offset) throw new Error('what is left of the journal does not fit together');
    const gap = { type: 'gap', stream: streamOf(channel), offset, length: end - offset } as const;
    hole.gaps.push({ ...gap, reason: 'storage', ...setupMark(channel) });
  }
}
