import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  createReadStream,
  existsSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { decodeEntry, encodeEntry } from '../journal.ts';
import type { StreamFacts } from '../outcome.ts';
import { eventLengths } from '../recorder.ts';
import type { RunDirectory } from '../run-directory.ts';
import { STREAMS, type Stream } from '../stream.ts';
import type { ExitFacts, SpawnFailure, StartedFacts } from './protocol.ts';

/** What the journal of a run says that an earlier supervisor had. */
export interface Remains {
  /** How it ended, when that was written. */
  exit: ExitFacts | null;
  failed: SpawnFailure | null;
  started: StartedFacts | null;
  /** Size of the whole lines, in bytes; a torn end is cut off. */
  end: number;
  nextSeq: number;
  /** Bytes of each stream that events have told of. */
  told: Record<Stream, number>;
}

/** Null when no supervisor ever began with this run: captures are made before anything is started. */
export async function readRemains(directory: RunDirectory, firstSeq: number): Promise<Remains | null> {
  if (!existsSync(directory.stdout)) return null;
  const remains: Remains = {
    exit: null,
    failed: null,
    started: null,
    end: 0,
    nextSeq: firstSeq,
    told: { stdout: 0, stderr: 0 },
  };
  if (!existsSync(directory.journal)) return remains;
  for await (const line of linesOf(directory.journal)) {
    remains.end += line.length + 1;
    take(remains, line.toString('utf8'));
  }
  if (statSync(directory.journal).size > remains.end) truncateSync(directory.journal, remains.end);
  return remains;
}

/** Tell of captured bytes that no event tells of yet, and return the facts of the captures. */
export async function completeJournal(
  directory: RunDirectory,
  remains: Remains,
): Promise<{ stdout: StreamFacts; stderr: StreamFacts }> {
  for (const stream of STREAMS) {
    let offset = remains.told[stream];
    const lines = eventLengths(bytesFrom(directory[stream], offset)).map((length) => {
      const entry = {
        seq: remains.nextSeq++,
        time: Date.now(),
        type: stream,
        phase: 'command',
        offset,
        length,
      } as const;
      offset += length;
      return encodeEntry(entry);
    });
    if (lines.length === 0) continue;
    const text = lines.join('');
    appendFileSync(directory.journal, text, { mode: 0o600 });
    remains.end += Buffer.byteLength(text);
    remains.told[stream] = offset;
  }
  return { stdout: await factsOf(directory.stdout), stderr: await factsOf(directory.stderr) };
}

function take(remains: Remains, line: string): void {
  const entry = decodeEntry(line);
  if (entry) {
    remains.nextSeq = entry.seq + 1;
    if (entry.type === 'stdout' || entry.type === 'stderr')
      remains.told[entry.type] = entry.offset + entry.length;
    return;
  }
  const facts = parse(line);
  remains.exit = facts.exit ?? remains.exit;
  remains.failed = facts.failed ?? remains.failed;
  remains.started = facts.started ?? remains.started;
}

function parse(line: string): { exit?: ExitFacts; failed?: SpawnFailure; started?: StartedFacts } {
  try {
    return JSON.parse(line);
  } catch {
    return {}; // torn in the middle, by a crash of the machine
  }
}

/** The lines that end in a newline, without it. */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      yield bytes.subarray(from, at);
      from = at + 1;
    }
    rest = Buffer.from(bytes.subarray(from));
  }
}

/** At most what one read of a pipe brought: bytes are told of as soon as they are captured. */
function bytesFrom(path: string, offset: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, statSync(path).size - offset));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset));
  } finally {
    closeSync(fd);
  }
}

async function factsOf(path: string): Promise<StreamFacts> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { bytes, kept: bytes, sha256: hash.digest('hex') };
}
