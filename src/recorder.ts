import { createHash, type Hash, hash } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { encodeEntry, type JournalEntry } from './journal.ts';
import type { StreamFacts } from './outcome.ts';
import type { Recorded, RecordedCapture } from './recorded.ts';
import type { RunDirectory } from './run-directory.ts';
import { type Phase, STREAMS, type Stream } from './stream.ts';
import { incompleteTail } from './utf8.ts';

/** Output events longer than this are split, so that one event stays a comfortable SSE message. */
export const MAX_EVENT_BYTES = 64 * 1024;

export interface RecorderOptions {
  directory: RunDirectory;
  /** seq of the first entry. */
  firstSeq: number;
  /** Bytes kept of each stream; what comes after is counted and reported as a gap. */
  maxOutputBytes: number;
  /** Called after entries are in the journal, with its size in bytes after them. */
  onAppend?: (end: number) => void;
  /** Go on with this; `firstSeq` is not looked at then. */
  recorded?: Recorded | null | undefined;
}

interface Capture {
  /** Null until there are bytes to keep. */
  fd: number | null;
  bytes: number;
  kept: number;
  /** Bytes that an event has told of. */
  told: number;
  /** Bytes not kept that a gap has told of. */
  gapped: number;
  hash: Hash | null;
  /** The bytes between `told` and `kept`: the beginning of a character. */
  held: Buffer;
  phase: Phase;
}

const EMPTY = Buffer.alloc(0);
const EMPTY_SHA256 = hash('sha256', '');

