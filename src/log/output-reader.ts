import type { Channel } from '../documents/stream.ts';
import { channelOfEntry } from '../journal/journal.ts';
import { crosses, isOutput, type LoggedEvent, type OutputFiles } from './logged-event.ts';
import type { Scratch } from './scratch.ts';

/**
 * About so much output is read, and encoded, in one turn of the event loop: the long one where it is quickly done,
 * the short one where it may not be.
 */
export const LONG_TURN = 256 * 1024;
export const SHORT_TURN = 64 * 1024;

/** Bytes of one channel that consecutive events tell of. */
interface Range {
  files: OutputFiles;
  channel: Channel;
  from: number;
  end: number;
}

/**
 * The bytes of each of some consecutive events, read into this memory. Null for those that have none, and for those
 * whose capture does not have what they tell of, or has other bytes.
 */
export async function readOutput(
  events: readonly LoggedEvent[],
  memory: Scratch,
): Promise<(Buffer | null)[]> {
  const ranges = new Map<LoggedEvent, Range>();
  const open = new Map<Channel, Range>();
  for (const event of events) {
    const { entry, files } = event;
    if (!isOutput(entry) || !files) continue;
    const { offset, length } = entry;
    const channel = channelOfEntry(entry);
    const before = open.get(channel);
    // Contiguous, unless the journal was damaged.
    const range = before?.end === offset ? before : { files, channel, from: offset, end: offset };
    range.end += length;
    open.set(channel, range);
    ranges.set(event, range);
  }
  const found = await readRanges(new Set(ranges.values()), memory);
  return events.map((event) => {
    const range = ranges.get(event);
    if (!range || !isOutput(event.entry)) return null;
    const at = event.entry.offset - range.from;
    const bytes = found.get(range)?.subarray(at, at + event.entry.length);
    return bytes && event.vouchesFor(bytes) ? bytes : null;
  });
}

async function readRanges(ranges: ReadonlySet<Range>, memory: Scratch): Promise<Map<Range, Buffer>> {
  let total = 0;
  for (const { from, end } of ranges) total += end - from;
  const room = memory.room(total);
  const found = new Map<Range, Buffer>();
  let at = 0;
  const reads = [...ranges].map(async (range) => {
    const part = room.subarray(at, at + range.end - range.from);
    at += part.length;
    found.set(range, part.subarray(0, await readWhole(range, part)));
  });
  await Promise.all(reads);
  return found;
}

/** Returns how many bytes there are: fewer when the capture is shorter than it was. */
async function readWhole({ files, channel, from }: Range, memory: Buffer): Promise<number> {
  let done = 0;
  for (let got = -1; got !== 0 && done < memory.length; done += got)
    got = await files.readInto(channel, from + done, memory.subarray(done));
  return done;
}

/**
 * A batch in parts of about so many bytes, which do not hold up the other readers. They end at the same events wherever
 * the batch began, so that readers share what is made of them.
 */
export function turnsOf(batch: readonly LoggedEvent[], bytes: number): LoggedEvent[][] {
  const turns: LoggedEvent[][] = [];
  let turn: LoggedEvent[] | null = null;
  for (const event of batch) {
    if (turn === null) {
      turn = [];
      turns.push(turn);
    }
    turn.push(event);
    if (crosses(event.entry, bytes)) turn = null;
  }
  return turns;
}

/** Bytes of output that events tell of. */
export function outputBytes(events: readonly LoggedEvent[]): number {
  return events.reduce((sum, { entry }) => sum + (isOutput(entry) ? entry.length : 0), 0);
}
