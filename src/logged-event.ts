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

/** One event as readers get it. Buffers must not be written to. */
export class LoggedEvent {
  readonly seq: number;
  readonly entry: LogEntry;
  readonly #invocationId: string;
  readonly #load: (() => Promise<Buffer>) | null;

  constructor(invocationId: string, entry: LogEntry, load: (() => Promise<Buffer>) | null = null) {
    this.seq = entry.seq;
    this.entry = entry;
    this.#invocationId = invocationId;
    this.#load = load;
  }

  /** The bytes of a stdout or stderr event. */
  bytes(): Promise<Buffer> {
    return this.#load?.() ?? NOTHING;
  }

  /** The RuntimeEvent on one line of JSON, without newline. */
  async json(): Promise<string> {
    const { seq, time, type, ...rest } = this.entry;
    const head = { invocation_id: this.#invocationId, seq, time: new Date(time).toISOString(), type };
    if (!this.#load) return JSON.stringify({ ...head, ...rest });
    const bytes = await this.#load();
    const body = isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
    return JSON.stringify({ ...head, ...rest, ...body });
  }
}
