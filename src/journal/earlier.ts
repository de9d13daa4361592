import type { Hash } from 'node:crypto';
import { statSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { StreamFacts } from '../documents/outcome.ts';
import { type GapReason, type Phase, STREAMS, type Stream } from '../documents/stream.ts';
import { CaptureCheck } from './capture-check.ts';
import { decodeLine, encodeEntry, type JournalEntry } from './journal.ts';
import { wholeLines } from './journal-lines.ts';
import { repairJournal } from './repair.ts';

/** One capture as it was left, or as it is after its repair. Bytes. */
export interface RecordedCapture {
  /** In the file. */
  kept: number;
  /** That events have told of. */
  told: number;
  /** That gaps have told of: they came after those kept. */
  gapped: number;
  /** That are known to have come after all these, and that nothing has told of: to be told when those untold were. */
  lost: { length: number; reason: GapReason }[];
  /** The storage did not keep all that was captured. */
  damaged: boolean;
  /** Of what was told of last. */
  phase: Phase;
  /** Of the bytes told of. */
  hash: Hash;
}

/** What an earlier server recorded of a run, for a Recorder to go on with. */
export interface Recorded {
  /** Size of the journal. */
  position: number;
  nextSeq: number;
  captures: Record<Stream, RecordedCapture>;
  /** Lines of the journal were damaged or did not follow the one before; they and all after them are gone. */
  cut: boolean;
}

export interface RecordedOptions {
  /** Gets lines that are no event. Returns what one says of all that was captured, if it does. */
  onNote?: (note: Readonly<Record<string, unknown>>) => Readonly<Record<Stream, StreamFacts>> | null;
  /** The machine restarted since: of what was written last, the disk may have anything. */
  rebooted?: boolean;
}

const CUT = 'the journal was damaged here: events that followed were lost';

/** Bytes of one stream as the journal tells of them. */
interface Told {
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

/**
 * Read what was recorded, and repair it. Nothing is made up: the journal is cut at its last whole line that follows the
 * one before; an event whose bytes the capture does not have becomes a gap, and so do all that follow it in the stream.
 * Captured bytes that no event tells of are kept to be told of, unless the machine restarted: then nothing vouches
 * for them, and they are cut off and counted as lost. Null when nothing was recorded.
 */
export async function readRecorded(
  directory: RunDirectory,
  firstSeq: number,
  { onNote = () => null, rebooted = false }: RecordedOptions = {},
): Promise<Recorded | null> {
  const sizes = { stdout: sizeOf(directory.stdout), stderr: sizeOf(directory.stderr) };
  const size = sizeOf(directory.journal);
  if (sizes.stdout === null && sizes.stderr === null && size === null) return null;
  const streams = {
    stdout: untold(directory.stdout, sizes.stdout ?? 0),
    stderr: untold(directory.stderr, sizes.stderr ?? 0),
  };
  const survey = { whole: 0, nextSeq: firstSeq, firstLost: null as number | null, cut: false };
  /** Behind a cut, the last of each sort: what they say is true all the same. */
  const notes = new Map<string, string>();
  try {
    if (size !== null)
      for await (const line of wholeLines(directory.journal)) {
        const decoded = decodeLine(line);
        if (decoded?.note) bound(streams, onNote(decoded.note));
        survey.cut ||=
          !decoded || (decoded.entry !== null && !follows(streams, survey.nextSeq, decoded.entry));
        if (decoded?.entry) claim(streams, decoded.entry, survey.cut);
        if (survey.cut) {
          if (decoded?.note) notes.set(Object.keys(decoded.note)[0] ?? '', `${line}\n`);
          continue;
        }
        if (decoded?.entry) {
          survey.nextSeq++;
          if (!(await take(streams, decoded.entry))) survey.firstLost ??= survey.whole;
        }
        survey.whole += line.length + 1;
      }
  } finally {
    for (const stream of STREAMS) await streams[stream].capture.close();
  }
  const captures = {
    stdout: settle(streams.stdout, rebooted),
    stderr: settle(streams.stderr, rebooted),
  };
  const added: JournalEntry[] = [];
  const head = () => ({ seq: survey.nextSeq + added.length, time: Date.now() });
  if (survey.cut) added.push({ ...head(), type: 'progress', message: CUT });
  for (const stream of STREAMS) {
    const capture = captures[stream];
    if (capture.told < capture.kept) continue;
    for (const { length, reason } of capture.lost.splice(0)) {
      added.push({ ...head(), type: 'gap', stream, offset: capture.kept + capture.gapped, length, reason });
      capture.gapped += length;
    }
  }
  // The journal first: a crash in between must not forget what was lost.
  let position = survey.whole;
  if (survey.firstLost !== null || added.length > 0)
    position = await repairJournal(directory.journal, {
      ...{ from: survey.firstLost ?? survey.whole, to: survey.whole },
      added: [...added.map(encodeEntry), ...notes.values()],
      isLost: ({ type, offset }) => offset >= streams[type].capture.sound,
    });
  else if (size !== null && size > position) await truncate(directory.journal, position);
  for (const stream of STREAMS)
    if (streams[stream].size > captures[stream].kept)
      await truncate(directory[stream], captures[stream].kept);
  return { position, nextSeq: survey.nextSeq + added.length, captures, cut: survey.cut };
}

function untold(path: string, size: number): Told {
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

type Streams = Record<Stream, Told>;

/** What the writer itself said at its end. */
function bound(streams: Streams, facts: Readonly<Record<Stream, StreamFacts>> | null): void {
  if (facts === null) return;
  for (const stream of STREAMS) {
    const told = streams[stream];
    const { bytes, kept, gap } = facts[stream];
    told.claimed = bytes;
    told.captured = Math.min(kept, told.size);
    told.overLimit = bytes - kept - (gap?.reason === 'storage' ? gap.length : 0) - told.gapped;
  }
}

function claim(streams: Streams, entry: JournalEntry, isCut: boolean): void {
  const stream = streamOf(entry);
  if (stream === null || entry.type === 'progress') return;
  const told = streams[stream];
  told.claimed = Math.max(told.claimed, entry.offset + entry.length);
  if (isCut && entry.type === 'gap' && entry.reason === 'output_limit') told.overLimit += entry.length;
}

/** No seq is left out or comes twice, nor does a byte; and nothing is kept behind a gap. */
function follows(streams: Streams, seq: number, entry: JournalEntry): boolean {
  if (entry.seq !== seq) return false;
  const stream = streamOf(entry);
  if (stream === null || entry.type === 'progress') return true;
  const { told, gapped } = streams[stream];
  return entry.length > 0 && entry.offset === told + gapped && (entry.type === 'gap' || gapped === 0);
}

/** False: the bytes of the event are lost. */
async function take(streams: Streams, entry: JournalEntry): Promise<boolean> {
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

/** What of a capture is kept: nothing that no event vouches for where that is in doubt, and nothing behind a gap. */
function settle({ capture, captured, claimed, ...told }: Told, rebooted: boolean): RecordedCapture {
  const { sound, hash, broken } = capture;
  const kept = broken || rebooted || told.gapped > 0 ? sound : captured;
  const gapped = told.gapped + told.told - sound;
  const missing = Math.max(0, Math.max(claimed, captured) - kept - gapped);
  const overLimit = Math.min(missing, Math.max(0, told.overLimit));
  const lost = [
    { length: missing - overLimit, reason: 'storage' as const },
    { length: overLimit, reason: 'output_limit' as const },
  ].filter(({ length }) => length > 0);
  return {
    ...{ kept, told: sound, gapped, lost, hash, phase: told.phase },
    damaged: broken || told.repaired || missing > overLimit,
  };
}

/** Asked at once: for runs without files, of which there may be very many, the thread pool takes ten times as long. */
function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}
