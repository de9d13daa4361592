import { createReadStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { setupMark } from '../documents/stream.ts';
import { channelOfEntry, decodeLine, encodeEntry, type OutputEntry } from './journal.ts';
import { wholeLines } from './whole-lines.ts';

export interface Repair {
  /** The first line to be written anew. */
  from: number;
  /** The end of the last line that stays. */
  to: number;
  isLost(entry: OutputEntry): boolean;
  /** Lines behind them. */
  added: readonly string[];
}

const PIECE_BYTES = 256 * 1024;

/**
 * Write a journal anew, in which events whose bytes were lost are gaps of the same seq. Whoever opens the path finds
 * the old journal or the whole new one. Returns its size.
 */
export async function repairJournal(path: string, { from, to, isLost, added }: Repair): Promise<number> {
  const unfinished = `${path}.repaired`;
  const file = await open(unfinished, 'w', 0o600);
  let size = from;
  try {
    if (from > 0)
      for await (const chunk of createReadStream(path, { end: from - 1 })) await file.write(chunk);
    let pieces: Buffer[] = [];
    const flush = async (): Promise<void> => {
      const bytes = Buffer.concat(pieces);
      pieces = [];
      await file.writeFile(bytes);
      size += bytes.length;
    };
    let waiting = 0;
    for await (const line of wholeLines(path, { start: from, end: to })) {
      const piece = repaired(line, isLost);
      pieces.push(piece);
      waiting += piece.length;
      if (waiting < PIECE_BYTES) continue;
      waiting = 0;
      await flush();
    }
    pieces.push(...added.map((line) => Buffer.from(line)));
    await flush();
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  return size;
}

function repaired(line: Buffer, isLost: (entry: OutputEntry) => boolean): Buffer {
  const entry = decodeLine(line)?.entry;
  if ((entry?.type !== 'stdout' && entry?.type !== 'stderr') || !isLost(entry))
    return Buffer.concat([line, Buffer.from('\n')]);
  const { seq, time, type: stream, offset, length } = entry;
  const gap = { seq, time, type: 'gap', stream, offset, length, reason: 'storage' } as const;
  return Buffer.from(encodeEntry({ ...gap, ...setupMark(channelOfEntry(entry)) }));
}
