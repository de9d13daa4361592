import type { GapReason, Phase, Stream } from './stream.ts';

/**
 * The journal of a run: one JSON object a line, appended, never rewritten. Output entries name
 * bytes of the capture files and do not repeat them. `time` is in ms since the epoch.
 * Status events before it and artifact events and `finished` after it are not written here:
 * they follow from the record, which is stored in one transaction (see event-log.ts).
 */
export type JournalEntry = OutputEntry | ProgressEntry | GapEntry;

interface EntryHead {
  seq: number;
  time: number;
}
export interface OutputEntry extends EntryHead {
  type: Stream;
  phase: Phase;
  offset: number;
  length: number;
}
export interface ProgressEntry extends EntryHead {
  type: 'progress';
  message?: string;
  data?: unknown;
}
export interface GapEntry extends EntryHead {
  type: 'gap';
  stream: Stream;
  offset: number;
  length: number;
  reason: GapReason;
}

export function encodeEntry(entry: JournalEntry): string {
  if (entry.type === 'stdout' || entry.type === 'stderr')
    return `{"seq":${entry.seq},"time":${entry.time},"type":"${entry.type}","phase":"${entry.phase}","offset":${entry.offset},"length":${entry.length}}\n`;
  return `${JSON.stringify(entry)}\n`;
}

/** Decode one line. Returns undefined for a line that is no event: torn, or the exit record of a process. */
export function decodeEntry(line: string): JournalEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'seq' in value && typeof value.seq === 'number'
      ? (value as JournalEntry)
      : undefined;
  } catch {
    return undefined;
  }
}
