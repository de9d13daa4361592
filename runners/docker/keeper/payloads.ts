import type { GapReason, Stream } from '../../../src/documents/stream.ts';

export type JournalFrame =
  /** `at`: the container's clock, in ms since 1970. */
  | { type: 'started'; pid: number; at: number }
  | { type: 'not_started'; errno: number }
  | { type: 'output'; stream: Stream; bytes: Buffer }
  /** Bytes that were written and are not here, behind those that are. */
  | { type: 'gap'; stream: Stream; length: number; reason: Exclude<GapReason, 'retention'> }
  /** What it leaves running writes on, to a journal of its own (LATE in words.ts). */
  | { type: 'left' }
  | { type: 'killed'; termSent: boolean; killSent: boolean; survivors: number }
  | ExitedFrame
  | { type: 'end' };

export interface ExitedFrame {
  type: 'exited';
  /** Null with a signal, and where not even SIGKILL ended it. */
  exitCode: number | null;
  signal: number | null;
  runUs: number;
  /** From the program's end to this frame. */
  drainUs: number;
  userUs: number;
  systemUs: number;
  maxRssKib: number;
  timedOut: boolean;
  storageFailed: boolean;
}

interface Payload {
  /** Undefined: any up to LONGEST. */
  length: number | undefined;
  /** Null: these bytes say nothing that a keeper says. */
  read: (bytes: Buffer) => JournalFrame | null;
}

export const LONGEST = 65_536;

const STREAM_OF: Readonly<Record<number, Stream>> = { 1: 'stdout', 2: 'stderr' };
const STORAGE = 0x80;

const output =
  (stream: Stream) =>
  (bytes: Buffer): JournalFrame => ({ type: 'output', stream, bytes });

function gap(bytes: Buffer): JournalFrame | null {
  const number = bytes.readUInt8(0);
  const stream = STREAM_OF[number & ~STORAGE];
  const length = count(bytes, 1);
  if (stream === undefined || length === null || length === 0) return null;
  return { type: 'gap', stream, length, reason: (number & STORAGE) === 0 ? 'output_limit' : 'storage' };
}

function killed(bytes: Buffer): JournalFrame | null {
  const [termSent, killSent] = [flag(bytes, 0), flag(bytes, 1)];
  if (termSent === null || killSent === null) return null;
  return { type: 'killed', termSent, killSent, survivors: bytes.readUInt32LE(2) };
}

function started(bytes: Buffer): JournalFrame | null {
  const at = count(bytes, 4);
  return at === null ? null : { type: 'started', pid: bytes.readUInt32LE(0), at };
}

function exited(bytes: Buffer): ExitedFrame | null {
  const code = bytes.readInt32LE(0);
  const signal = bytes.readInt32LE(4);
  const [runUs, drainUs, userUs, systemUs, maxRssKib] = [8, 16, 24, 32, 40].map((at) => count(bytes, at));
  const [timedOut, storageFailed] = [flag(bytes, 48), flag(bytes, 49)];
  if (code < -1 || code > 255 || signal < 0 || signal > 127 || (signal > 0 && code !== -1)) return null;
  if (runUs == null || drainUs == null || userUs == null || systemUs == null || maxRssKib == null)
    return null;
  if (timedOut === null || storageFailed === null) return null;
  const exitCode = code === -1 ? null : code;
  const times = { runUs, drainUs, userUs, systemUs, maxRssKib };
  return { type: 'exited', exitCode, signal: signal || null, ...times, timedOut, storageFailed };
}

/** What each frame holds, by its letter. */
export const PAYLOADS: ReadonlyMap<string, Payload> = new Map<string, Payload>([
  ['s', { length: 12, read: started }],
  ['F', { length: 4, read: (bytes) => ({ type: 'not_started', errno: bytes.readInt32LE(0) }) }],
  ['o', { length: undefined, read: output('stdout') }],
  ['e', { length: undefined, read: output('stderr') }],
  ['g', { length: 9, read: gap }],
  ['l', { length: 0, read: () => ({ type: 'left' }) }],
  ['k', { length: 6, read: killed }],
  ['x', { length: 50, read: exited }],
  ['z', { length: 0, read: () => ({ type: 'end' }) }],
]);

function count(bytes: Buffer, at: number): number | null {
  const value = bytes.readBigUInt64LE(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value);
}

function flag(bytes: Buffer, at: number): boolean | null {
  const value = bytes.readUInt8(at);
  return value > 1 ? null : value === 1;
}
