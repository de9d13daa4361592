import { createHash, type Hash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { open, truncate } from 'node:fs/promises';
import { decodeEntry } from './journal.ts';
import type { RunDirectory } from './run-directory.ts';
import { STREAMS, type Stream } from './stream.ts';

/** One capture as it was left. Bytes. */
export interface RecordedCapture {
  /** In the file. */
  kept: number;
  /** That events have told of. */
  told: number;
  /** That gaps have told of: they came after those kept. */
  gapped: number;
  /** Of the bytes told of. */
  hash: Hash;
  /** Kept and not told of. */
  untold: Buffer;
}

/** What an earlier server recorded of a run, for a Recorder to go on with. */
export interface Recorded {
  /** Size of the journal. */
  position: number;
  nextSeq: number;
  captures: Record<Stream, RecordedCapture>;
}

/** Null when nothing was recorded. The torn end of a journal is cut off. `onNote` gets lines that are no event. */
export async function readRecorded(
  directory: RunDirectory,
  firstSeq: number,
  onNote: (line: string) => void = () => {},
): Promise<Recorded | null> {
  const sizes = { stdout: sizeOf(directory.stdout), stderr: sizeOf(directory.stderr) };
  const size = sizeOf(directory.journal);
  if (sizes.stdout === null && sizes.stderr === null && size === null) return null;
  const told = { stdout: 0, stderr: 0 };
  const gapped = { stdout: 0, stderr: 0 };
  let position = 0;
  let nextSeq = firstSeq;
  if (size !== null) {
    for await (const line of wholeLines(directory.journal)) {
      position += line.length + 1;
      const text = line.toString('utf8');
      const entry = decodeEntry(text);
      if (!entry) {
        onNote(text);
        continue;
      }
      nextSeq = entry.seq + 1;
      if (entry.type === 'stdout' || entry.type === 'stderr') told[entry.type] = entry.offset + entry.length;
      if (entry.type === 'gap') gapped[entry.stream] += entry.length;
    }
    if (size > position) await truncate(directory.journal, position);
  }
  const capture = async (stream: Stream): Promise<RecordedCapture> => {
    const kept = sizes[stream] ?? 0;
    const hash = createHash('sha256');
    const end = Math.min(told[stream], kept) - 1;
    if (end >= 0) for await (const chunk of createReadStream(directory[stream], { end })) hash.update(chunk);
    const untold = await bytesFrom(directory[stream], told[stream], kept);
    return { kept, told: told[stream], gapped: gapped[stream], hash, untold };
  };
  const [stdout, stderr] = await Promise.all(STREAMS.map(capture));
  if (!stdout || !stderr) return null;
  return { position, nextSeq, captures: { stdout, stderr } };
}

/** Asked at once: for runs without files, of which there may be very many, the thread pool takes ten times as long. */
function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

/** The lines that end in a newline, without it. */
async function* wholeLines(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
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

/** At most what one write brought: bytes are told of as soon as they are captured. */
async function bytesFrom(path: string, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.max(0, to - from));
  if (bytes.length === 0) return bytes;
  const file = await open(path);
  try {
    return bytes.subarray(0, (await file.read(bytes, 0, bytes.length, from)).bytesRead);
  } finally {
    await file.close();
  }
}
