import { crc32 } from 'node:zlib';
import {
  CHANNELS,
  type Channel,
  channelOf,
  GAP_REASONS,
  type GapReason,
  isOfSetup,
  type Phase,
  STREAMS,
  type Stream,
} from '../documents/stream.ts';
import { parseExact } from '../platform/exact-json.ts';

/**
 * The journal of a run: one JSON object a line, appended, never rewritten but by a repair (earlier.ts). Output
 * entries name bytes of the capture files and do not repeat them. `time` is in ms since the epoch. The last key of a
 * line is `crc`, the CRC-32 of what is before it: what a power cut left of a line is told from a whole one. Journals of
 * earlier releases have no sums. Status events before it and artifact events and `finished` after it are not
 * written here: they follow from the record, which is stored in one transaction (see event-log.ts).
 *
 * What setup wrote has captures of its own, told of as `"type":"setup_stdout"` and in gaps with `"phase":"setup"`. Lines of
 * earlier releases with `"type":"stdout","phase":"setup"` tell of the command's captures, which it shared (`shared`).
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
  /** CRC-32 of the bytes. */
  sum?: number;
  /** Of setup, in the capture of the command. */
  shared?: true;
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
  /** Absent: of the command. */
  phase?: 'setup';
}

/** A line that is no event is a note, e.g. the exit record of a program. */
export type JournalLine =
  | { entry: JournalEntry; note: null }
  | { entry: null; note: Readonly<Record<string, unknown>> };

export function encodeEntry(entry: JournalEntry): string {
  if (entry.type !== 'stdout' && entry.type !== 'stderr') return seal(JSON.stringify(entry));
  const { seq, time, offset, length, sum } = entry;
  const sums = sum === undefined ? '' : `,"sum":${sum}`;
  return seal(
    `{"seq":${seq},"time":${time},"type":"${typeOf(entry)}","offset":${offset},"length":${length}${sums}}`,
  );
}

function typeOf(entry: OutputEntry): string {
  const channel = channelOfEntry(entry);
  return isOfSetup(channel) ? channel : `${channel}","phase":"${entry.phase}`;
}

/** Does it tell of what setup wrote into a capture of the command. */
export function isShared(entry: JournalEntry): boolean {
  return 'shared' in entry && entry.shared === true;
}

/** Does it tell of bytes. A type that only a later release knows does not. */
export function isOfChannel(entry: JournalEntry): entry is OutputEntry | GapEntry {
  return entry.type === 'stdout' || entry.type === 'stderr' || entry.type === 'gap';
}

/** The capture that an entry tells of. */
export function channelOfEntry(entry: OutputEntry | GapEntry): Channel {
  if (entry.type === 'gap') return channelOf(entry.stream, entry.phase ?? 'command');
  return entry.shared ? entry.type : channelOf(entry.type, entry.phase);
}

/** `note` has no seq. */
export function encodeNote(note: object): string {
  return seal(JSON.stringify(note));
}

function seal(json: string): string {
  const open = json.slice(0, -1);
  return `${open},"crc":${crc32(open)}}\n`;
}

const OUTPUT =
  /^\{"seq":(\d+),"time":(\d+),"type":"(?:setup_(stdout|stderr)|(stdout|stderr)","phase":"(setup|command))","offset":(\d+),"length":(\d+)(?:,"sum":(\d+))?(?:,"crc":\d+)?\}$/;
const SEAL = /,"crc":(\d{1,10})\}$/;

/** Keys of the lines that earlier releases wrote without a sum. */
const BARE_KEYS: Readonly<Record<string, readonly string[]>> = {
  progress: ['seq', 'time', 'type', 'message', 'data'],
  gap: ['seq', 'time', 'type', 'stream', 'offset', 'length', 'reason'],
};

/** Decode one line, without its newline. Null for what is no whole line: torn, or damaged. */
export function decodeLine(bytes: Buffer): JournalLine | null {
  const text = bytes.toString('utf8');
  const sealed = SEAL.exec(text);
  if (sealed && crc32(bytes.subarray(0, bytes.length - sealed[0].length)) !== Number(sealed[1])) return null;
  const output = OUTPUT.exec(text);
  if (output) return !sealed && output[3] !== undefined ? null : { entry: outputEntry(output), note: null };
  try {
    const { crc, ...value } = parseExact(text) as Record<string, unknown>;
    const isNote = !('seq' in value);
    if (!sealed && (crc !== undefined || !isBare(value, isNote))) return null;
    if (isNote) return { entry: null, note: value };
    return isEntry(value) ? { entry: value as unknown as JournalEntry, note: null } : null;
  } catch {
    return null;
  }
}

function outputEntry([, seq, time, own, type, phase, offset, length, sum]: RegExpExecArray): OutputEntry {
  return {
    seq: Number(seq),
    time: Number(time),
    type: (own ?? type) as Stream,
    phase: own === undefined ? (phase as Phase) : 'setup',
    offset: Number(offset),
    length: Number(length),
    ...(sum !== undefined && { sum: Number(sum) }),
    ...(own === undefined && phase === 'setup' && { shared: true }),
  };
}

/** A note has one key; a second one was the sum. */
function isBare(value: Record<string, unknown>, isNote: boolean): boolean {
  const keys = Object.keys(value);
  return isNote ? keys.length === 1 : keys.every((key) => BARE_KEYS[String(value.type)]?.includes(key));
}

/** A type of event that only a later release knows is passed on. */
function isEntry({
  seq,
  time,
  type,
  stream,
  offset,
  length,
  reason,
  phase,
}: Record<string, unknown>): boolean {
  if (!isCount(seq) || !isCount(time) || typeof type !== 'string') return false;
  if (isOneOf(CHANNELS, type)) return false; // written in one way only
  if (type !== 'gap') return true;
  if (phase !== undefined && phase !== 'setup') return false;
  return isOneOf(STREAMS, stream) && isCount(offset) && isCount(length) && isOneOf(GAP_REASONS, reason);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isOneOf(list: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && list.includes(value);
}