/**
 * The one writer of a run's captures and journal. Synchronous: when a call returns, the bytes are
 * with the kernel and outlive the process. Files and their directory are made with the first byte: a run
 * that says nothing costs the file system nothing. Writes that fail throw (ENOSPC, EIO).
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #captures: Record<Stream, Capture>;
  #journal: number | null = null;
  #position = 0;
  #seq: number;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { recorded } = options;
    this.#seq = recorded?.nextSeq ?? options.firstSeq;
    this.#position = recorded?.position ?? 0;
    this.#captures = {
      stdout: newCapture(recorded?.captures.stdout),
      stderr: newCapture(recorded?.captures.stderr),
    };
    for (const stream of STREAMS) this.#tellWhole(stream, this.#captures[stream].held);
  }

  /** Size of the journal in bytes. */
  get position(): number {
    return this.#position;
  }

  /** Append output. The chunk is used before this returns and may be reused. False when none of it was kept. */
  write(stream: Stream, chunk: Buffer, phase: Phase = 'command'): boolean {
    const capture = this.#captures[stream];
    const room = this.#options.maxOutputBytes - capture.kept;
    capture.bytes += chunk.length;
    capture.phase = phase;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
    if (kept.length === 0) return false;
    capture.fd ??= this.#open(stream, capture.kept > 0 ? 'a' : 'w');
    writeAll(capture.fd, kept, capture.kept);
    capture.kept += kept.length;
    capture.hash ??= createHash('sha256');
    capture.hash.update(kept);
    this.#tellWhole(stream, capture.held.length === 0 ? kept : Buffer.concat([capture.held, kept]));
    return true;
  }

  /** What has been captured of a stream until now. */
  captured(stream: Stream): StreamFacts {
    const { bytes, kept, hash: digest } = this.#captures[stream];
    return { bytes, kept, sha256: digest?.copy().digest('hex') ?? EMPTY_SHA256 };
  }

  progress(entry: { message?: string; data?: unknown }): void {
    this.#append([{ seq: this.#seq++, time: Date.now(), type: 'progress', ...entry }]);
  }

  /** Tell of what is held back and of what was not kept, close the captures and return their facts. */
  end(): { stdout: StreamFacts; stderr: StreamFacts; nextSeq: number; error: string | null } {
    let error: string | null = null;
    for (const stream of STREAMS)
      try {
        this.#tellRest(stream);
      } catch (cause) {
        error = cause instanceof Error ? cause.message : String(cause);
      }
    const stdout = closeCapture(this.#captures.stdout);
    const stderr = closeCapture(this.#captures.stderr);
    return { stdout, stderr, nextSeq: this.#seq, error };
  }

  /** Has the run files of its own. */
  get hasFiles(): boolean {
    return this.#position > 0 || this.#captures.stdout.kept > 0 || this.#captures.stderr.kept > 0;
  }

  /** Write a line that is no event, e.g. the exit record of a program. */
  note(line: string): void {
    this.#write(`${line}\n`);
  }

  close(): void {
    if (this.#journal !== null) closeSync(this.#journal);
    this.#journal = null;
  }

  /** Tell of the whole characters in `seen`, which begins where the last event ended; the rest is held. */
  #tellWhole(stream: Stream, seen: Buffer): void {
    const capture = this.#captures[stream];
    const tail = incompleteTail(seen);
    try {
      this.#tell(stream, capture, seen.subarray(0, seen.length - tail));
    } catch (error) {
      capture.held = Buffer.from(seen); // captured and not told of: the next event begins with it
      throw error;
    }
    capture.held = tail === 0 ? EMPTY : Buffer.from(seen.subarray(seen.length - tail));
  }

  #tellRest(stream: Stream): void {
    const capture = this.#captures[stream];
    if (capture.held.length > 0) this.#tell(stream, capture, capture.held);
    capture.held = EMPTY;
    const { kept, bytes, gapped } = capture;
    if (bytes === kept + gapped) return;
    this.#append([
      {
        seq: this.#seq++,
        time: Date.now(),
        type: 'gap',
        stream,
        offset: kept + gapped,
        length: bytes - kept - gapped,
        reason: 'output_limit',
      },
    ]);
    capture.gapped = bytes - kept;
  }

  #tell(stream: Stream, capture: Capture, bytes: Buffer): void {
    const time = Date.now();
    const { phase } = capture;
    let offset = capture.told;
    const entries = eventLengths(bytes).map((length): JournalEntry => {
      const entry = { seq: this.#seq++, time, type: stream, phase, offset, length };
      offset += length;
      return entry;
    });
    if (entries.length > 0) this.#append(entries);
    capture.told = offset;
  }

  #append(entries: JournalEntry[]): void {
    const lines = entries.map(encodeEntry).join('');
    try {
      this.#write(lines);
    } catch (error) {
      this.#seq -= entries.length; // what could not be written leaves no hole
      throw error;
    }
    this.#options.onAppend?.(this.#position);
  }

  #write(lines: string): void {
    this.#journal ??= this.#open('journal', 'a');
    const bytes = Buffer.from(lines);
    writeAll(this.#journal, bytes, this.#position);
    this.#position += bytes.length;
  }

  #open(file: Stream | 'journal', flags: 'a' | 'w'): number {
    const { directory } = this.#options;
    try {
      return openSync(directory[file], flags, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      mkdirSync(directory.root, { recursive: true, mode: 0o700 });
      return openSync(directory[file], flags, 0o600);
    }
  }
}

/** How output is cut into events: at most MAX_EVENT_BYTES each, no character split. */
export function eventLengths(bytes: Buffer): number[] {
  const lengths: number[] = [];
  for (let from = 0; from < bytes.length; ) {
    let to = Math.min(bytes.length, from + MAX_EVENT_BYTES);
    if (to < bytes.length) to -= incompleteTail(bytes.subarray(from, to));
    lengths.push(to - from);
    from = to;
  }
  return lengths;
}

function newCapture(recorded: RecordedCapture | undefined): Capture {
  const { kept = 0, told = 0, gapped = 0, hash = null, untold = EMPTY } = recorded ?? {};
  return {
    fd: null,
    bytes: kept + gapped,
    kept,
    told,
    gapped,
    hash,
    held: untold,
    phase: 'command',
  };
}

function closeCapture(capture: Capture): StreamFacts {
  if (capture.fd !== null) closeSync(capture.fd);
  capture.fd = null;
  return { bytes: capture.bytes, kept: capture.kept, sha256: capture.hash?.digest('hex') ?? EMPTY_SHA256 };
}

/** All or nothing: what a full disk took of the bytes is cut off again, at `size`. */
function writeAll(fd: number, bytes: Buffer, size: number): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
  } catch (error) {
    try {
      ftruncateSync(fd, size);
    } catch {
      // the error that is told is the first one
    }
    throw error;
  }
}
