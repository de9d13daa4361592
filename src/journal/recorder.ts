import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { StreamFacts } from '../documents/outcome.ts';
import { type Phase, STREAMS, type Stream } from '../documents/stream.ts';
import { storageText } from '../platform/shortage.ts';
import { type Capture, captureFacts, closeCapture, newCapture } from './capture.ts';
import type { Recorded } from './earlier.ts';
import { eventLengths } from './event-lengths.ts';
import { encodeEntry, encodeNote, type JournalEntry } from './journal.ts';
import { type Teller, tellUntold } from './untold.ts';
import { incompleteTail } from './utf8.ts';
import { cut, writeAll } from './whole-write.ts';

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

/** Output that is not kept is told of at once, again when it is twice as much, and then whenever it is so much more. */
const MOST_UNTOLD_BYTES = 16 * 1024 * 1024;

const EMPTY = Buffer.alloc(0);
const LOST = 'the disk of the server did not keep it';
/** Always at the end of the file, also of one that was cut. */
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;

/**
 * The one writer of a run's captures and journal. Synchronous: when a call returns, the bytes are
 * with the kernel and outlive the process. Files and their directory are made with the first byte: a run
 * that says nothing costs the file system nothing. Writes that fail throw (ENOSPC, EIO) and have taken nothing.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #captures: Record<Stream, Capture>;
  #journal: number | null = null;
  #position = 0;
  #seq: number;
  #loss: string | null = null;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { recorded } = options;
    this.#seq = recorded?.nextSeq ?? options.firstSeq;
    this.#position = recorded?.position ?? 0;
    this.#captures = {
      stdout: newCapture(recorded?.captures.stdout),
      stderr: newCapture(recorded?.captures.stderr),
    };
    if (recorded) this.#goOn(recorded);
  }

  /** Size of the journal in bytes. */
  get position(): number {
    return this.#position;
  }

  /**
   * Append output. The chunk is used before this returns and may be reused. False when none of it was kept.
   * Throws when the storage does not take it: then nothing of it counts, and it may be sent again.
   */
  write(stream: Stream, chunk: Buffer, phase: Phase = 'command'): boolean {
    const capture = this.#captures[stream];
    const room = capture.dropped + capture.gapped > 0 ? 0 : this.#options.maxOutputBytes - capture.kept;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
    capture.phase = phase;
    if (kept.length > 0) this.#keep(capture, stream, kept);
    capture.dropped += chunk.length - kept.length;
    if (capture.dropped > 0 && capture.dropped >= Math.min(capture.gapped, MOST_UNTOLD_BYTES))
      this.#tellDropped(capture, stream);
    return kept.length > 0;
  }

  /**
   * Append output that nobody sends again. What the storage does not take is counted, and so is all that
   * comes after it: the capture has no holes. False when none of it was kept.
   */
  take(stream: Stream, chunk: Buffer, phase?: Phase): boolean {
    try {
      return this.write(stream, chunk, phase);
    } catch (error) {
      this.#drop(this.#captures[stream], chunk.length, error);
      return false;
    }
  }

  /** What has been captured of a stream until now. */
  captured(stream: Stream): StreamFacts {
    return captureFacts(this.#captures[stream]);
  }

  progress(entry: { message?: string; data?: unknown }): void {
    this.#append([{ seq: this.#seq++, time: Date.now(), type: 'progress', ...entry }]);
  }

  /** No more output comes: tell of what is held back and of what was not kept. */
  complete(): void {
    for (const stream of STREAMS) this.#tellRest(this.#captures[stream], stream);
  }

  /**
   * Tell of what is held back and of what was not kept, close the captures and return their facts. `loss`: why
   * the storage did not take all bytes, in words. Never throws: what the journal cannot tell is in the facts.
   */
  end(): { stdout: StreamFacts; stderr: StreamFacts; nextSeq: number; loss: string | null } {
    this.complete();
    const [stdout, stderr] = [closeCapture(this.#captures.stdout), closeCapture(this.#captures.stderr)];
    return { stdout, stderr, nextSeq: this.#seq, loss: this.#loss };
  }

  /** Has the run files of its own. */
  get hasFiles(): boolean {
    return this.#position > 0 || this.#captures.stdout.kept > 0 || this.#captures.stderr.kept > 0;
  }

  /** Write what is no event, e.g. the exit record of a program. */
  note(note: object): void {
    this.#write(encodeNote(note));
  }

  close(): void {
    if (this.#journal !== null) closeSync(this.#journal);
    this.#journal = null;
  }

  /** All of it, told of, or nothing. */
  #keep(capture: Capture, stream: Stream, bytes: Buffer): void {
    capture.fd ??= this.#open(stream, capture.kept > 0 ? APPEND : APPEND | constants.O_TRUNC);
    writeAll(capture.fd, bytes, capture.kept);
    const before = capture.kept;
    capture.kept += bytes.length;
    try {
      const { held } = capture;
      this.#tellWhole(capture, stream, held.length === 0 ? bytes : Buffer.concat([held, bytes]));
    } catch (error) {
      capture.kept = before;
      cut(capture.fd, before);
      throw error;
    }
  }

  #drop(capture: Capture, length: number, error: unknown): void {
    capture.dropped += length;
    capture.droppedFor = 'storage';
    this.#loss ??= storageText(error);
  }

  /** After what an earlier writer left. */
  #goOn(recorded: Recorded): void {
    if (STREAMS.some((stream) => recorded.captures[stream].damaged)) this.#loss = LOST;
    const teller: Teller = {
      tellWhole: (capture, stream, seen) => this.#tellWhole(capture, stream, seen),
      tellGap: (capture, stream) => this.#tellGap(capture, stream),
      drop: (capture, length, error) => this.#drop(capture, length, error),
    };
    tellUntold(teller, this.#options.directory, recorded, this.#captures);
  }

  /** Tell of the whole characters in `seen`, which begins where the last event ended; the rest is held. */
  #tellWhole(capture: Capture, stream: Stream, seen: Buffer): void {
    const tail = incompleteTail(seen);
    this.#tell(capture, stream, seen.subarray(0, seen.length - tail));
    capture.held = tail === 0 ? EMPTY : Buffer.from(seen.subarray(seen.length - tail));
  }

  #tellRest(capture: Capture, stream: Stream): void {
    if (capture.held.length > 0)
      try {
        this.#tell(capture, stream, capture.held);
      } catch (error) {
        capture.kept = capture.told;
        cut(capture.fd ?? this.#options.directory[stream], capture.kept);
        this.#drop(capture, capture.held.length, error);
      }
    capture.held = EMPTY;
    this.#tellDropped(capture, stream);
  }

  /** A storage that did not take the bytes may not take word of it: that follows from the record. */
  #tellDropped(capture: Capture, stream: Stream): void {
    if (capture.dropped > 0 && capture.droppedFor !== 'storage') this.#tellGap(capture, stream);
  }

  /** Word of what is not kept; where it cannot be written it waits, at the end for the record. */
  #tellGap(capture: Capture, stream: Stream): void {
    try {
      if (capture.held.length > 0) this.#tell(capture, stream, capture.held);
      capture.held = EMPTY;
      const { kept, gapped, dropped: length, droppedFor: reason } = capture;
      const seq = this.#seq++;
      this.#append([{ seq, time: Date.now(), type: 'gap', stream, offset: kept + gapped, length, reason }]);
    } catch {
      return;
    }
    capture.gapped += capture.dropped;
    capture.dropped = 0;
  }

  #tell(capture: Capture, stream: Stream, bytes: Buffer): void {
    const time = Date.now();
    const { phase } = capture;
    let offset = capture.told;
    const entries = eventLengths(bytes).map((length): JournalEntry => {
      const from = offset - capture.told;
      const sum = crc32(bytes.subarray(from, from + length));
      const entry = { seq: this.#seq++, time, type: stream, phase, offset, length, sum };
      offset += length;
      return entry;
    });
    if (entries.length === 0) return;
    this.#append(entries);
    capture.told = offset;
    capture.hash ??= createHash('sha256');
    capture.hash.update(bytes);
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
    this.#journal ??= this.#open('journal', APPEND);
    const bytes = Buffer.from(lines);
    writeAll(this.#journal, bytes, this.#position);
    this.#position += bytes.length;
  }

  #open(file: Stream | 'journal', flags: number): number {
    const { directory } = this.#options;
    if (!existsSync(directory.root)) mkdirSync(directory.root, 0o700);
    return openSync(directory[file], flags, 0o600);
  }
}
