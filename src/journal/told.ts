import type { StreamFacts } from '../documents/outcome.ts';
import { type Phase, STREAMS, type Stream } from '../documents/stream.ts';
import { CaptureCheck } from './capture-check.ts';
import type { JournalEntry } from './journal.ts';

/** Bytes of one stream as the journal tells of them. */
export interface Told {
  capture: CaptureCheck;
  /** In the file. */
  size: number;
  /** Of these, what the run can have written. */
  captured: number;
  /** By output events. */
  told: number;
  gapped: number;
  /** The end of all that any line tells of. */
  claimed: number;
  /** Of these, that were more than was to be kept, and that no line that counts tells of. */
  overLimit: number;
  phase: Phase;
  /** An earlier repair gapped what was lost. */
  repaired: boolean;
}

export type Streams = Readonly<Record<Stream, Told>>;

export function nothingTold(path: string, size: number): Told {
  return {
    capture: new CaptureCheck(path, size),
    size,
    captured: size,
    told: 0,
    gapped: 0,
    claimed: 0,
    overLimit: 0,
    phase: 'command',
    repaired: false,
  };
}

/** What the writer itself said at its end. */
export function bound(streams: Streams, facts: Readonly<Record<Stream, StreamFacts>> | null): void {
  if (facts === null) return;
  for (const stream of STREAMS) {
    const told = streams[stream];
    const { bytes, kept, gap } = facts[stream];
    told.claimed = bytes;
    told.captured = Math.min(kept, told.size);
    told.overLimit = bytes - kept - (gap?.reason === 'storage' ? gap.length : 0) - told.gapped;
  }
}

/** An entry tells that there were bytes, also where it does not follow. */
export function claim(streams: Streams, entry: JournalEntry, isCut: boolean): void {
  const stream = streamOf(entry);
  if (stream === null || entry.type === 'progress') return;
  const told = streams[stream];
  told.claimed = Math.max(told.claimed, entry.offset + entry.length);
  if (isCut && entry.type === 'gap' && entry.reason === 'output_limit') told.overLimit += entry.length;
}

/** No seq is left out or comes twice, nor does a byte; and nothing is kept behind a gap. */
export function follows(streams: Streams, seq: number, entry: JournalEntry): boolean {
  if (entry.seq !== seq) return false;
  const stream = streamOf(entry);
  if (stream === null || entry.type === 'progress') return true;
  const { told, gapped } = streams[stream];
  return entry.length > 0 && entry.offset === told + gapped && (entry.type === 'gap' || gapped === 0);
}

/** An entry that follows. False: the bytes of the event are lost. */
export async function take(streams: Streams, entry: JournalEntry): Promise<boolean> {
  const stream = streamOf(entry);
  if (stream === null || entry.type === 'progress') return true;
  const told = streams[stream];
  if (entry.type === 'gap') {
    told.gapped += entry.length;
    told.repaired ||= entry.reason === 'storage';
    return true;
  }
  told.told += entry.length;
  told.phase = entry.phase;
  return told.capture.next(entry.length, entry.sum);
}

function streamOf(entry: JournalEntry): Stream | null {
  if (entry.type === 'stdout' || entry.type === 'stderr') return entry.type;
  return entry.type === 'gap' ? entry.stream : null;
}
