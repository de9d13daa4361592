import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { ArtifactDescriptor } from '../documents/artifact.ts';
import type { Outcome } from '../documents/outcome.ts';
import type { RuntimeResult } from '../documents/result.ts';
import { isOfSetup, type Phase, setupMark } from '../documents/stream.ts';
import { channelOfEntry, type JournalEntry, type OutputEntry } from '../journal/journal.ts';
import type { RunFiles } from './run-files.ts';

/** An event of a run before its output bytes are put in. `time` is in ms since the epoch. */
export type LogEntry =
  | { seq: number; time: number; type: 'status'; status: 'pending' | 'running' }
  | JournalEntry
  | { seq: number; time: number; type: 'artifact'; artifact: ArtifactDescriptor }
  | { seq: number; time: number; type: 'finished'; result: RuntimeResult; outcome: Outcome };

export function isOutput(entry: LogEntry): entry is OutputEntry {
  return entry.type === 'stdout' || entry.type === 'stderr';
}

/** Is it output of this phase. What setup wrote into a capture of the command, under an earlier release, is the command's. */
export function isOutputOf(entry: LogEntry, phase: Phase): entry is OutputEntry {
  return isOutput(entry) && isOfSetup(channelOfEntry(entry)) === (phase === 'setup');
}

/** Does the event bring its stream over a multiple of so many bytes. */
export function crosses(entry: LogEntry, bound: number): boolean {
  return (
    isOutput(entry) && Math.floor(entry.offset / bound) !== Math.floor((entry.offset + entry.length) / bound)
  );
}

/** Where the bytes of output events are. */
export type OutputFiles = Pick<RunFiles, 'readInto'>;

/** One event as readers get it. An output event whose bytes were lost is a gap. */
export class LoggedEvent {
  readonly seq: number;
  readonly entry: LogEntry;
  /** Null: it has no bytes. */
  readonly files: OutputFiles | null;
  readonly #invocationId: string;
  #lost = false;

  constructor(invocationId: string, entry: LogEntry, files: OutputFiles | null = null) {
    this.seq = entry.seq;
    this.entry = entry;
    this.files = files;
    this.#invocationId = invocationId;
  }

  /** Whether the bytes of an output event are there is known when json() was called. */
  get type(): LogEntry['type'] {
    return this.#lost ? 'gap' : this.entry.type;
  }

  /** Are these the bytes that were captured. */
  vouchesFor(bytes: Buffer): boolean {
    const { entry } = this;
    return (
      isOutput(entry) &&
      bytes.length === entry.length &&
      (entry.sum === undefined || crc32(bytes) === entry.sum)
    );
  }

  /** The RuntimeEvent on one line of JSON, without newline. `bytes` of an output event; null: they are lost. */
  json(bytes: Buffer | null): string {
    const { seq, time, type, ...rest } = this.entry;
    const head = { invocation_id: this.#invocationId, seq, time: new Date(time).toISOString() };
    if (!isOutput(this.entry)) return JSON.stringify({ ...head, type, ...rest });
    const { phase, offset, length } = this.entry;
    this.#lost = bytes === null;
    if (bytes === null) {
      const gap = { type: 'gap', stream: type, offset, length, reason: 'storage' };
      return JSON.stringify({ ...head, ...gap, ...setupMark(channelOfEntry(this.entry)) });
    }
    const body = isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
    return JSON.stringify({ ...head, type, phase, offset, length, ...body });
  }
}
