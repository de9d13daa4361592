import { isUtf8 } from 'node:buffer';
import type { ArtifactDescriptor } from './artifact.ts';
import type { JournalEntry, OutputEntry } from './journal.ts';
import type { Outcome } from './outcome.ts';
import type { RuntimeResult } from './result.ts';

/** An event of a run before its output bytes are put in. `time` is in ms since the epoch. */
export type LogEntry =
  | { seq: number; time: number; type: 'status'; status: 'pending' | 'running' }
  | JournalEntry
  | { seq: number; time: number; type: 'artifact'; artifact: ArtifactDescriptor }
  | { seq: number; time: number; type: 'finished'; result: RuntimeResult; outcome: Outcome };

export function isOutput(entry: LogEntry): entry is OutputEntry {
  return entry.type === 'stdout' || entry.type === 'stderr';
}

/** Does the event bring its stream over a multiple of so many bytes. */
export function crosses(entry: LogEntry, bound: number): boolean {
  return (
    isOutput(entry) && Math.floor(entry.offset / bound) !== Math.floor((entry.offset + entry.length) / bound)
  );
}

const NOTHING = Promise.resolve(Buffer.alloc(0));

/** The capture does not have the bytes that an event tells of, or has others. */
export class LostOutput extends Error {}

/**
 * One event as readers get it. Buffers must not be written to. An output event
 * whose bytes were lost is a gap.
 */
export class LoggedEvent {
  readonly seq: number;
  readonly entry: LogEntry;
  readonly #invocationId: string;
  readonly #load: (() => Promise<Buffer>) | null;
  #lost = false;

  constructor(invocationId: string, entry: LogEntry, load: (() => Promise<Buffer>) | null = null) {
    this.seq = entry.seq;
    this.entry = entry;
    this.#invocationId = invocationId;
    this.#load = load;
  }

  /** Whether the bytes of an output event are there is known when json() has resolved. */
  get type(): LogEntry['type'] {
    return this.#lost ? 'gap' : this.entry.type;
  }

  /** The bytes of a stdout or stderr event. Rejects with LostOutput. */
  bytes(): Promise<Buffer> {
    return this.#load?.() ?? NOTHING;
  }

  /** The RuntimeEvent on one line of JSON, without newline. */
  async json(): Promise<string> {
    const { seq, time, type, ...rest } = this.entry;
    const head = { invocation_id: this.#invocationId, seq, time: new Date(time).toISOString() };
    if (!this.#load || !isOutput(this.entry)) return JSON.stringify({ ...head, type, ...rest });
    const { phase, offset, length } = this.entry;
    try {
      const bytes = await this.#load();
      const body = isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
      return JSON.stringify({ ...head, type, phase, offset, length, ...body });
    } catch (error) {
      if (!(error instanceof LostOutput)) throw error;
      this.#lost = true;
      return JSON.stringify({ ...head, type: 'gap', stream: type, offset, length, reason: 'storage' });
    }
  }
}
