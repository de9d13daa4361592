import { fstatSync, read as readLater, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { comparePaths, type Listed, readLine } from './list.ts';

const read = promisify(readLater);
const BLOCK_BYTES = 64 * 1024;
const END = 0x0a;

/** What is in the list that is open here, in order. For threads that may wait. */
export function* listedIn(fd: number): Generator<Listed> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; ; ) {
    const length = readSync(fd, block, 0, block.length, at);
    if (length === 0) break;
    at += length;
    const { lines, left } = cut(Buffer.concat([rest, block.subarray(0, length)]));
    rest = left;
    for (const line of lines) yield readLine(line);
  }
  whole(rest);
}

/** The same in the server, from a byte at which a line begins. */
export async function* listedFrom(fd: number, start: number): AsyncGenerator<Listed> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  for (let at = start; ; ) {
    const { bytesRead } = await read(fd, block, 0, block.length, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    const { lines, left } = cut(Buffer.concat([rest, block.subarray(0, bytesRead)]));
    rest = left;
    for (const line of lines) yield readLine(line);
  }
  whole(rest);
}

/** The byte of a list at which the first line begins that is not before `path`; with `behind` the first behind it. */
export function seek(fd: number, path: string, behind: boolean): number {
  // A line begins at `low` or behind it, and what begins before `low` is before the path.
  let low = 0;
  let high = fstatSync(fd).size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = lineBehind(fd, middle, low);
    if (found === null || found.start >= high) {
      high = middle;
      continue;
    }
    const order = comparePaths(readLine(found.line).path, path);
    if (order < 0 || (behind && order === 0)) low = found.end;
    else high = middle;
  }
  return low;
}

/** The first line that begins at `from` or behind it; a line is known to begin at `begin`. */
function lineBehind(
  fd: number,
  from: number,
  begin: number,
): { line: string; start: number; end: number } | null {
  let start = from;
  if (from > begin) {
    const before = indexOfEnd(fd, from - 1);
    if (before === null) return null;
    start = before + 1;
  }
  const end = indexOfEnd(fd, start);
  if (end === null) return null;
  const line = Buffer.allocUnsafe(end - start);
  readSync(fd, line, 0, line.length, start);
  return { line: line.toString('utf8'), start, end: end + 1 };
}

function indexOfEnd(fd: number, from: number): number | null {
  const block = Buffer.allocUnsafe(1024);
  for (let at = from; ; ) {
    const length = readSync(fd, block, 0, block.length, at);
    if (length === 0) return null;
    const index = block.subarray(0, length).indexOf(END);
    if (index >= 0) return at + index;
    at += length;
  }
}

function cut(bytes: Buffer): { lines: string[]; left: Buffer } {
  const last = bytes.lastIndexOf(END);
  if (last < 0) return { lines: [], left: bytes };
  return { lines: bytes.toString('utf8', 0, last).split('\n'), left: bytes.subarray(last + 1) };
}

function whole(rest: Buffer): void {
  if (rest.length > 0) throw new Error('the list of a snapshot breaks off');
}
