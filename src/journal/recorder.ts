import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { CaptureFacts, StreamFacts } from '../documents/outcome.ts';
import {
  type Channel,
  channelOf,
  isOfSetup,
  type OfChannels,
  type Phase,
  SETUP_CHANNELS,
  STREAMS,
  type Stream,
  setupMark,
  streamOf,
} from '../documents/stream.ts';
import { storageText } from '../platform/shortage.ts';
import { type Capture, captureFacts, closeCapture, closeFile, newCapture } from './capture.ts';
import type { Recorded } from './earlier.ts';
import { eventLengths } from './event-lengths.ts';
import { encodeEntry, encodeNote, type JournalEntry } from './journal.ts';
import type { RecorderOptions } from './recorder-options.ts';
import { type Teller, tellUntold } from './untold.ts';
import { incompleteTail } from './utf8.ts';
import { cut, writeAll } from './whole-write.ts';

/** Output that is not kept is told of at once, again when it is twice as much, and then whenever it is so much more. */
const MOST_UNTOLD_BYTES = 16 * 1024 * 1024;

/** Of what is left to be told that of setup comes first. */
const IN_TURN = [...SETUP_CHANNELS, ...STREAMS];

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
  /** Those of setup are made when it writes. */
  readonly #captures: OfChannels<Capture>;
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
      stdout: newCapture('stdout', recorded?.captures.stdout),
      stderr: newCapture('stderr', recorded?.captures.stderr),
    };
    if (recorded) this.#goOn(recorded);
  }

  /** Size of the journal in bytes. */
  get position(): number {
    return this.#position;
  }

  /**
   * Append output; what setup writes has captures of its own. The chunk is used before this returns and may be reused. False when none of it was kept.
   * Throws when the storage does not take it: then nothing of it counts, and it may be sent again.
   */
  write(stream: Stream, chunk: Buffer, phase: Phase = 'command'): boolean {
    const capture = this.#captureOf(stream, phase);
    const room = capture.dropped + capture.gapped > 0 ? 0 : this.#options.maxOutputBytes - capture.kept;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
    capture.phase = phase;
    if (kept.length > 0) this.#keep(capture, kept);
    capture.dropped += chunk.length - kept.length;
    if (capture.dropped > 0 && capture.dropped >= Math.min(capture.gapped, MOST_UNTOLD_BYTES))
      this.#tellDropped(capture);
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
      this.#drop(this.#captureOf(stream, phase ?? 'command'), chunk.length, error);
      return false;
    }
  }

  /** Bytes that were written and that nobody has: like those that the storage does not take, with all that comes after them. */
  miss(stream: Stream, length: number, phase: Phase = 'command'): void {
    const capture = this.#captureOf(stream, phase);
    this.#tellDropped(capture);
    this.#drop(capture, length);
  }

  /** What has been captured of a stream until now. */
  captured(stream: Stream, phase: Phase = 'command'): StreamFacts {
    const channel = this.channelOf(stream, phase);
    return captureFacts(this.#captures[channel] ?? newCapture(channel));
  }

  /** Where it is captured: what an earlier release began goes on in the captures of the command. */
  channelOf(stream: Stream, phase: Phase = 'command'): Channel {
    return this.#options.recorded?.sharesSetup ? stream : channelOf(stream, phase);
  }

  progress(entry: { message?: string; data?: unknown }): void {
    this.#append([{ seq: this.#seq++, time: Date.now(), type: 'progress', ...entry }]);
  }

  /**
   * No more output comes, or no more of this phase: tell of what is held back and of what was not kept. Files of a phase
   * that is over are closed: a run has no more of them open than one without a setup.
   */
  complete(phase?: Phase): void {
    const channels = phase === 'setup' ? SETUP_CHANNELS : phase === 'command' ? STREAMS : IN_TURN;
    for (const channel of channels) {
      const capture = this.#captures[channel];
      if (!capture) continue;
      this.#tellRest(capture);
      if (phase !== undefined) closeFile(capture);
    }
  }

  /**
   * Tell of what is held back and of what was not kept, close the captures and return their facts. `loss`: why
   * the storage did not take all bytes, in words. Never throws: what the journal cannot tell is in the facts.
   */
  end(): CaptureFacts & { nextSeq: number; loss: string | null } {
    this.complete();
    const { stdout, stderr, setup_stdout, setup_stderr } = this.#captures;
    const facts: CaptureFacts = { stdout: closeCapture(stdout), stderr: closeCapture(stderr) };
    if (setup_stdout || setup_stderr || this.#options.setup)
      facts.setup = {
        stdout: closeCapture(setup_stdout ?? newCapture('setup_stdout')),
        stderr: closeCapture(setup_stderr ?? newCapture('setup_stderr')),
      };
    return { ...facts, nextSeq: this.#seq, loss: this.#loss };
  }

  /** Has the run files of its own. */
  get hasFiles(): boolean {
    return this.#position > 0 || Object.values(this.#captures).some(({ kept }) => kept > 0);
  }

  /** Write what is no event, e.g. the exit record of a program. */
  note(note: object): void {
    this.#write(encodeNote(note));
  }

  close(): void {
    if (this.#journal !== null) closeSync(this.#journal);
    this.#journal = null;
  }

  #captureOf(stream: Stream, phase: Phase): Capture {
    const channel = this.channelOf(stream, phase);
    this.#captures[channel] ??= newCapture(channel);
    return this.#captures[channel];
  }

  /** All of it, told of, or nothing. */
  #keep(capture: Capture, bytes: Buffer): void {
    // Where no journal is, nobody looks for files of setup.
    if (isOfSetup(capture.channel)) this.#journal ??= this.#open('journal', APPEND);
    capture.fd ??= this.#open(capture.channel, capture.kept > 0 ? APPEND : APPEND | constants.O_TRUNC);
    writeAll(capture.fd, bytes, capture.kept);
    const before = capture.kept;
    capture.kept += bytes.length;
    try {
      const { held } = capture;
      this.#tellWhole(capture, held.length === 0 ? bytes : Buffer.concat([held, bytes]));
    } catch (error) {
      capture.kept = before;
      cut(capture.fd, before);
      throw error;
    }
  }

  /** `error`: what the storage of this server says. */
  #drop(capture: Capture, length: number, error?: unknown): void {
    capture.dropped += length;
    capture.droppedFor = 'storage';
    if (error !== undefined) this.#loss ??= storageText(error);
  }

  /** After what an earlier writer left. */
  #goOn(recorded: Recorded): void {
    if (Object.values(recorded.captures).some(({ damaged }) => damaged)) this.#loss = LOST;
    for (const channel of SETUP_CHANNELS) {
      const ofSetup = recorded.captures[channel];
      if (ofSetup) this.#captures[channel] = newCapture(channel, ofSetup);
    }
    const teller: Teller = {
      tellWhole: (capture, seen) => this.#tellWhole(capture, seen),
      tellGap: (capture) => this.#tellGap(capture),
      drop: (capture, length, error) => this.#drop(capture, length, error),
    };
    tellUntold(teller, this.#options.directory, recorded, this.#captures);
  }

  /** Tell of the whole characters in `seen`, which begins where the last event ended; the rest is held. */
  #tellWhole(capture: Capture, seen: Buffer): void {
    const tail = incompleteTail(seen);
    this.#tell(capture, seen.subarray(0, seen.length - tail));
    capture.held = tail === 0 ? EMPTY : Buffer.from(seen.subarray(seen.length - tail));
  }

  #tellRest(capture: Capture): void {
    if (capture.held.length > 0)
      try {
        this.#tell(capture, capture.held);
      } catch (error) {
        capture.kept = capture.told;
        cut(capture.fd ?? this.#options.directory[capture.channel], capture.kept);
        this.#drop(capture, capture.held.length, error);
      }
    capture.held = EMPTY;
    this.#tellDropped(capture);
  }

  /** A storage that did not take the bytes may not take word of it: that follows from the record. */
  #tellDropped(capture: Capture): void {
    if (capture.dropped > 0 && capture.droppedFor !== 'storage') this.#tellGap(capture);
  }

  /** Word of what is not kept; where it cannot be written it waits, at the end for the record. */
  #tellGap(capture: Capture): void {
    try {
      if (capture.held.length > 0) this.#tell(capture, capture.held);
      capture.held = EMPTY;
      const { channel, kept, gapped, dropped: length, droppedFor: reason } = capture;
      const gap = { stream: streamOf(channel), offset: kept + gapped, length, reason, ...setupMark(channel) };
      this.#append([{ seq: this.#seq++, time: Date.now(), type: 'gap', ...gap }]);
    } catch {
      return;
    }
    capture.gapped += capture.dropped;
    capture.dropped = 0;
  }

  #tell(capture: Capture, bytes: Buffer): void {
    const time = Date.now();
    const { channel, phase } = capture;
    const type = streamOf(channel);
    const shared = phase === 'setup' && !isOfSetup(channel);
    let offset = capture.told;
    const entries = eventLengths(bytes).map((length): JournalEntry => {
      const from = offset - capture.told;
      const sum = crc32(bytes.subarray(from, from + length));
      const entry = { seq: this.#seq++, time, type, phase, offset, length, sum };
      offset += length;
      return shared ? { ...entry, shared } : entry;
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

  #open(file: Channel | 'journal', flags: number): number {
    const { directory } = this.#options;
    if (!existsSync(directory.root)) mkdirSync(directory.root, 0o700);
    return openSync(directory[file], flags, 0o600);
  }
}
